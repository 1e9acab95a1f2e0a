import { jsonSerde, type Serde } from './serdes.ts';
import { storedCount } from './stored-value.ts';

/**
 * An aggregate is a value, not three callbacks. `merge` is associative and commutative with `empty()` as its neutral
 * element, and `add(acc, v)` equals `merge(acc, add(empty(), v))`: that is what lets the runtime combine before the
 * shuffle and roll one window up into a larger one.
 *
 * `add` and `merge` may change their first argument, and answer it, the second, or something new; they may keep parts
 * of the second, but never change it. The first is nobody else's: each table, window and key has its own. `empty` may
 * answer the same plain data each time (objects, arrays, maps, sets); an instance of a class must be a new one, or one
 * that nobody changes.
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
  serde: { ...jsonSerde<number>(), deserialize: (bytes) => storedCount(JSON.parse(bytes.toString('utf8'))) },
};
