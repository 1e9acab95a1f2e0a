import { createServer } from 'node:net';

/**
 * Below those that systems give to outgoing connections (32,768 and up on Linux, 49,152 elsewhere), above those that
 * services are known by. Tests have some of their own between these: tests/support/test-port.ts.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 24_000;

/**
 * A port of 127.0.0.1 that nobody listened on a moment ago. Not one that the system would pick: such a port may be
 * given to an outgoing connection while a broker that is to come back on it is away, even to a client's own attempt to
 * reach it, which then reaches itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isPortFree(port)) return port;
  }
}

/**
 * Whether a server could listen on `host:port` now. Any other failure than "in use" (no such host, no right) throws.
 */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
