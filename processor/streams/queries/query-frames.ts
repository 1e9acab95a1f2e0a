import { createHmac, timingSafeEqual } from 'node:crypto';

/*
 * The bytes between who asks and the instance that answers.
 *
 *   caller   -> instance: MAGIC, nonce (32), proof of the token for "hello" and the nonce (32)
 *   instance -> caller:   its own nonce (32), proof for "welcome" and both nonces (32)
 *   caller   -> instance: proof for "session" and both nonces (32)
 *   then frames in both directions: length of what follows (u32), id of the request (u32), body
 *
 * The token itself never travels, each side knows that the other has it, and a hello that was overheard opens nothing.
 * An instance says nothing before it has seen a right hello. A frame without a body is a sign of life, which is sent
 * back.
 */
export const MAGIC = Buffer.from('TRIBUTARY QUERIES 1\n', 'latin1');
export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;
export const HELLO_BYTES = MAGIC.length + NONCE_BYTES + PROOF_BYTES;
export const WELCOME_BYTES = NONCE_BYTES + PROOF_BYTES;
/** Of a frame with questions. */
export const MOST_QUESTION_BYTES = 1 << 20;
/** Of a frame with an answer: rows as large as Kafka takes them are not cut. */
export const MOST_ANSWER_BYTES = 64 << 20;

const HEADER_BYTES = 8;
const LENGTH_BYTES = 4;

interface Frame {
  readonly id: number;
  readonly body: Buffer;
}

export function proofOf(token: string, step: 'hello' | 'welcome' | 'session', ...nonces: Buffer[]): Buffer {
  const hmac = createHmac('sha256', token).update(`tributary ${step}\n`);
  for (const nonce of nonces) hmac.update(nonce);
  return hmac.digest();
}

/** Takes as long for each wrong proof. */
export function isProof(given: Buffer, proof: Buffer): boolean {
  return given.length === proof.length && timingSafeEqual(given, proof);
}

export function frameOf({ id, body }: Frame): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(LENGTH_BYTES + body.length, 0);
  frame.writeUInt32BE(id, LENGTH_BYTES);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** What has come over a connection and was not read yet. */
export class ReceivedBytes {
  readonly #mostBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;

  /** @param mostBytes of one frame's body. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  get length(): number {
    return this.#length;
  }

  /** The first bytes, without taking them: as many as there are, at most `count`. */
  first(count: number): Buffer {
    return this.#whole(Math.min(count, this.#length)).subarray(0, count);
  }

  /** Undefined while so many have not come. */
  take(count: number): Buffer | undefined {
    if (this.#length < count) return undefined;
    const whole = this.#whole(count);
    this.#length -= count;
    if (whole.length === count) this.#chunks.shift();
    else this.#chunks[0] = whole.subarray(count);
    return whole.subarray(0, count);
  }

  /** The next whole frame. @throws RangeError for one that is larger than may be. */
  frame(): Frame | undefined {
    if (this.#length < HEADER_BYTES) return undefined;
    const length = this.#whole(HEADER_BYTES).readUInt32BE(0);
    if (length < LENGTH_BYTES || length > LENGTH_BYTES + this.#mostBytes)
      throw new RangeError(`a frame of ${String(length)} bytes, and at most ${String(this.#mostBytes)} are taken`);
    const frame = this.take(LENGTH_BYTES + length);
    return frame === undefined
      ? undefined
      : { id: frame.readUInt32BE(LENGTH_BYTES), body: frame.subarray(HEADER_BYTES) };
  }

  /** The first chunk, made to have so many bytes. */
  #whole(count: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= count) return first;
    let [bytes, chunks] = [0, 0];
    while (bytes < count) {
      bytes += this.#chunks[chunks]?.length ?? 0;
      chunks += 1;
    }
    const whole = Buffer.concat(this.#chunks.slice(0, chunks));
    this.#chunks.splice(0, chunks, whole);
    return whole;
  }
}
