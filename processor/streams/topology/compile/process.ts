import { StreamsError } from '../../errors.ts';
import type { KeyValueStore, WindowStore } from '../../store/typed-store.ts';
import { eventTimeOf, whyNoEventTime } from '../event-time.ts';
import type { ProcessNode } from '../graph.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { failedAt, keyOrNull, settled, takesKey } from '../user-code.ts';

/** Makes and initialises the task's own processor. `readsKey`: it may look at the keys that it is given. */
export function compileProcess(
  { name, supplier, stores }: ProcessNode,
  runtime: TaskRuntime,
  next: Emit,
): { emit: Emit; readsKey: boolean } {
  const processor = settled(supplier());
  const connected = (store: string): string => {
    if (stores.some((spec) => spec.name === store)) return store;
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${name} uses the store "${store}" and does not say so: process(…, { stores: ["${store}"] })`,
      { taskId: runtime.taskId },
    );
  };
  if (typeof (processor as Partial<typeof processor> | undefined)?.process !== 'function')
    throw new TypeError('the supplier returned no processor: an object with process()');
  settled(
    processor.init?.({
      taskId: runtime.taskId,
      nowMs: () => runtime.nowMs(),
      streamTimeMs: () => runtime.streamTimeMs(),
      // mutant: own-view
      keyValueStore: <S>(store: string) =>
        runtime.keyValueStore(connected(store)).ownView() as KeyValueStore<string, S>,
      windowStore: <S>(store: string) => runtime.windowStore(connected(store)).ownView() as WindowStore<string, S>,
      forward: (key, value, timestampMs) => {
        const at = eventTimeOf(timestampMs);
        if (Number.isNaN(at)) throw failedAt(name, new TypeError(`forward: ${whyNoEventTime(timestampMs)}`));
        next(keyOrNull(key), settled(value), at);
      },
    }),
  );
  return {
    readsKey: takesKey(processor.process),
    emit: (key, value, at) => {
      try {
        settled(processor.process(value as never, key, at));
      } catch (error) {
        throw failedAt(name, error);
      }
    },
  };
}
