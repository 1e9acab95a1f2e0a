import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

/** Content encodings of a body. */
const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};
export const ACCEPTED_ENCODINGS = 'gzip, deflate, br';

type DecodedBody =
  { readonly text: string } | { readonly problem: 'unknown encoding' | 'too large' | 'wrong encoding' | 'not utf-8' };

/** A body as text, decompressed to at most `limit` bytes: what would be longer is never held. */
export async function decodedBody(body: Buffer, encoding: string | undefined, limit: number): Promise<DecodedBody> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return decoded(body);
  if (!Object.hasOwn(DECODERS, name)) return { problem: 'unknown encoding' };
  try {
    return decoded(await DECODERS[name as keyof typeof DECODERS](body, { maxOutputLength: limit }));
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException | null)?.code === 'ERR_BUFFER_TOO_LARGE';
    return { problem: isTooLarge ? 'too large' : 'wrong encoding' };
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** The decoder drops a byte-order mark, which some clients write. */
function decoded(body: Buffer): DecodedBody {
  try {
    return { text: UTF_8.decode(body) };
  } catch {
    return { problem: 'not utf-8' };
  }
}

/** Whether a content-type has the charset of JSON, UTF-8 or a part of it. */
export function isUtf8(contentType: string | undefined): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  return charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii';
}

/** How long the rest of a body that is too large is still read, so that its sender comes to read the response. */
const REST_GRACE_MS = 1_000;

/**
 * A request's body; null if it is longer than `limit` bytes, whatever length it declared. The rest of such a body is
 * read and dropped: a client that is still sending would not see the response, and wait on the connection for ever.
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
      // Of a body that has been read this would cost a stack trace for nothing.
      if (!request.readableEnded) reject(new Error('the client went away'));
    });
    request.once('end', () => resolve(length <= limit ? Buffer.concat(chunks) : null));
  });
}
