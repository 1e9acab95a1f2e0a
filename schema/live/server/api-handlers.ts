import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { GraphQLSchema } from 'graphql';
import type { Logger } from '@tributary/streams';
import type { AnyLiveModel } from '../tables/live-model.ts';
import { ApiMetrics } from '../operations/api-metrics.ts';
import { TokenCheck } from '../access/api-token.ts';
import { type ViewerFunction, Viewers } from '../access/viewers.ts';
import { DashboardFiles } from '../pages/dashboard-files.ts';
import { MAX_EVENT_STREAMS } from '../limits/event-stream-limit.ts';
import { GraphiqlPage } from '../pages/graphiql-page.ts';
import { createGraphqlEngine, errorMask, GRAPHQL_PATH, type GraphqlEngine } from '../graphql/graphql-engine.ts';
import { GraphqlSockets } from '../graphql/graphql-sockets.ts';
import { sendError, sendJson } from './http-responses.ts';
import { isEventStream, OpenResponses } from './open-responses.ts';
import { OperationLog } from '../operations/operation-log.ts';
import { OriginPolicy } from '../access/origins.ts';
import type { OnSubscription } from '../updates/conflating-iterator.ts';
import type { CostTable } from '../limits/operation-cost.ts';
import type { RestResults } from './rest-responses.ts';
import { PersistedDocuments } from '../graphql/persisted-documents.ts';
import { type RefusedHandshake, refuseUpgrade } from './refused-handshake.ts';
import { RequestRouter } from './request-router.ts';
import { pathOf, takeAbsoluteTarget } from './request-target.ts';
import { ServedNames } from '../access/served-names.ts';
import { setSecurityHeaders } from '../access/security-headers.ts';
import type { Tracing } from '../operations/tracing.ts';

const SOCKETS_GRACE_MS = 1_000;
const RESPONSES_GRACE_MS = 3_000;
const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']);

const notServed = (setting: string): string =>
  'This API is not served by the name that was asked for. Ask by its address or as localhost, or name it in ' +
  `${setting}.`;

interface ServedPage {
  /** Where the build of the page puts its files; it may be absent, and may appear later. */
  readonly folder: string;
  /** The HTML that is shown while there is no build. */
  readonly notBuilt?: string;
  /** What the page is told beside results, by path: also while there is no copy of them. */
  readonly data?: RestResults;
}

export interface ApiHandlersOptions {
  readonly model: AnyLiveModel;
  /** The schema that is served; its subscriptions ask `onSubscription` for an observer, for metrics. */
  readonly createSchema: (onSubscription: OnSubscription) => GraphQLSchema;
  /** How long the lists of that schema are, and what its fields cost. */
  readonly costs: (schema: GraphQLSchema) => CostTable;
  /** Results for clients that speak no GraphQL, by path. */
  readonly restResults?: RestResults;
  readonly logger: Logger;
  readonly allowedOrigins: readonly string[];
  /** Host names, besides the host's own, under which the API is asked; without ports. */
  readonly allowedHosts?: readonly string[];
  readonly graphiql: boolean;
  /** The tabs that GraphiQL opens with. */
  readonly graphiqlExamples?: readonly string[];
  readonly apiToken: string | undefined;
  /**
   * Who asks: `context.viewer` of every resolver. Asked once for each request for data, and once for each WebSocket;
   * after `apiToken`.
   */
  readonly viewer?: ViewerFunction | undefined;
  /** How long `viewer` may take; 10 s unless a test sets less. */
  readonly viewerWithinMs?: number;
  /** What resolvers find in their context beside `viewer`; made once for each request and each WebSocket. */
  readonly context?: (viewer: unknown) => Readonly<Record<string, unknown>>;
  /**
   * Fields, as `Type.field`, whose resolvers ask for the context. An update of a subscription that selects one is made
   * for each subscriber with his own context; of all others it is made once for all, without any.
   */
  readonly contextFields?: ReadonlySet<string>;
  /** The page at `/`; null for none. */
  readonly page: ServedPage | null;
  /** What these two options are called where this API is configured, for messages. */
  readonly settings?: { readonly allowedHosts: string; readonly allowedOrigins: string };
  readonly tracing?: Tracing | null;
  /** What may wait for clients that read slowly, of all WebSockets together; 128 MiB unless given. */
  readonly maxUnsentBytes?: number | undefined;
  /** What subscriptions to ranges of owner tables hold. */
  readonly followedBytes?: () => number;
}

/**
 * What answers requests and handshakes, at any server of `node:http`: all paths, doors, limits, headers and metrics.
 * What needs the server itself, its connections and their times, is where one is listened on.
 */
export class ApiHandlers {
  readonly schema: GraphQLSchema;
  readonly metrics: ApiMetrics;
  readonly #logger: Logger;
  readonly #settings: { readonly allowedHosts: string; readonly allowedOrigins: string };
  readonly #responses = new OpenResponses();
  readonly #origins: OriginPolicy;
  readonly #names: ServedNames;
  readonly #engine: GraphqlEngine;
  readonly #sockets: GraphqlSockets;
  readonly #router: RequestRouter;
  #stopped: Promise<void> | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: ApiHandlersOptions) {
    const {
      model,
      logger,
      page,
      settings = { allowedHosts: 'allowedHosts', allowedOrigins: 'allowedOrigins' },
    } = options;
    this.#logger = logger;
    this.#settings = settings;
    const metrics = new ApiMetrics(model, {
      eventStreams: () => this.#responses.eventStreams,
      unsentBytes: () => this.#sockets.unsentBytes,
      followedBytes: options.followedBytes ?? (() => 0),
    });
    const log = new OperationLog(logger, metrics, options.tracing ?? null);
    const token = new TokenCheck(options.apiToken);
    const viewers = new Viewers(options);
    const documents = new PersistedDocuments(page?.folder ?? null, logger);
    const mayStream = (): boolean => this.#responses.eventStreams < MAX_EVENT_STREAMS;
    this.metrics = metrics;
    this.schema = options.createSchema(metrics.subscriptionOpened);
    this.#origins = new OriginPolicy(options.allowedOrigins);
    this.#names = new ServedNames(options.allowedHosts ?? []);
    this.#engine = createGraphqlEngine({
      schema: this.schema,
      explorable: options.graphiql,
      log,
      costs: options.costs(this.schema),
      documents,
      mayStream,
      contextFields: options.contextFields,
    });
    const mask = errorMask({ explorable: options.graphiql, log });
    const { maxUnsentBytes } = options;
    this.#sockets = new GraphqlSockets({
      ...{ engine: this.#engine, mask, token, viewers, documents, log, metrics, logger, maxUnsentBytes },
    });
    this.#router = new RequestRouter({
      model,
      engine: this.#engine,
      origins: this.#origins,
      token,
      viewers,
      metrics,
      dashboard: page === null ? null : new DashboardFiles(page.folder, logger, { notBuiltPage: page.notBuilt }),
      pageData: page?.data ?? {},
      graphiql: options.graphiql ? new GraphiqlPage(options.graphiqlExamples) : null,
      restResults: options.restResults ?? {},
      originsSetting: settings.allowedOrigins,
      stopping: () => this.#stopped !== null,
      closed: () => this.#closed !== null,
      mayStream,
    });
  }

  /** Serves under one more host name, without a port. */
  serveAs(name: string): void {
    this.#names.add(name);
  }

  /** Answers a request; for the event `request`. */
  readonly handler = (request: IncomingMessage, response: ServerResponse): void => {
    takeAbsoluteTarget(request);
    const pathname = pathOf(request);
    this.#responses.add(response);
    setSecurityHeaders(response);
    if (this.#stopped !== null) response.setHeader('connection', 'close');
    this.#observe(pathname ?? '', request, response);
    if (!this.#names.serves(request)) {
      this.metrics.errors.inc({ code: 'FORBIDDEN' });
      return sendError(request, response, 421, 'FORBIDDEN', notServed(this.#settings.allowedHosts));
    }
    if (pathname === null) return sendJson(request, response, 400, { error: 'This is no path.' });
    this.#router.serve(pathname, request, response).catch((error: unknown) => {
      const clientLeft = request.destroyed && !request.complete;
      const path = this.#router.labelOf(pathname);
      if (!clientLeft) this.#logger.error({ err: error, path }, 'a request failed unexpectedly');
      if (clientLeft || response.headersSent) response.destroy();
      else sendJson(request, response, 500, { error: 'Unexpected error.' });
    });
  };

  /** Opens a WebSocket, or refuses the handshake; for the event `upgrade`. */
  readonly upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    takeAbsoluteTarget(request);
    stream.on('error', () => stream.destroy());
    const refuse = (reason: string, status: RefusedHandshake): void => {
      this.metrics.refusedConnections.inc({ reason });
      this.#logger.debug({ reason, status }, 'a WebSocket handshake was refused');
      refuseUpgrade(stream, status);
    };
    if (!this.#names.serves(request)) return refuse('host', 421);
    if (pathOf(request) !== GRAPHQL_PATH) return refuse('path', 404);
    if (this.#origins.kindOf(request) === 'foreign') return refuse('origin', 403);
    if (this.#stopped !== null) return refuse('stopping', 503);
    if (this.#sockets.full) return refuse('sockets', 503);
    this.#sockets.upgrade(request, stream, head);
  };

  /** Ends subscriptions so that clients connect to another instance, and lets queries finish; at most three seconds. */
  stop(): Promise<void> {
    this.#stopped ??= Promise.all([
      this.#sockets.close(SOCKETS_GRACE_MS),
      this.#responses.drain(RESPONSES_GRACE_MS),
    ]).then(() => undefined);
    return this.#stopped;
  }

  /** Stops, and frees everything. A server that goes on gets NOT_READY for what asks for data. */
  close(): Promise<void> {
    const stopped = this.stop();
    this.#closed ??= stopped.then(async () => this.#engine.dispose());
    return this.#closed;
  }

  /** Counts and logs a request when its response is out, or its client gone. */
  #observe(pathname: string, request: IncomingMessage, response: ServerResponse): void {
    const startedAt = performance.now();
    response.once('close', () => {
      const path = this.#router.labelOf(pathname);
      const method = KNOWN_METHODS.has(request.method ?? '') ? (request.method as string) : 'other';
      const { statusCode: status } = response;
      this.metrics.httpRequests.inc({ path, method, status });
      const seconds = (performance.now() - startedAt) / 1_000;
      if (!isEventStream(response)) this.metrics.httpSeconds.observe({ path }, seconds);
      this.#logger.debug({ method, path, status, durationMs: Math.round(seconds * 10_000) / 10 }, 'request');
    });
  }
}
