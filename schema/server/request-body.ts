import type { IncomingMessage } from 'node:http';

/** How long the rest of a body that is too large is still read, so that its sender gets to the answer. */
const REST_GRACE_MS = 1_000;

/**
 * A request's body as text; null if it is longer than `limit` bytes, whatever length it declared. The rest of that one is
 * read and dropped: a client that is still sending would not see an answer, and then wait on the connection for ever.
 * Rejects when the client goes away.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<string | null> {
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
    request.once('end', () => resolve(length <= limit ? Buffer.concat(chunks).toString('utf8') : null));
  });
}
