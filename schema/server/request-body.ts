import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

/** How a body may be packed. */
const PACKINGS = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) };
export const ACCEPTED_PACKINGS = 'gzip, deflate, br';

export type Unpacked = { readonly text: string } | { readonly problem: 'unknown packing' | 'too large' | 'not packed so' };

/** A body as text, unpacked to at most `limit` bytes: what unpacks to more is never held. */
export async function unpacked(body: Buffer, packing: string | undefined, limit: number): Promise<Unpacked> {
  const name = packing?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return { text: body.toString('utf8') };
  if (!Object.hasOwn(PACKINGS, name)) return { problem: 'unknown packing' };
  try {
    return { text: (await PACKINGS[name as keyof typeof PACKINGS](body, { maxOutputLength: limit })).toString('utf8') };
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException | null)?.code === 'ERR_BUFFER_TOO_LARGE';
    return { problem: isTooLarge ? 'too large' : 'not packed so' };
  }
}

/** How long the rest of a body that is too large is still read, so that its sender gets to the answer. */
const REST_GRACE_MS = 1_000;

/**
 * A request's body; null if it is longer than `limit` bytes, whatever length it declared. The rest of that one is
 * read and dropped: a client that is still sending would not see an answer, and then wait on the connection for ever.
 * Rejects when the client goes away.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let giveUp: NodeJS.Timeout | null = null;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
      } else {
        chunks.length = 0;
        giveUp ??= setTimeout(() => resolve(null), REST_GRACE_MS);
      }
    });
    request.once('error', reject);
    request.once('close', () => {
      if (giveUp !== null) clearTimeout(giveUp);
      reject(new Error('the client went away'));
    });
    request.once('end', () => resolve(length <= limit ? Buffer.concat(chunks) : null));
  });
}
