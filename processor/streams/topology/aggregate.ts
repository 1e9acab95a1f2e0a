import { isWholeNumberText, jsonIn, jsonSerde, knownSerde, type Serde } from './serdes.ts';
import { storedCount } from './stored-value.ts';

/** What `add` is told of the record beside its value. */
export interface AggregatedRecord<K = unknown> {
  /** The key that it is grouped by. */
  readonly key: K;
  /** Its event time, epoch ms. */
  readonly timestampMs: number;
}

/**
 * An aggregate is a value, not a set of callbacks.
 *
 * With `merge`, which is associative and commutative with `empty()` as its neutral element so that `add(acc, v)` equals
 * `merge(acc, add(empty(), v))`, records are combined before the shuffle and one window rolls up into a larger one.
 * Without it, or with `combine: false`, records travel one by one and are added in order: an aggregate may then depend
 * on the order. Sessions use `merge(older, newer)` for two that become one.
 *
 * `add` and `merge` may change their first argument, and answer it, the second, or something new; they may keep parts
 * of the second, but never change it. The first is nobody else's: each table, window and key has its own. `empty` may
 * answer the same plain data each time (objects, arrays, maps, sets); an instance of a class must be a new one, or one
 * that nobody changes. Null or undefined as an answer: there is no row, and the next `add` starts from `empty()`.
 *
 * `subtract` takes a value out again: tables that are grouped need it.
 */
export interface Aggregate<V, A, K = unknown> {
  empty(): A;
  add(acc: A, value: V, record: AggregatedRecord<K>): A | null | undefined;
  merge?(a: A, b: A): A | null | undefined;
  subtract?(acc: A, value: V, record: AggregatedRecord<K>): A | null | undefined;
  /** False: `merge` is for sessions only, and records travel one by one. */
  readonly combine?: boolean;
  readonly serde: Serde<A>;
}

/** An aggregate whose records are combined before the shuffle. */
export interface CombinableAggregate<V, A, K = unknown> extends Aggregate<V, A, K> {
  add(acc: A, value: V, record: AggregatedRecord<K>): A;
  merge(a: A, b: A): A;
}

/** Records may be added up before the shuffle. */
export function isCombinable({ merge, combine }: Pick<Aggregate<never, unknown>, 'merge' | 'combine'>): boolean {
  return merge !== undefined && combine !== false;
}

/** Counts records. */
export const countAggregate: CombinableAggregate<unknown, number> = {
  empty: () => 0,
  add: (acc) => acc + 1,
  merge: (a, b) => a + b,
  subtract: (acc) => acc - 1,
  serde: knownSerde(
    { ...jsonSerde<number>(), deserialize: (bytes: Buffer) => storedCount(jsonIn(bytes)) },
    {
      hasNewBytes: true,
      takes: isWholeNumberText,
      leavesBytes: true,
      // What `storedCount` takes.
      isExact: (value) => Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0),
    },
  ),
};
