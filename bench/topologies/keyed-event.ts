/** What bench/keyed-backlog.ts publishes under the key of its user. */
export interface Event {
  readonly user: string;
  readonly page: string;
  readonly cents: number;
  readonly at: number;
}

/** What a join makes of two events. */
export interface Pair {
  readonly user: string;
  readonly page: string;
  readonly cents: number;
}

export function pairOf(left: Event, right: Event): Pair {
  return { user: left.user, page: left.page, cents: left.cents + right.cents };
}

/** What the topologies of the keyed jobs are given. Times in milliseconds. */
export interface KeyedJobOptions {
  readonly inputTopic: string;
  readonly otherTopic: string;
  readonly outputTopic: string;
  readonly gapMs: number;
  readonly differenceMs: number;
  readonly graceMs: number;
}
