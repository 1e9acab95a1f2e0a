import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { ApiMetrics } from '../operations/api-metrics.ts';

/** So many clients at a time, whatever they do. */
export const MAX_CONNECTIONS = 2_000;
/** How long a client may leave unread what waits for it. */
export const STALLED_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 1_000;

export interface ConnectionLimits {
  readonly stalledAfterMs?: number | undefined;
  readonly maxConnections?: number | undefined;
}

interface Connection {
  /** Bytes that went out. */
  written: number;
  sinceMs: number;
  /** Answers that are being given. */
  answering: number;
  /** The newest request. */
  request: IncomingMessage | null;
  upgraded: boolean;
}

/**
 * The connections of a server, of any protocol. One whose client reads nothing for `stalledAfterMs`, though something
 * waits to be read, is ended: its subscriptions are freed, and the client comes back when it can. Where one more than
 * `maxConnections` comes, the one that has waited longest without a whole request of its client gives way: silent,
 * half-sent and kept-alive ones never shut others out. Returns the function that ends the watch.
 */
export function watchConnections(server: Server, metrics: ApiMetrics, limits: ConnectionLimits = {}): () => void {
  const { stalledAfterMs = STALLED_AFTER_MS, maxConnections = MAX_CONNECTIONS } = limits;
  /** The one that has been without an answer for longest comes first. */
  const open = new Map<Socket, Connection>();

  server.on('connection', (socket: Socket) => {
    open.set(socket, { written: 0, sinceMs: performance.now(), answering: 0, request: null, upgraded: false });
    socket.once('close', () => open.delete(socket));
    if (open.size > maxConnections) makeRoom(socket);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const connection = open.get(socket);
    if (connection === undefined) return;
    connection.answering += 1;
    connection.request = request;
    response.once('close', () => {
      connection.answering -= 1;
      if (open.delete(socket)) open.set(socket, connection);
    });
  });
  server.on('upgrade', (request: IncomingMessage) => {
    const connection = open.get(request.socket);
    if (connection !== undefined) connection.upgraded = true;
  });

  function makeRoom(newcomer: Socket): void {
    for (const [socket, { answering, request, upgraded }] of open) {
      const serves = upgraded || (answering > 0 && request?.complete === true);
      if (serves) continue;
      metrics.refusedConnections.inc({ reason: socket === newcomer ? 'connections' : 'idle' });
      open.delete(socket);
      socket.destroy();
      return;
    }
  }

  const looking = setInterval(
    () => {
      const nowMs = performance.now();
      for (const [socket, progress] of open) {
        // What was handed to the system; `bytesWritten` counts what waits for that too.
        const written = socket.bytesWritten - socket.writableLength;
        if (socket.writableLength === 0 || written !== progress.written) {
          progress.written = written;
          progress.sinceMs = nowMs;
        } else if (nowMs - progress.sinceMs >= stalledAfterMs) {
          metrics.stalledReaders.inc();
          socket.destroy();
        }
      }
    },
    Math.min(LOOK_EVERY_MS, stalledAfterMs / 4),
  );
  looking.unref();
  return () => clearInterval(looking);
}
