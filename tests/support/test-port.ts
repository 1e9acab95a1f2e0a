import { createServer, type Server } from 'node:net';
import { isPortFree } from '../../tools/local-kafka/ports.ts';

/*
 * Ports of 127.0.0.1 that no other test file may take, in this run or in another one on the same machine: neither
 * between the moment they are chosen and the moment that somebody listens, nor while a broker is away that is to come
 * back. Who listens on the first port of a block has all of it, for as long as its process lives.
 */

/** Above those that tools/local-kafka/ports.ts chooses. */
const FIRST_PORT = 24_000;
const LAST_PORT = 32_000;
const PORTS_PER_BLOCK = 40;
const BLOCKS = (LAST_PORT - FIRST_PORT) / PORTS_PER_BLOCK;

let block: Promise<number> | undefined;
let taken = 0;

/** The ports of the block take turns: one that was in use a moment ago comes last. */
export async function testPort(): Promise<number> {
  for (;;) {
    const first = await (block ??= takeBlock());
    const port = first + 1 + (taken % (PORTS_PER_BLOCK - 1));
    taken += 1;
    // All of them are in use, or nearly: another block.
    if (taken % (2 * PORTS_PER_BLOCK) === 0) block = undefined;
    if (await isPortFree(port)) return port;
  }
}

async function takeBlock(): Promise<number> {
  for (;;) {
    const first = FIRST_PORT + PORTS_PER_BLOCK * Math.floor(Math.random() * BLOCKS);
    if (await holds(createServer().unref(), first)) return first;
  }
}

const holds = (server: Server, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
