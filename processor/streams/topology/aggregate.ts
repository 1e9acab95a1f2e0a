import { jsonSerde, type Serde } from './serdes.ts';

/**
 * An aggregate is a value, not three callbacks. `merge` is associative and commutative with `empty()` as its neutral
 * element, and `add(acc, v)` equals `merge(acc, add(empty(), v))`: that is what lets the runtime combine before the
 * shuffle and roll one window up into a larger one.
 *
 * `add` and `merge` may change and return their first argument; they never change the second.
 */
export interface Aggregate<V, A> {
  empty(): A;
  add(acc: A, value: V, timestampMs: number): A;
  merge(a: A, b: A): A;
  readonly serde: Serde<A>;
}

/** Counts records. */
export const countAggregate: Aggregate<unknown, number> = {
  empty: () => 0,
  add: (acc) => acc + 1,
  merge: (a, b) => a + b,
  serde: jsonSerde<number>(),
};
