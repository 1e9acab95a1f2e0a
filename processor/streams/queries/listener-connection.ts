import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { OwnerQuestion } from './owner-reads.ts';
import {
  frameOf,
  HELLO_BYTES,
  isProof,
  MAGIC,
  MOST_QUESTION_BYTES,
  NONCE_BYTES,
  PROOF_BYTES,
  proofOf,
  ReceivedBytes,
} from './query-frames.ts';
import { decodeAsked, encodeMessage, type OwnerReply } from './query-messages.ts';

export interface ListenerLimits {
  /** To show the token. */
  readonly helloMs: number;
  /** Without a frame. */
  readonly idleMs: number;
  /** With answers that the caller does not take. */
  readonly slowReaderMs: number;
  readonly mostOpenQuestions: number;
  /** Questions that are answered at the same time, but for those that wait for a position. */
  readonly mostAtOnce: number;
  /** With so much that the caller has not taken, no further question is answered. */
  readonly mostUnsentBytes: number;
}

interface ListenerConnectionOptions {
  readonly token: string;
  readonly limits: ListenerLimits;
  readonly answer: (question: OwnerQuestion, waitMs: number) => Promise<OwnerReply>;
  /** Whether there is room for one more caller that has the token. */
  readonly mayJoin: () => boolean;
  readonly onRefused: (reason: string) => void;
  readonly onClosed: () => void;
}

interface OpenQuestion {
  readonly id: number;
  readonly index: number;
  readonly question: OwnerQuestion;
  readonly waitMs: number;
}

type Step = 'hello' | 'session' | 'open';

/** One caller of the query listener. What is not as it should be ends the connection without a word. */
export class ListenerConnection {
  readonly #socket: Socket;
  readonly #options: ListenerConnectionOptions;
  readonly #received = new ReceivedBytes(MOST_QUESTION_BYTES);
  readonly #queue: OpenQuestion[] = [];
  #step: Step = 'hello';
  #session: Buffer = Buffer.alloc(0);
  #open = 0;
  #atOnce = 0;
  #timer: NodeJS.Timeout;
  #slowTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(socket: Socket, options: ListenerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#timer = setTimeout(() => this.#refuse('it did not show the token in time'), options.limits.helloMs);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  /** It has shown that it has the token. */
  get isKnown(): boolean {
    return this.#step === 'open';
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #refuse(reason: string): void {
    if (this.#isClosed) return;
    this.#options.onRefused(reason);
    this.destroy();
  }

  #closed(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
    clearTimeout(this.#slowTimer);
    this.#options.onClosed();
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosed || this.#socket.destroyed) return;
    this.#received.push(chunk);
    if (this.#step === 'hello') this.#hello();
    if (this.#step === 'session') this.#join();
    if (this.#step === 'open') this.#frames();
  }

  #hello(): void {
    const { token } = this.#options;
    const begin = this.#received.first(MAGIC.length);
    if (!begin.equals(MAGIC.subarray(0, begin.length))) return this.#refuse('it speaks another protocol');
    const hello = this.#received.take(HELLO_BYTES);
    if (hello === undefined) return;
    const nonce = hello.subarray(MAGIC.length, MAGIC.length + NONCE_BYTES);
    // mutant: right-hello
    if (!isProof(hello.subarray(MAGIC.length + NONCE_BYTES), proofOf(token, 'hello', nonce)))
      return this.#refuse('its token is another one');
    const own = randomBytes(NONCE_BYTES);
    this.#session = proofOf(token, 'session', nonce, own);
    this.#socket.write(Buffer.concat([own, proofOf(token, 'welcome', nonce, own)]));
    this.#step = 'session';
  }

  #join(): void {
    const proof = this.#received.take(PROOF_BYTES);
    if (proof === undefined) return;
    // mutant: right-session
    if (!isProof(proof, this.#session)) return this.#refuse('it repeats what it has overheard');
    if (!this.#options.mayJoin()) return this.#refuse('there are too many connections');
    this.#step = 'open';
    this.#alive();
  }

  #alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Who waits for an answer has nothing to say.
      if (this.#open > 0) this.#alive();
      else this.destroy();
    }, this.#options.limits.idleMs);
  }

  #frames(): void {
    try {
      for (let frame = this.#received.frame(); frame !== undefined; frame = this.#received.frame()) {
        this.#alive();
        if (frame.body.length === 0) {
          this.#send(frame.id, frame.body);
          continue;
        }
        const { questions, waitMs } = decodeAsked(frame.body);
        for (const [index, question] of questions.entries())
          this.#queue.push({ id: frame.id, index, question, waitMs });
        this.#open += questions.length;
      }
    } catch (error) {
      return this.#refuse(error instanceof Error ? error.message : 'a frame that cannot be read');
    }
    if (this.#open >= this.#options.limits.mostOpenQuestions) this.#socket.pause();
    this.#work();
  }

  #work(): void {
    const { mostAtOnce, mostUnsentBytes } = this.#options.limits;
    while (this.#atOnce < mostAtOnce && this.#socket.writableLength < mostUnsentBytes) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      void this.#answer(next);
    }
  }

  async #answer({ id, index, question, waitMs }: OpenQuestion): Promise<void> {
    // Those that wait are bounded by the number of open questions: they do not hold up the others.
    const weight = waitMs > 0 && (question as Partial<OwnerQuestion> | null)?.minPosition !== undefined ? 0 : 1;
    this.#atOnce += weight;
    const reply = await this.#options.answer(question, waitMs);
    this.#atOnce -= weight;
    if (this.#isClosed) return;
    this.#send(id, encodeMessage([index, reply]));
    this.#open -= 1;
    if (this.#slowTimer === undefined) this.#readOn();
    this.#work();
  }

  /** What is said in one turn goes out at once, and is one read for the caller. */
  #send(id: number, body: Buffer): void {
    if (this.#isClosed) return;
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    if (this.#socket.write(frameOf({ id, body }))) return;
    if (this.#socket.writableLength < this.#options.limits.mostUnsentBytes) return;
    this.#socket.pause();
    this.#slowTimer ??= setTimeout(
      () => this.#refuse('it does not take its answers'),
      this.#options.limits.slowReaderMs,
    );
  }

  #drained(): void {
    clearTimeout(this.#slowTimer);
    this.#slowTimer = undefined;
    this.#readOn();
    this.#work();
  }

  #readOn(): void {
    if (this.#open < this.#options.limits.mostOpenQuestions && this.#socket.isPaused()) this.#socket.resume();
  }
}
