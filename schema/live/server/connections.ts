import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { MOST_UNSENT_BYTES, UnsentBytes } from '../limits/unsent-bytes.ts';
import type { ApiMetrics } from '../operations/api-metrics.ts';

/** Open at a time, whatever the clients do. */
export const MAX_CONNECTIONS = 2_000;
/** How long a client may leave unread what was sent to it. */
export const STALLED_AFTER_MS = 30_000;
const CHECK_EVERY_MS = 250;

interface ConnectionLimits {
  readonly stalledAfterMs?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxUnsentBytes?: number | undefined;
}

interface Connection {
  /** Bytes that were handed to the system. */
  written: number;
  sinceMs: number;
  /** Responses that are not finished. */
  responding: number;
  /** The newest request. */
  request: IncomingMessage | null;
  upgraded: boolean;
  /** Greater than that of each connection whose last response was out before, or that began before. */
  idleFrom: number;
}

/**
 * Watches the connections of a server, of any protocol. A connection whose client reads nothing for `stalledAfterMs`,
 * though something waits to be read, is closed: its subscriptions are freed, and the client connects again when it can.
 * The same becomes of those that hold most while more than `maxUnsentBytes` wait on all of them together.
 * When there is one connection more than `maxConnections`, the one that has been without a whole request for longest is
 * closed: silent clients, half-sent requests and idle kept-alive connections never shut others out. Returns the
 * function that ends the watch.
 */
export function watchConnections(server: Server, metrics: ApiMetrics, limits: ConnectionLimits = {}): () => void {
  const { stalledAfterMs = STALLED_AFTER_MS, maxConnections = MAX_CONNECTIONS } = limits;
  const { maxUnsentBytes = MOST_UNSENT_BYTES } = limits;
  const open = new Map<Socket, Connection>();
  let turns = 0;

  server.on('connection', (socket: Socket) => {
    turns += 1;
    open.set(socket, {
      ...{ written: 0, sinceMs: performance.now(), responding: 0, request: null },
      ...{ upgraded: false, idleFrom: turns },
    });
    socket.once('close', () => open.delete(socket));
    if (open.size > maxConnections) makeRoom(socket);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const connection = open.get(socket);
    if (connection === undefined) return;
    connection.responding += 1;
    connection.request = request;
    response.once('close', () => {
      connection.responding -= 1;
      // Not by its place in the Map: one that is made anew at each response keeps their requests in memory.
      turns += 1;
      connection.idleFrom = turns;
    });
  });
  server.on('upgrade', (request: IncomingMessage) => {
    const connection = open.get(request.socket);
    if (connection !== undefined) connection.upgraded = true;
  });

  function makeRoom(newcomer: Socket): void {
    let longest: readonly [Socket, Connection] | undefined;
    for (const one of open) {
      const { responding, request, upgraded, idleFrom } = one[1];
      const serves = upgraded || (responding > 0 && request?.complete === true);
      if (!serves && (longest === undefined || idleFrom < longest[1].idleFrom)) longest = one;
    }
    if (longest === undefined) return;
    const [socket] = longest;
    metrics.refusedConnections.inc({ reason: socket === newcomer ? 'connections' : 'idle' });
    open.delete(socket);
    socket.destroy();
  }

  function cutOff(socket: Socket): void {
    metrics.stalledReaders.inc();
    socket.destroy();
  }

  const checking = setInterval(
    () => {
      const nowMs = performance.now();
      const unsent = new UnsentBytes<Socket>(maxUnsentBytes, cutOff);
      for (const [socket, progress] of open) {
        unsent.add(socket, socket.writableLength);
        // `bytesWritten` also counts what waits to be handed to the system.
        const written = socket.bytesWritten - socket.writableLength;
        if (socket.writableLength === 0 || written !== progress.written) {
          progress.written = written;
          progress.sinceMs = nowMs;
        } else if (nowMs - progress.sinceMs >= stalledAfterMs) {
          cutOff(socket);
        }
      }
    },
    Math.min(CHECK_EVERY_MS, stalledAfterMs / 4),
  );
  checking.unref();
  return () => clearInterval(checking);
}
