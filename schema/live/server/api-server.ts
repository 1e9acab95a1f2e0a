import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import type { GraphQLSchema } from 'graphql';
import type { Logger } from '@tributary/streams';
import type { AnyLiveModel } from '../tables/live-model.ts';
import { ApiMetrics } from '../operations/api-metrics.ts';
import { TokenCheck } from '../access/api-token.ts';
import { watchConnections } from './connections.ts';
import { DashboardFiles } from '../pages/dashboard-files.ts';
import { MAX_EVENT_STREAMS } from '../limits/event-stream-limit.ts';
import { GraphiqlPage } from '../pages/graphiql-page.ts';
import { createGraphqlEngine, errorMask, GRAPHQL_PATH } from '../graphql/graphql-engine.ts';
import { GraphqlSockets } from '../graphql/graphql-sockets.ts';
import { sendError, sendJson } from './http-responses.ts';
import { RequestPipeline } from './request-pipeline.ts';
import { isEventStream, OpenResponses } from './open-responses.ts';
import { OperationLog } from '../operations/operation-log.ts';
import { OriginPolicy } from '../access/origins.ts';
import type { OnSubscription } from '../updates/conflating-iterator.ts';
import type { CostTable } from '../limits/operation-cost.ts';
import type { RestResults } from './rest-responses.ts';
import { PersistedDocuments } from '../graphql/persisted-documents.ts';
import { RequestRouter } from './request-router.ts';
import { ServedNames } from '../access/served-names.ts';
import { setSecurityHeaders } from '../access/security-headers.ts';
import type { Tracing } from '../operations/tracing.ts';

/** A request's head, and then the whole request, must arrive within these times: slow senders hold no connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/**
 * Longer than load balancers keep an idle connection, which mostly is 60 s: a connection that they still use is never
 * closed here.
 */
const KEEP_ALIVE_MS = 70_000;
/** How often Node checks for late requests; its default is 30 s. */
const LATE_REQUESTS_EVERY_MS = 1_000;
/** How long a refused handshake waits until its few bytes are sent. */
const REFUSAL_GRACE_MS = 1_000;
const SOCKETS_GRACE_MS = 1_000;
const RESPONSES_GRACE_MS = 3_000;

const notServed = (setting: string): string =>
  'This API is not served by the name that was asked for. Ask by its address or as localhost, or name it in ' +
  `${setting}.`;

type RefusedHandshake = 403 | 404 | 421 | 503;

export interface ApiServerOptions {
  readonly model: AnyLiveModel;
  /** The schema that is served; its subscriptions ask `onSubscription` for an observer, for metrics. */
  readonly createSchema: (onSubscription: OnSubscription) => GraphQLSchema;
  /** How long the lists of that schema are, and what its fields cost. */
  readonly costs: (schema: GraphQLSchema) => CostTable;
  /** Results for clients that speak no GraphQL, by path. */
  readonly restResults?: RestResults;
  readonly logger: Logger;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  /** Host names, besides the host's own, under which the API is asked; without ports. */
  readonly allowedHosts?: readonly string[];
  readonly graphiql: boolean;
  /** The tabs that GraphiQL opens with. */
  readonly graphiqlExamples?: readonly string[];
  readonly apiToken: string | undefined;
  /** The folder of the built client; it may be absent. */
  readonly dashboardFolder: string;
  /** The page at `/` while the client is not built. */
  readonly notBuiltPage?: string;
  /** What these two options are called where this API is configured, for messages. */
  readonly settings?: { readonly allowedHosts: string; readonly allowedOrigins: string };
  /** How long a client may leave unread what was sent to it; 30 s unless a test sets less. */
  readonly stalledAfterMs?: number;
  /** How many connections are held at a time; 2,000 unless a test sets fewer. */
  readonly maxConnections?: number;
  readonly tracing?: Tracing | null;
}

export interface ApiServer {
  readonly port: number;
  /** Where to find it, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /**
   * Ends subscriptions so that clients connect to another instance, lets queries finish, and closes. Takes at most five
   * seconds.
   */
  stop(): Promise<void>;
}

/** Serves everything on one port. Rejects with the system's error when the port cannot be listened on. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { model, logger, settings = { allowedHosts: 'allowedHosts', allowedOrigins: 'allowedOrigins' } } = options;
  let stopping = false;
  const responses = new OpenResponses();
  const metrics = new ApiMetrics(model, () => responses.eventStreams);
  const log = new OperationLog(logger, metrics, options.tracing ?? null);
  const token = new TokenCheck(options.apiToken);
  const origins = new OriginPolicy(options.allowedOrigins);
  const names = new ServedNames(options.host, options.allowedHosts ?? []);
  const schema = options.createSchema(metrics.subscriptionOpened);
  const documents = new PersistedDocuments(options.dashboardFolder, options.logger);
  const mayStream = (): boolean => responses.eventStreams < MAX_EVENT_STREAMS;
  const engine = createGraphqlEngine({
    schema,
    explorable: options.graphiql,
    log,
    costs: options.costs(schema),
    documents,
    mayStream,
  });
  const mask = errorMask({ explorable: options.graphiql, log });
  const sockets = new GraphqlSockets({ engine, mask, token, documents, log, metrics, logger });
  const router = new RequestRouter({
    model,
    engine,
    origins,
    token,
    metrics,
    dashboard: new DashboardFiles(options.dashboardFolder, logger, options),
    graphiql: options.graphiql ? new GraphiqlPage(options.graphiqlExamples) : null,
    restResults: options.restResults ?? {},
    originsSetting: settings.allowedOrigins,
    stopping: () => stopping,
    mayStream,
  });

  const pipeline = new RequestPipeline();
  const shouldUpgradeCallback = ({ headers }: IncomingMessage): boolean =>
    headers.upgrade?.trim().toLowerCase() === 'websocket';
  const server = createServer(
    {
      shouldUpgradeCallback,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: LATE_REQUESTS_EVERY_MS,
    },
    (request, response) => {
      takeAbsoluteTarget(request);
      pipeline.next(request.socket, response, () => serve(request, response));
    },
  );

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const startedAt = performance.now();
    const pathname = pathOf(request);
    responses.add(response);
    setSecurityHeaders(response);
    if (stopping) response.setHeader('connection', 'close');
    response.once('close', () => {
      const path = router.labelOf(pathname ?? '');
      const method = KNOWN_METHODS.has(request.method ?? '') ? (request.method as string) : 'other';
      metrics.httpRequests.inc({ path, method, status: response.statusCode });
      const seconds = (performance.now() - startedAt) / 1_000;
      if (!isEventStream(response)) metrics.httpSeconds.observe({ path }, seconds);
      logger.debug(
        { method, path, status: response.statusCode, durationMs: Math.round(seconds * 10_000) / 10 },
        'request',
      );
    });
    if (!names.serves(request)) {
      metrics.errors.inc({ code: 'FORBIDDEN' });
      return sendError(request, response, 421, 'FORBIDDEN', notServed(settings.allowedHosts));
    }
    if (pathname === null) return sendJson(request, response, 400, { error: 'This is no path.' });
    router.serve(pathname, request, response).catch((error: unknown) => {
      const clientLeft = request.destroyed && !request.complete;
      if (!clientLeft) logger.error({ err: error, path: router.labelOf(pathname) }, 'a request failed unexpectedly');
      if (clientLeft || response.headersSent) response.destroy();
      else sendJson(request, response, 500, { error: 'Unexpected error.' });
    });
  }
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    takeAbsoluteTarget(request);
    stream.on('error', () => stream.destroy());
    pipeline.whenIdle(request.socket, () => upgrade(request, stream, head));
  });

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const refuse = (reason: string, status: RefusedHandshake): void => {
      metrics.refusedConnections.inc({ reason });
      logger.debug({ reason, status }, 'a WebSocket handshake was refused');
      refuseUpgrade(stream, status);
    };
    if (!names.serves(request)) return refuse('host', 421);
    if (pathOf(request) !== GRAPHQL_PATH) return refuse('path', 404);
    if (origins.kindOf(request) === 'foreign') return refuse('origin', 403);
    if (stopping) return refuse('stopping', 503);
    if (sockets.full) return refuse('sockets', 503);
    sockets.upgrade(request, stream, head);
  }
  const stopWatching = watchConnections(server, metrics, options);
  await listen(server, options.host, options.port);

  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: urlOf(options.host, port),
    async stop() {
      if (stopping) return;
      stopping = true;
      stopWatching();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.all([sockets.close(SOCKETS_GRACE_MS), responses.drain(RESPONSES_GRACE_MS)]);
      server.closeAllConnections();
      await closed;
      await engine.dispose();
    },
  };
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']);

/** A target may be a whole URL, as for a proxy; then its host is the one that is asked. */
function takeAbsoluteTarget(request: IncomingMessage): void {
  const target = request.url ?? '';
  if (!/^(https?|wss?):\/\//i.test(target) || !URL.canParse(target)) return;
  const { host, pathname, search } = new URL(target);
  request.url = pathname + search;
  request.headers.host = host;
}

/** A request's path without its parameters; null for a target that is no path. */
function pathOf(request: IncomingMessage): string | null {
  const url = request.url ?? '';
  return url.startsWith('/') && URL.canParse(url, 'http://localhost') ? (url.split(/[?#]/)[0] as string) : null;
}

/** Responds and closes the connection: the HTTP server no longer owns it, and the client may never end it. */
function refuseUpgrade(stream: Duplex, status: RefusedHandshake): void {
  const retry = status === 503 ? 'Retry-After: 1\r\n' : '';
  const giveUp = setTimeout(() => stream.destroy(), REFUSAL_GRACE_MS);
  stream.once('close', () => clearTimeout(giveUp));
  // What the client sent meanwhile is read and dropped: unread, it would make the system discard the response.
  stream.resume();
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n${retry}\r\n`,
    () => stream.destroy(),
  );
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A server that listens on all interfaces is reached as localhost. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
