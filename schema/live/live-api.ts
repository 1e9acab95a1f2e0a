import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { GraphQLSchema } from 'graphql';

import { type Logger, StreamsError } from '@tributary/streams';
import { openTableRows, type TableRows, type TableRowsOptions } from './feed/table-rows.ts';
import { fieldsWithContext } from './graphql/context-fields.ts';
import { withTables } from './graphql/extended-resolvers.ts';
import { createLiveSchema } from './graphql/live-schema.ts';
import { tableResolvers } from './graphql/table-resolvers.ts';
import { FollowedBytes } from './limits/followed-bytes.ts';
import type { CostTable } from './limits/operation-cost.ts';
import { tableCosts } from './limits/table-costs.ts';
import { checkedPlace, type ListenPlace } from './listen-place.ts';
import { checkLiveApiOptions, makerOf, type FilledLiveApiOptions, type LiveApiOptions } from './live-api-options.ts';
import { processorResult } from './operations/processor-result.ts';
import { openOwners, type OpenOwnersOptions } from './owner/open-owners.ts';
import { type OwnerLinks, OwnerTables } from './owner/owner-tables.ts';
import { pageModel } from './pages/page-model.ts';
import { ApiHandlers } from './server/api-handlers.ts';
import { type ApiServer, listenWith } from './server/api-server.ts';
import { liveModelOf } from './tables/create-live-model.ts';
import type { LiveModel } from './tables/live-model.ts';
import type { TablesModel } from './tables/table-reads.ts';
import { TablesContext } from './tables/tables-context.ts';
import { tablesOfContexts } from './tables/tables-of-contexts.ts';
import { type OnSubscription, UNOBSERVED } from './updates/conflating-iterator.ts';

const DEFAULT_PAGE = fileURLToPath(new URL('./pages/dist', import.meta.url));
/** Closing the Kafka connections writes nothing, so it need not be waited for longer. */
const FEED_GRACE_MS = 500;
const SILENT: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} });

/** A live GraphQL API over the tables of an application. */
export interface LiveApi {
  readonly schema: GraphQLSchema;
  /** The schema as text, in a stable order: for codegen and for review. */
  readonly sdl: string;
  /** Follows the tables' topics; also done by `listen`. */
  start(): void;
  /** Serves everything on a port of its own. Rejects with the system's error when it cannot be listened on. */
  listen(where?: { readonly host?: string | undefined; readonly port?: number | undefined }): Promise<ListeningApi>;
  /** For the event `request` of a server of one's own. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** For the event `upgrade` of a server of one's own. */
  readonly upgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => void;
  /** Ends subscriptions so that clients connect to another instance, lets queries finish, and frees everything. */
  close(): Promise<void>;
}

export interface ListeningApi {
  /** Where to find it, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Makes the API of these tables; it needs no broker until it is started.
 * @throws StreamsError CONFIG_INVALID with a line for each option that cannot be used.
 */
export function createLiveApi<Viewer = unknown>(options: LiveApiOptions<Viewer>): LiveApi {
  return createFedLiveApi(options as LiveApiOptions, openTableRows);
}

/**
 * The API over copies of these tables which the application fills itself, such as a test by hand.
 * @throws StreamsError as `createLiveApi`.
 */
export function createFilledLiveApi<Viewer = unknown>(
  model: LiveModel,
  options: FilledLiveApiOptions<Viewer>,
): LiveApi {
  const problems: string[] = [];
  const declared = checkLiveApiOptions(options as FilledLiveApiOptions, problems, false);
  if (problems.length > 0) throw invalid(problems, false);
  return new OpenLiveApi(options as FilledLiveApiOptions, declared, model as TablesModel, null, null);
}

/** The same, fed in another way. */
export function createFedLiveApi(
  options: LiveApiOptions,
  openRows: typeof openTableRows,
  openLinks: (options: OpenOwnersOptions) => OwnerLinks = openOwners,
): LiveApi {
  const problems: string[] = [];
  const declared = checkLiveApiOptions(options, problems);
  if (problems.length > 0) throw invalid(problems, true);
  const { applicationId, logger = SILENT, connection, owner } = options;
  const copied = declared.filter(({ held }) => held !== 'owner');
  const model = liveModelOf(copied, { applicationId, logger }) as TablesModel;
  return new OpenLiveApi(
    options,
    declared,
    model,
    (given) => openRows({ ...given, connection }),
    (owners) =>
      openLinks({
        connection,
        token: owner?.token ?? '',
        instances: () => model.listInstances().map(({ status }) => status),
        subTopologyOf: (store) => owners.subTopologyOf(store),
        logger,
      }),
  );
}

type OpenRows = (options: Omit<TableRowsOptions, 'connection'>) => TableRows;

class OpenLiveApi implements LiveApi {
  readonly schema: GraphQLSchema;
  readonly sdl: string;
  readonly #options: FilledLiveApiOptions;
  readonly #declared: ReturnType<typeof checkLiveApiOptions>;
  readonly #model: TablesModel;
  readonly #handlers: ApiHandlers;
  readonly #logger: Logger;
  readonly #servers: ApiServer[] = [];
  readonly #openRows: OpenRows | null;
  readonly #openOwners: ((owners: OwnerTables) => OwnerLinks) | null;
  readonly #owners: OwnerTables;
  #rows: TableRows | null = null;
  #closed = false;

  constructor(
    options: FilledLiveApiOptions,
    declared: ReturnType<typeof checkLiveApiOptions>,
    model: TablesModel,
    openRows: OpenRows | null,
    openOwners: ((owners: OwnerTables) => OwnerLinks) | null,
  ) {
    this.#openRows = openRows;
    this.#openOwners = openOwners;
    const { applicationId, logger = SILENT, allow = {}, viewer, page, graphiql = true, token, extend = {} } = options;
    this.#options = options;
    this.#declared = declared;
    this.#logger = logger;
    this.#model = model;
    const owners = new OwnerTables(declared, {
      ...{ model, logger, allowStale: options.owner?.allowStale ?? true },
      followed: new FollowedBytes(options.limits?.maxFollowedBytes),
    });
    this.#owners = owners;
    const contextOf = tablesOfContexts((viewer) => new TablesContext(model, owners, allow, viewer));
    let observer: OnSubscription = () => UNOBSERVED;
    const parts = { onSubscription: (field: string) => observer(field) };
    const own = typeof extend.resolvers === 'function' ? extend.resolvers(parts) : (extend.resolvers ?? {});
    const extension = { ...extend, resolvers: withTables(own, contextOf) };
    const { costs, restResults, graphiqlExamples } = extend;
    const served = declared.filter((table) => table.served);
    let sdl = '';
    this.#handlers = new ApiHandlers({
      model,
      createSchema: (onSubscription) => {
        observer = onSubscription;
        const problems: string[] = [];
        const resolvers = tableResolvers({
          tables: declared,
          model,
          owners,
          contextOf,
          processor: () => processorResult(model, { guarantee: 'exactly_once', topology: '' }),
          onSubscription,
        });
        const made = createLiveSchema({ tables: declared, resolvers, extend: extension }, problems);
        if (made === undefined) throw invalid(problems, openRows !== null);
        sdl = made.sdl;
        return made.schema;
      },
      costs: (schema) => withOwnCosts(tableCosts(schema, model, served, new Set(Object.keys(allow))), costs?.(schema)),
      ...(restResults === undefined ? {} : { restResults }),
      ...(graphiqlExamples === undefined ? {} : { graphiqlExamples }),
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      tracing: options.tracing ?? null,
      maxUnsentBytes: options.limits?.maxUnsentBytes,
      followedBytes: () => owners.followed.bytes,
      logger,
      allowedOrigins: options.allowedOrigins ?? [],
      allowedHosts: options.allowedHosts ?? [],
      graphiql,
      apiToken: token,
      viewer,
      contextFields: fieldsWithContext(own as Readonly<Record<string, unknown>>),
      page:
        page === false
          ? null
          : {
              folder: page?.folder ?? DEFAULT_PAGE,
              ...(page?.notBuilt === undefined ? {} : { notBuilt: page.notBuilt }),
              data: { '/page/tables.json': () => pageModel(applicationId, declared) },
            },
    });
    this.schema = this.#handlers.schema;
    this.sdl = sdl;
  }

  start(): void {
    if (this.#openRows === null || this.#rows !== null) return;
    if (this.#owners.size > 0 && this.#openOwners !== null) this.#owners.connect(this.#openOwners(this.#owners));
    this.#rows = this.#openRows({
      logger: this.#logger,
      model: this.#model,
      tables: this.#declared,
      onSources: (sources) => this.#owners.follow(sources),
      onFatal: (error) => {
        this.#logger.error({ err: error }, 'the brokers refuse this API: it serves nothing until it is started again');
        this.#model.setTableState({ caughtUpOnce: false, complete: false, reason: error.message });
      },
    });
  }

  async listen(where: ListenPlace = {}): Promise<ListeningApi> {
    const { host, port } = checkedPlace(where);
    if (this.#closed)
      throw new StreamsError('CONFIG_INVALID', 'listen: this API is closed, and its tables are followed no more');
    this.start();
    const { maxConnections, stalledAfterMs, maxUnsentBytes } = this.#options.limits ?? {};
    const server = await listenWith(this.#handlers, {
      host,
      port,
      ...(maxConnections === undefined ? {} : { maxConnections }),
      ...(stalledAfterMs === undefined ? {} : { stalledAfterMs }),
      maxUnsentBytes,
    });
    this.#servers.push(server);
    return { url: server.url, port: server.port, close: () => this.close() };
  }

  get handler(): LiveApi['handler'] {
    this.start();
    return this.#handlers.handler;
  }

  get upgrade(): LiveApi['upgrade'] {
    this.start();
    return this.#handlers.upgrade;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
    await this.#handlers.close();
    const rows = this.#rows;
    if (rows === null) return;
    await Promise.race([
      Promise.all([rows.close(), this.#owners.close()]),
      new Promise((resolve) => setTimeout(resolve, FEED_GRACE_MS).unref()),
    ]);
  }
}

function withOwnCosts(generated: CostTable, own: CostTable | undefined): CostTable {
  if (own === undefined) return generated;
  return { lists: { ...generated.lists, ...own.lists }, work: { ...generated.work, ...own.work } };
}

function invalid(problems: readonly string[], isFed: boolean): StreamsError {
  const [only, ...others] = problems;
  const all = problems.map((one) => `- ${one}`).join('\n');
  const found = others.length === 0 ? String(only) : `${problems.length} options cannot be used:\n${all}`;
  return new StreamsError('CONFIG_INVALID', `${makerOf(isFed)}: ${found}`);
}
