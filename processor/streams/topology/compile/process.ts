import { StreamsError } from '../../errors.ts';
import type { KeyValueStore, WindowStore } from '../../store/typed-store.ts';
import { eventTimeOf, whyNoEventTime } from '../event-time.ts';
import type { ProcessNode } from '../graph.ts';
import type { Processor, ProcessorContext } from '../processor-context.ts';
import type { CurrentRecord } from '../record.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { failedAt, keyOrNull, settled, takesKey, takesRecord } from '../user-code.ts';

/** Makes and initialises the task's own processor. `readsKey`: it may look at the keys that it is given. */
export function compileProcess(
  { name, supplier, stores }: ProcessNode,
  runtime: TaskRuntime,
  next: Emit,
): { emit: Emit; readsKey: boolean } {
  const specOf = (store: string): (typeof stores)[number] => {
    const spec = stores.find((one) => one.name === store);
    if (spec !== undefined) return spec;
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${name} uses the store "${store}" and does not say so: process(…, { stores: ["${store}"] })`,
      { taskId: runtime.taskId },
    );
  };
  /** Event time of what is being processed: NaN before the first record. */
  let nowProcessedMs = NaN;
  const view = (store: string): unknown => {
    const { kind } = specOf(store);
    // mutant: own-view
    return (kind === 'window' ? runtime.windowStore(store) : runtime.keyValueStore(store)).ownView();
  };
  const context: ProcessorContext<unknown, unknown> = {
    taskId: runtime.taskId,
    nowMs: () => runtime.nowMs(),
    streamTimeMs: () => runtime.streamTimeMs(),
    record: () => runtime.context(nowProcessedMs),
    store: <S>(store: string) => view(store) as S,
    keyValueStore: <V, K>(store: string) => view(store) as KeyValueStore<K, V>,
    windowStore: <V, K>(store: string) => view(store) as WindowStore<K, V>,
    forward: (key, value, { timestampMs = nowProcessedMs, headers } = {}) => {
      const at = eventTimeOf(timestampMs);
      if (Number.isNaN(at)) throw failedAt(name, new TypeError(`forward: ${whyNoEventTime(timestampMs)}`));
      const { current } = runtime;
      if (headers === undefined) return next(keyOrNull(key), settled(value), at);
      runtime.current = withHeaders(current, headers);
      try {
        next(keyOrNull(key), settled(value), at);
      } finally {
        runtime.current = current;
      }
    },
  };
  const made: unknown = settled(supplier(context));
  const processor = typeof made === 'function' ? { process: made as Processor<unknown, unknown>['process'] } : made;
  if (!isProcessor(processor))
    throw new TypeError('the supplier returned no processor: a function, or an object with process()');
  settled(processor.init?.(context));
  const readsRecord = takesRecord(processor.process);
  return {
    readsKey: takesKey(processor.process),
    emit: (key, value, at) => {
      const before = nowProcessedMs;
      nowProcessedMs = at;
      try {
        settled(processor.process(value, key, readsRecord ? runtime.context(at) : NO_CONTEXT));
      } catch (error) {
        throw failedAt(name, error);
      } finally {
        nowProcessedMs = before;
      }
    },
  };
}

const NO_CONTEXT = undefined as never;

function isProcessor(made: unknown): made is Processor<unknown, unknown, unknown, unknown> {
  return typeof (made as { process?: unknown } | null | undefined)?.process === 'function';
}

function withHeaders(current: CurrentRecord, headers: CurrentRecord['headers']): CurrentRecord {
  const { topic, partition, offset } = current;
  return { topic, partition, offset, headers, headerList: Object.entries(headers) };
}
