import { BEAT_MS } from './shared-timers.ts';
import type { ChangeHub, ChangeTopic } from './change-hub.ts';

/** Makes one subscriber's updates when it is time for one; it remembers what it said last. */
export interface UpdateSource<T> {
  /** False while the first update has to wait: for a change, for progress, or at most until `readyByMs`. */
  readonly ready?: () => boolean;
  /** When the first update waits no longer, of `performance.now()`. */
  readonly readyByMs?: number;
  /** What changed since the last update, as of now; null when nothing did that this subscriber asked for. */
  take(): T | null;
}

/** Told of one subscription's life, for metrics. */
export interface SubscriptionObserver {
  /** An update was handed over; the oldest change in it had waited for `waitedMs` here. */
  updated(waitedMs: number): void;
  /** A change came while an earlier one was still waiting: both will be one update. */
  conflated(): void;
  closed(): void;
}

export const UNOBSERVED: SubscriptionObserver = Object.freeze({ updated() {}, conflated() {}, closed() {} });

/** Asked for an observer when a subscription to a field begins. */
export type OnSubscription = (field: string) => SubscriptionObserver;

type Waiting<T> = { resolve(result: IteratorResult<T>): void; reject(error: unknown): void };

/**
 * The iterator behind every subscription. It holds no update, only the fact that there may be one: the update is made
 * when the subscriber asks and its interval has passed, so a slow one skips what is outdated, costs no memory, and
 * always ends on the newest.
 *
 * It is written by hand because an async generator that waits for an event cannot be returned: a subscriber that leaves
 * in a quiet hour would stay until the next change. `return()` here frees everything at once.
 */
export class ConflatingIterator<T, TableName extends string = string> implements AsyncIterableIterator<T> {
  readonly #source: UpdateSource<T>;
  readonly #intervalMs: number;
  readonly #hub: ChangeHub<TableName>;
  readonly #topics: readonly ChangeTopic<TableName>[];
  readonly #stopListening: () => void;
  readonly #observer: SubscriptionObserver;
  readonly #waiting: Waiting<T>[] = [];
  #due = true;
  #first = true;
  #lastSentAtMs = -Infinity;
  #dueSinceMs = performance.now();
  #callOff: (() => void) | null = null;
  /** Ends the wait for the first update's source. */
  #stopWaiting: (() => void) | null = null;
  #closed = false;

  constructor(
    hub: ChangeHub<TableName>,
    topics: readonly ChangeTopic<TableName>[],
    source: UpdateSource<T>,
    intervalMs: number,
    observer: SubscriptionObserver = UNOBSERVED,
  ) {
    this.#hub = hub;
    this.#topics = topics;
    this.#source = source;
    this.#intervalMs = intervalMs;
    this.#observer = observer;
    this.#stopListening = hub.listen(topics, () => {
      if (this.#due) observer.conflated();
      else this.#dueSinceMs = performance.now();
      this.#due = true;
      this.#deliver();
    });
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#deliver();
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<T>> {
    this.#close();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #deliver(): void {
    if (
      this.#closed ||
      this.#callOff !== null ||
      this.#stopWaiting !== null ||
      !this.#due ||
      this.#waiting.length === 0
    )
      return;
    const nowMs = performance.now();
    const nextAtMs = this.#lastSentAtMs + this.#intervalMs;
    if (nextAtMs > nowMs) this.#deliverAt(nextAtMs);
    else this.#send(nowMs);
  }

  /** `atMs`: when it is sent, as far as the pace is concerned. */
  #send(atMs: number): void {
    try {
      if (this.#first && this.#source.ready?.() === false) return this.#waitForSource();
      this.#stopWaiting?.();
      this.#due = false;
      const update = this.#source.take();
      if (update === null) return;
      this.#first = false;
      this.#lastSentAtMs = atMs;
      this.#observer.updated(performance.now() - this.#dueSinceMs);
      this.#waiting.shift()?.resolve({ done: false, value: update });
    } catch (error) {
      this.#waiting.shift()?.reject(error);
      this.#close();
    }
  }

  /** Woken by what may make the source ready, and once by its deadline. */
  #waitForSource(): void {
    if (this.#stopWaiting !== null) return;
    const wake = (): void => {
      if (!this.#closed) this.#send(performance.now());
    };
    const stopListening = this.#hub.listen(['progress', ...this.#topics], wake);
    const { readyByMs } = this.#source;
    const callOff = readyByMs === undefined ? null : this.#hub.beats.at(readyByMs, wake);
    this.#stopWaiting = () => {
      stopListening();
      callOff?.();
      this.#stopWaiting = null;
    };
  }

  #deliverAt(dueMs: number): void {
    this.#callOff = this.#hub.beats.at(dueMs, (beatMs) => {
      this.#callOff = null;
      // A beat that comes a little late is no reason to miss the one an interval after it: subscribers stay together.
      this.#send(Math.max(beatMs, performance.now() - BEAT_MS));
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    this.#callOff?.();
    this.#stopWaiting?.();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
    this.#observer.closed();
  }
}
