import type { KeyValueStore, WindowStore } from '../store/typed-store.ts';

/** What a custom processor sees. `R` is what it forwards. */
export interface ProcessorContext<R> {
  readonly taskId: string;
  nowMs(): number;
  streamTimeMs(): number;
  keyValueStore<V>(name: string): KeyValueStore<string, V>;
  windowStore<V>(name: string): WindowStore<string, V>;
  forward(key: string | null, value: R, timestampMs: number): void;
}

/**
 * A custom processor. `process` is called once a record, in offset order within a partition; it must be synchronous. An
 * exception aborts the transaction and replaces the thread.
 */
export interface Processor<V, R> {
  init?(context: ProcessorContext<R>): void;
  process(value: V, key: string | null, timestampMs: number): void;
}
