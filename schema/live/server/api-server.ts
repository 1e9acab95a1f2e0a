import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { ApiHandlers, type ApiHandlersOptions } from './api-handlers.ts';
import { watchConnections } from './connections.ts';
import { RequestPipeline } from './request-pipeline.ts';

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

interface ListenOptions {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** How long a client may leave unread what was sent to it; 30 s unless a test sets less. */
  readonly stalledAfterMs?: number;
  /** How many connections are held at a time; 2,000 unless a test sets fewer. */
  readonly maxConnections?: number;
  /** What may wait for clients that read slowly, of all connections together; 128 MiB unless a test sets less. */
  readonly maxUnsentBytes?: number | undefined;
}

export interface ApiServerOptions extends ApiHandlersOptions, ListenOptions {}

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
export function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  return listenWith(new ApiHandlers(options), options);
}

/**
 * A server of our own for `handlers`: it bounds how many connections there are, what they may send ahead, and how long
 * they may take. Rejects with the system's error when the port cannot be listened on.
 */
export async function listenWith(handlers: ApiHandlers, options: ListenOptions): Promise<ApiServer> {
  const { host } = options;
  handlers.serveAs(host);
  const pipeline = new RequestPipeline();
  const shouldUpgradeCallback = ({ headers }: IncomingMessage): boolean =>
    headers.upgrade?.trim().toLowerCase() === 'websocket';
  // By no import, which would load the client behind fetch as well.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer(
    {
      shouldUpgradeCallback,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: LATE_REQUESTS_EVERY_MS,
    },
    (request, response) => pipeline.next(request.socket, response, () => handlers.handler(request, response)),
  );
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    pipeline.whenIdle(request.socket, () => handlers.upgrade(request, stream, head));
  });
  const stopWatching = watchConnections(server, handlers.metrics, options);
  await listen(server, host, options.port);

  const { port } = server.address() as AddressInfo;
  let stopping = false;
  return {
    port,
    url: urlOf(host, port),
    async stop() {
      if (stopping) return;
      stopping = true;
      stopWatching();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await handlers.stop();
      server.closeAllConnections();
      await closed;
      await handlers.close();
    },
  };
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
