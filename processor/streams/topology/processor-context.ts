import type { KeyValueStore, SessionStore, StoreSpec, VersionedStore, WindowStore } from '../store/typed-store.ts';
import type { Cancellable, Schedule } from '../task/punctuators.ts';
import type { RecordContext, RecordHeaders } from './record.ts';

/** Of a record that a processor hands on. */
export interface ForwardOptions {
  /** Event time, epoch ms. Default: that of the record or punctuation that is being worked on. */
  readonly timestampMs?: number;
  /** Default: those of the record that is being processed. */
  readonly headers?: RecordHeaders;
  /** The name of the one processor behind this one that gets it. Default: all that is behind it. */
  readonly to?: string;
}

/** A store as its processors see it, by its declaration. */
export type StoreOf<Spec> = Spec extends { kind: 'key-value' } & StoreSpec<infer V, infer K>
  ? KeyValueStore<K, V>
  : Spec extends { kind: 'window' } & StoreSpec<infer V, infer K>
    ? WindowStore<K, V>
    : Spec extends { kind: 'session' } & StoreSpec<infer V, infer K>
      ? SessionStore<K, V>
      : Spec extends { kind: 'versioned' } & StoreSpec<infer V, infer K>
        ? VersionedStore<K, V>
        : unknown;

/** What both kinds of custom processor see. */
interface BaseContext {
  readonly taskId: string;
  nowMs(): number;
  streamTimeMs(): number;
  /** The record that is being processed. In a punctuator it has no topic, offset -1, and the punctuation's time. */
  record(): RecordContext;
  /** A store that the processor is connected to, by its declaration or by name. */
  store<Spec extends StoreSpec>(spec: Spec): StoreOf<Spec>;
  store<S = unknown>(name: string): S;
  keyValueStore<V, K = string>(name: string): KeyValueStore<K, V>;
  windowStore<V, K = string>(name: string): WindowStore<K, V>;
  /**
   * Calls a function every so many milliseconds of stream time or of the wall clock, with the time that it has reached;
   * once for a jump. Stream time is aligned to 0, so that the first record makes a call due; the wall clock counts from
   * now on. What it writes and forwards is committed with the task's records.
   */
  schedule(schedule: Schedule, call: (timestampMs: number) => void): Cancellable;
  /** Asks for a commit before its time. */
  commit(): void;
}

/** What a custom processor sees. `KOut` and `VOut` are what it forwards. */
export interface ProcessorContext<KOut, VOut> extends BaseContext {
  /** Hands a record to what is behind the processor. */
  forward(key: KOut, value: VOut, options?: ForwardOptions): void;
}

/** What a processor that keeps the key sees. */
export interface FixedKeyProcessorContext<VOut> extends BaseContext {
  /** Hands on a value under the key of the record that is being processed. */
  forward(value: VOut, options?: ForwardOptions): void;
}

/** Called once a record, in offset order within a partition. It must be synchronous. */
export type ProcessorFunction<K, V> = (value: V, key: K, record: RecordContext) => void;

interface ProcessorOf<Context, K, V> {
  init?(context: Context): void;
  process(value: V, key: K, record: RecordContext): void;
  /** Called when the task is closed. What it forwards or writes is not committed. */
  close?(): void;
}

/** A custom processor with a state of its own. An exception aborts the transaction and replaces the thread. */
export type Processor<K, V, KOut = never, VOut = never> = ProcessorOf<ProcessorContext<KOut, VOut>, K, V>;

/** The same that keeps the key: nothing behind it needs to be repartitioned. */
export type FixedKeyProcessor<K, V, VOut = never> = ProcessorOf<FixedKeyProcessorContext<VOut>, K, V>;

/** Makes the processor of one task; called once a task. */
export type ProcessorSupplier<K, V, KOut, VOut> = (
  context: ProcessorContext<KOut, VOut>,
) => Processor<K, V, KOut, VOut> | ProcessorFunction<K, V>;

export type FixedKeyProcessorSupplier<K, V, VOut> = (
  context: FixedKeyProcessorContext<VOut>,
) => FixedKeyProcessor<K, V, VOut> | ProcessorFunction<K, V>;

/** A supplier whose types are not looked at: values of any type pass the graph. */
export type AnyProcessorSupplier = (context: never) => unknown;

/** A store that a processor is connected to: its own, or that of another node by name. */
export type ProcessorStore = StoreSpec | string;
