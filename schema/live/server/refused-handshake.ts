import type { Duplex } from 'node:stream';

/** How long a refused handshake waits until its few bytes are sent. */
const REFUSAL_GRACE_MS = 1_000;

export type RefusedHandshake = 403 | 404 | 421 | 503;

/** Responds and closes the connection: the HTTP server no longer owns it, and the client may never end it. */
export function refuseUpgrade(stream: Duplex, status: RefusedHandshake): void {
  const retry = status === 503 ? 'Retry-After: 1\r\n' : '';
  const { STATUS_CODES } = process.getBuiltinModule('node:http');
  const giveUp = setTimeout(() => stream.destroy(), REFUSAL_GRACE_MS);
  stream.once('close', () => clearTimeout(giveUp));
  // What the client sent meanwhile is read and dropped: unread, it would make the system discard the response.
  stream.resume();
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n${retry}\r\n`,
    () => stream.destroy(),
  );
}
