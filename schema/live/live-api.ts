import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { GraphQLSchema } from 'graphql';

import { type Logger, StreamsError } from '@tributary/streams';
import { openTableRows, type TableRows } from './feed/table-rows.ts';
import { fieldsWithContext } from './graphql/context-fields.ts';
import { withTables } from './graphql/extended-resolvers.ts';
import { createLiveSchema } from './graphql/live-schema.ts';
import { tableResolvers } from './graphql/table-resolvers.ts';
import { tableCosts } from './limits/table-costs.ts';
import { checkLiveApiOptions, type LiveApiOptions } from './live-api-options.ts';
import { processorResult } from './operations/processor-result.ts';
import { pageModel } from './pages/page-model.ts';
import { ApiHandlers } from './server/api-handlers.ts';
import { type ApiServer, listenWith } from './server/api-server.ts';
import { LiveModel } from './tables/live-model.ts';
import { RowTable } from './tables/row-table.ts';
import type { TablesModel } from './tables/table-reads.ts';
import { TablesContext } from './tables/tables-context.ts';

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

/** The same, fed in another way. */
export function createFedLiveApi(options: LiveApiOptions, openRows: typeof openTableRows): LiveApi {
  const problems: string[] = [];
  const declared = checkLiveApiOptions(options, problems);
  if (problems.length > 0) throw invalid(problems);
  return new OpenLiveApi(options, declared, openRows);
}

class OpenLiveApi implements LiveApi {
  readonly schema: GraphQLSchema;
  readonly sdl: string;
  readonly #options: LiveApiOptions;
  readonly #declared: ReturnType<typeof checkLiveApiOptions>;
  readonly #model: TablesModel;
  readonly #handlers: ApiHandlers;
  readonly #logger: Logger;
  readonly #servers: ApiServer[] = [];
  readonly #openRows: typeof openTableRows;
  #rows: TableRows | null = null;

  constructor(
    options: LiveApiOptions,
    declared: ReturnType<typeof checkLiveApiOptions>,
    openRows: typeof openTableRows,
  ) {
    this.#openRows = openRows;
    const { applicationId, logger = SILENT, allow = {}, viewer, page, graphiql = true, token, extend } = options;
    this.#options = options;
    this.#declared = declared;
    this.#logger = logger;
    const model: TablesModel = new LiveModel({
      applicationId,
      logger,
      tables: Object.fromEntries(
        declared.map((table) => [
          table.name,
          {
            ...(table.source.kind === 'store' ? { store: table.source.store } : { topic: table.source.topic }),
            table: new RowTable(table),
          },
        ]),
      ),
    });
    this.#model = model;
    const contexts = new WeakMap<object, TablesContext>();
    const contextOf = (context: unknown): TablesContext => {
      if (typeof context !== 'object' || context === null) return new TablesContext(model, allow, undefined);
      const key = context as { readonly viewer?: unknown };
      const known = contexts.get(key);
      if (known !== undefined) return known;
      const made = new TablesContext(model, allow, key.viewer);
      contexts.set(key, made);
      return made;
    };
    const extension =
      extend === undefined ? undefined : { ...extend, resolvers: withTables(extend.resolvers ?? {}, contextOf) };
    let sdl = '';
    this.#handlers = new ApiHandlers({
      model,
      createSchema: (onSubscription) => {
        const problems: string[] = [];
        const resolvers = tableResolvers({
          tables: declared,
          model,
          contextOf,
          processor: () => processorResult(model, { guarantee: 'exactly_once', topology: '' }),
          onSubscription,
        });
        const made = createLiveSchema({ tables: declared, resolvers, extend: extension }, problems);
        if (made === undefined) throw invalid(problems);
        sdl = made.sdl;
        return made.schema;
      },
      costs: (schema) => tableCosts(schema, model, declared),
      logger,
      allowedOrigins: options.allowedOrigins ?? [],
      allowedHosts: options.allowedHosts ?? [],
      graphiql,
      apiToken: token,
      viewer,
      contextFields: fieldsWithContext((extend?.resolvers ?? {}) as Readonly<Record<string, unknown>>),
      page:
        page === false
          ? null
          : {
              folder: page?.folder ?? DEFAULT_PAGE,
              data: { '/page/tables.json': () => pageModel(applicationId, declared) },
            },
    });
    this.schema = this.#handlers.schema;
    this.sdl = sdl;
  }

  start(): void {
    this.#rows ??= this.#openRows({
      connection: this.#options.connection,
      logger: this.#logger,
      model: this.#model,
      tables: this.#declared,
      onFatal: (error) => {
        this.#logger.error({ err: error }, 'the brokers refuse this API: it serves nothing until it is started again');
        this.#model.setTableState({ caughtUpOnce: false, complete: false, reason: error.message });
      },
    });
  }

  async listen({
    host = '127.0.0.1',
    port = 0,
  }: { readonly host?: string | undefined; readonly port?: number | undefined } = {}): Promise<ListeningApi> {
    this.start();
    const { maxConnections, stalledAfterMs } = this.#options.limits ?? {};
    const server = await listenWith(this.#handlers, {
      host,
      port,
      ...(maxConnections === undefined ? {} : { maxConnections }),
      ...(stalledAfterMs === undefined ? {} : { stalledAfterMs }),
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
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
    await this.#handlers.close();
    const rows = this.#rows;
    if (rows === null) return;
    await Promise.race([rows.close(), new Promise((resolve) => setTimeout(resolve, FEED_GRACE_MS).unref())]);
  }
}

function invalid(problems: readonly string[]): StreamsError {
  const [only, ...others] = problems;
  const message =
    others.length === 0
      ? `createLiveApi: ${String(only)}`
      : `createLiveApi: ${problems.length} options cannot be used:\n${problems.map((one) => `- ${one}`).join('\n')}`;
  return new StreamsError('CONFIG_INVALID', message);
}
