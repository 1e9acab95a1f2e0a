import type { KeyValueStore, StoreSpec, WindowStore } from '../store/typed-store.ts';
import type { RecordContext, RecordHeaders } from './record.ts';

/** Of a record that a processor hands on. */
export interface ForwardOptions {
  /** Event time, epoch ms. Default: that of the record which is being processed. */
  readonly timestampMs?: number;
  /** Default: those of the record which is being processed. */
  readonly headers?: RecordHeaders;
}

/** What a custom processor sees. `KOut` and `VOut` are what it forwards. */
export interface ProcessorContext<KOut, VOut> {
  readonly taskId: string;
  nowMs(): number;
  streamTimeMs(): number;
  /** The record that is being processed. */
  record(): RecordContext;
  /** A store that the processor is connected to, by name. */
  store<S = unknown>(name: string): S;
  keyValueStore<V, K = string>(name: string): KeyValueStore<K, V>;
  windowStore<V, K = string>(name: string): WindowStore<K, V>;
  /** Hands a record to what is behind the processor. */
  forward(key: KOut, value: VOut, options?: ForwardOptions): void;
}

/** Called once a record, in offset order within a partition. It must be synchronous. */
export type ProcessorFunction<K, V> = (value: V, key: K, record: RecordContext) => void;

/**
 * A custom processor with a state of its own. An exception aborts the transaction and replaces the thread.
 */
export interface Processor<K, V, KOut = never, VOut = never> {
  init?(context: ProcessorContext<KOut, VOut>): void;
  process(value: V, key: K, record: RecordContext): void;
}

/** Makes the processor of one task; called once a task. */
export type ProcessorSupplier<K, V, KOut, VOut> = (
  context: ProcessorContext<KOut, VOut>,
) => Processor<K, V, KOut, VOut> | ProcessorFunction<K, V>;

/** A supplier whose types are not looked at: values of any type pass the graph. */
export type AnyProcessorSupplier = ProcessorSupplier<never, never, unknown, unknown>;

/** A store that a processor is connected to: its own, or that of another node by name. */
export type ProcessorStore = StoreSpec | string;
