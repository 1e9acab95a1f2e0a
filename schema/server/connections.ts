import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import type { ApiMetrics } from './api-metrics.ts';

/** So many clients at a time, whatever they do: those that hold a connection and say nothing must not take all there are. */
export const MAX_CONNECTIONS = 2_000;
/** How long a client may leave unread what waits for it. */
export const STALLED_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 1_000;

interface Progress {
  /** Bytes that went out. */
  written: number;
  sinceMs: number;
}

/**
 * The connections of a server, of any protocol. One whose client reads nothing for `stalledAfterMs`, though something waits to be
 * read, is ended: its subscriptions are freed, and the client comes back when it can. Returns the function that ends the watch.
 */
export function watchConnections(server: Server, metrics: ApiMetrics, stalledAfterMs: number = STALLED_AFTER_MS): () => void {
  const open = new Map<Socket, Progress>();
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => metrics.refusedConnections.inc({ reason: 'connections' }));
  server.on('connection', (socket: Socket) => {
    open.set(socket, { written: 0, sinceMs: performance.now() });
    socket.once('close', () => open.delete(socket));
  });
  const looking = setInterval(() => {
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
  }, Math.min(LOOK_EVERY_MS, stalledAfterMs / 4));
  looking.unref();
  return () => clearInterval(looking);
}
