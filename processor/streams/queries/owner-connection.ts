import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { OpenRequests } from './open-requests.ts';
import type { OwnerQuestion } from './owner-reads.ts';
import {
  frameOf,
  isProof,
  MAGIC,
  MOST_ANSWER_BYTES,
  NONCE_BYTES,
  proofOf,
  ReceivedBytes,
  WELCOME_BYTES,
} from './query-frames.ts';
import { decodeReplied, encodeMessage, type OwnerReply } from './query-messages.ts';

export interface QueryAddress {
  readonly host: string;
  readonly port: number;
}

interface Request {
  readonly replies: (OwnerReply | undefined)[];
  missing: number;
  readonly done: () => void;
}

interface OpenSocket {
  readonly socket: Socket;
  readonly received: ReceivedBytes;
  /** It has shown that it has the token. */
  isKnown: boolean;
  /** Something has come since the last sign of life was asked for. */
  isAlive: boolean;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** After a connection that failed nobody tries again for so long. */
const RETRY_AFTER_MS = 100;

/** A connection to one instance, made when something is asked, and again after it was lost. */
export class OwnerConnection {
  readonly #address: QueryAddress;
  readonly #token: string;
  readonly #requests = new OpenRequests<Request>();
  #open: OpenSocket | undefined;
  #opening: Promise<OpenSocket | undefined> | undefined;
  #failedAt = -Infinity;
  #isClosed = false;
  /** It has not answered in time, and said nothing since. */
  isSilent = false;
  /** Why the last connection could not be made, or ended. */
  trouble: string | undefined;

  constructor(address: QueryAddress, token: string) {
    this.#address = address;
    this.#token = token;
  }

  get isIdle(): boolean {
    return this.#requests.size === 0;
  }

  /** In the order of the questions; undefined: no reply has come within `timeoutMs`. Does not throw. */
  async ask(
    questions: readonly OwnerQuestion[],
    waitMs: number,
    timeoutMs: number,
  ): Promise<readonly (OwnerReply | undefined)[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const request: Request = { replies: questions.map(() => undefined), missing: questions.length, done: resolve };
    const id = this.#requests.add(request);
    const timer = setTimeout(() => {
      this.trouble ??= 'it did not answer in time';
      this.isSilent = true;
      resolve();
    }, timeoutMs);
    const open = await Promise.race([this.#connected(), promise]);
    if (open === undefined) resolve();
    else open.socket.write(frameOf({ id, body: encodeMessage({ questions, waitMs }) }));
    await promise;
    clearTimeout(timer);
    this.#requests.delete(id);
    return request.replies;
  }

  /** Asks for a sign of life; without one since the last time the connection is given up. */
  checkAlive(): void {
    const open = this.#open;
    if (open === undefined) return;
    if (!open.isAlive) open.socket.destroy(new Error('it gives no sign of life'));
    open.isAlive = false;
    open.socket.write(frameOf({ id: 0, body: Buffer.alloc(0) }));
  }

  close(): void {
    this.#isClosed = true;
    this.#open?.socket.destroy();
    this.#failRequests();
  }

  #connected(): Promise<OpenSocket | undefined> {
    if (this.#open !== undefined) return Promise.resolve(this.#open);
    if (this.#isClosed || performance.now() - this.#failedAt < RETRY_AFTER_MS) return Promise.resolve(undefined);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  #connect(): Promise<OpenSocket | undefined> {
    const { promise, resolve } = Promise.withResolvers<OpenSocket | undefined>();
    const socket = connect({ ...this.#address, noDelay: true, keepAlive: true });
    const open: OpenSocket = {
      socket,
      received: new ReceivedBytes(MOST_ANSWER_BYTES),
      isKnown: false,
      isAlive: true,
    };
    const nonce = randomBytes(NONCE_BYTES);
    const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
    let failure: string | undefined;
    socket.once('connect', () => socket.write(Buffer.concat([MAGIC, nonce, proofOf(this.#token, 'hello', nonce)])));
    socket.on('error', (error) => {
      failure = messageOf(error);
    });
    socket.on('data', (chunk) => {
      open.received.push(chunk);
      open.isAlive = true;
      this.isSilent = false;
      try {
        if (!open.isKnown && !this.#welcomed(open, nonce)) return;
        clearTimeout(timer);
        this.#open = open;
        resolve(open);
        this.#readReplies(open.received);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on('close', () => {
      clearTimeout(timer);
      this.trouble =
        failure ?? (open.isKnown ? 'the connection was closed' : 'it closed the connection: has it the same token?');
      if (!open.isKnown) this.#failedAt = performance.now();
      if (this.#open === open) {
        this.#open = undefined;
        this.#failRequests();
      }
      resolve(undefined);
    });
    return promise;
  }

  /** @throws for one that has not got the token. */
  #welcomed(open: OpenSocket, nonce: Buffer): boolean {
    const welcome = open.received.take(WELCOME_BYTES);
    if (welcome === undefined) return false;
    const theirs = welcome.subarray(0, NONCE_BYTES);
    if (!isProof(welcome.subarray(NONCE_BYTES), proofOf(this.#token, 'welcome', nonce, theirs)))
      throw new Error('it has another token');
    open.socket.write(proofOf(this.#token, 'session', nonce, theirs));
    open.isKnown = true;
    this.trouble = undefined;
    return true;
  }

  #readReplies(received: ReceivedBytes): void {
    for (let frame = received.frame(); frame !== undefined; frame = received.frame()) {
      if (frame.body.length === 0) continue;
      const request = this.#requests.get(frame.id);
      if (request === undefined) continue;
      const [index, reply] = decodeReplied(frame.body);
      if (index >= request.replies.length || request.replies[index] !== undefined) continue;
      request.replies[index] = reply;
      request.missing -= 1;
      if (request.missing === 0) request.done();
    }
  }

  #failRequests(): void {
    for (const [, { done }] of this.#requests.entries()) done();
  }
}
