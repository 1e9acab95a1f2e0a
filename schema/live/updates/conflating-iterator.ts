import { TIMER_STEP_MS } from './shared-timers.ts';
import type { ChangeHub, ChangeTopic } from './change-hub.ts';

/** Makes one subscriber's updates; it keeps what it sent last. */
export interface UpdateSource<T> {
  /** False while the first update has to wait: for a change, for progress, or at most until `readyByMs`. */
  readonly ready?: () => boolean;
  /** When the first update waits no longer, of `performance.now()`. */
  readonly readyByMs?: number;
  /** True while there is another part of the last update: it waits for no change and for no interval. */
  readonly hasMore?: () => boolean;
  /** What changed since the last update, as of now; null when nothing did that this subscriber asked for. */
  nextUpdate(): T | null;
}

/** Is called during one subscription's life, for metrics. */
export interface SubscriptionObserver {
  /** An update was given to the subscriber; the oldest change in it had waited here for `waitedMs`. */
  updated(waitedMs: number): void;
  /** A change came while an earlier one was still waiting: both will be one update. */
  conflated(): void;
  closed(): void;
}

export const UNOBSERVED: SubscriptionObserver = Object.freeze({ updated() {}, conflated() {}, closed() {} });

/** Asked for an observer when a subscription to a field begins. */
export type OnSubscription = (field: string) => SubscriptionObserver;

/** Wakes subscribers, at the end of their intervals, too. */
export type WakingHub<TableName extends string = string> = Pick<ChangeHub<TableName>, 'listen' | 'timers'>;

type Waiting<T> = { resolve(result: IteratorResult<T>): void; reject(error: unknown): void };

/**
 * The iterator behind every subscription. It holds no update, only the fact that there may be one. The update is made
 * when the subscriber asks for it and its interval has passed: a slow subscriber skips what is outdated, costs no
 * memory, and always ends on the newest state.
 *
 * It is no async generator, because `return()` of one waits for the event that it waits for: a subscriber that leaves
 * while nothing changes would be kept until the next change. `return()` here frees everything at once.
 */
export class ConflatingIterator<T, TableName extends string = string> implements AsyncIterableIterator<T> {
  readonly #source: UpdateSource<T>;
  readonly #intervalMs: number;
  readonly #hub: WakingHub<TableName>;
  readonly #topics: readonly ChangeTopic<TableName>[];
  readonly #stopListening: () => void;
  readonly #observer: SubscriptionObserver;
  readonly #waiting: Waiting<T>[] = [];
  #due = true;
  #first = true;
  #lastSentAtMs = -Infinity;
  #dueSinceMs = performance.now();
  #cancelTimer: (() => void) | null = null;
  /** Ends the wait for a source that is not ready. */
  #stopWaiting: (() => void) | null = null;
  #closed = false;

  constructor(
    hub: WakingHub<TableName>,
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
      this.#cancelTimer !== null ||
      this.#stopWaiting !== null ||
      !this.#due ||
      this.#waiting.length === 0
    )
      return;
    const nowMs = performance.now();
    const nextAtMs = this.#lastSentAtMs + this.#intervalMs;
    if (nextAtMs > nowMs && this.#source.hasMore?.() !== true) this.#deliverAt(nextAtMs);
    else this.#send(nowMs);
  }

  /** `atMs`: the time from which the next interval counts. */
  #send(atMs: number): void {
    try {
      if (this.#first && this.#source.ready?.() === false) return this.#waitForSource();
      this.#stopWaiting?.();
      this.#due = false;
      const update = this.#source.nextUpdate();
      if (update === null) return;
      this.#due ||= this.#source.hasMore?.() === true;
      this.#first = false;
      this.#lastSentAtMs = atMs;
      this.#observer.updated(performance.now() - this.#dueSinceMs);
      this.#waiting.shift()?.resolve({ done: false, value: update });
    } catch (error) {
      this.#waiting.shift()?.reject(error);
      this.#close();
    }
  }

  /** Woken by each change that may make the source ready, and once by its deadline. */
  #waitForSource(): void {
    if (this.#stopWaiting !== null) return;
    const wake = (): void => {
      if (!this.#closed) this.#send(performance.now());
    };
    const stopListening = this.#hub.listen(['progress', ...this.#topics], wake);
    const { readyByMs } = this.#source;
    const cancelTimer = readyByMs === undefined ? null : this.#hub.timers.at(readyByMs, wake);
    this.#stopWaiting = () => {
      stopListening();
      cancelTimer?.();
      this.#stopWaiting = null;
    };
  }

  #deliverAt(dueMs: number): void {
    this.#cancelTimer = this.#hub.timers.at(dueMs, (stepMs) => {
      this.#cancelTimer = null;
      // A step that fires a little late must not move the next one: subscribers stay together.
      this.#send(Math.max(stepMs, performance.now() - TIMER_STEP_MS));
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    this.#cancelTimer?.();
    this.#stopWaiting?.();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
    this.#observer.closed();
  }
}
