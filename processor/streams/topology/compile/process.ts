import { messageOf, StreamsError } from '../../errors.ts';
import { checkFunctions, checkOptions } from '../../options.ts';
import type { KeyValueStore, StoreSpec, WindowStore } from '../../store/typed-store.ts';
import { eventTimeOf, whyNoEventTime } from '../event-time.ts';
import type { ProcessNode } from '../graph.ts';
import type { FixedKeyProcessorContext, ForwardOptions, Processor, ProcessorContext } from '../processor-context.ts';
import { checkHeaders, type CurrentRecord } from '../record.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { failedAt, orNull, settled, takesKey, takesRecord } from '../user-code.ts';

/** What is behind a processor: all of it, and each processor there by its name. */
export interface ProcessTargets {
  readonly next: Emit;
  readonly byName: ReadonlyMap<string, Emit>;
}

/** Makes and initialises the task's own processor. `readsKey`: it may look at the keys that it is given. */
export function compileProcess(
  { name, supplier, stores, keepsKey }: ProcessNode,
  runtime: TaskRuntime,
  { next, byName }: ProcessTargets,
): { emit: Emit; readsKey: boolean } {
  /** Of the record or the punctuation that is being worked on: NaN before the first. */
  let workedOnMs = NaN;
  let keptKey: unknown = null;
  const view = (store: string): unknown => {
    const spec = stores.find((one) => one.name === store);
    if (spec === undefined)
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `${name} uses the store "${store}" and does not say so: process(…, { stores: ["${store}"] })`,
        { taskId: runtime.taskId },
      );
    return viewOf(spec, runtime, () => workedOnMs);
  };
  const forward = (key: unknown, value: unknown, options: ForwardOptions = PLAINLY): void => {
    if (options !== PLAINLY)
      asUserCode(() => {
        checkOptions('forward()', options, ['timestampMs', 'headers', 'to']);
        if (options.headers !== undefined) checkHeaders('the headers of forward()', options.headers);
      });
    const { timestampMs = workedOnMs, headers, to } = options;
    const at = eventTimeOf(timestampMs);
    if (Number.isNaN(at)) throw failedAt(name, new TypeError(`forward: ${whyNoEventTime(timestampMs)}`));
    const target = to === undefined ? next : byName.get(to);
    if (target === undefined)
      throw failedAt(
        name,
        new TypeError(`forward: no processor behind it is named "${String(to)}", only ${namesOf(byName)}`),
      );
    const { current } = runtime;
    if (headers === undefined) return target(orNull(key), orNull(value), at);
    runtime.current = withHeaders(current, headers);
    try {
      target(orNull(key), orNull(value), at);
    } finally {
      runtime.current = current;
    }
  };
  const context = {
    taskId: runtime.taskId,
    nowMs: () => runtime.nowMs(),
    streamTimeMs: () => runtime.streamTimeMs(),
    record: () => runtime.context(workedOnMs),
    store: (store: string | StoreSpec) => view(typeof store === 'string' ? store : store.name),
    keyValueStore: <V, K>(store: string) => view(store) as KeyValueStore<K, V>,
    windowStore: <V, K>(store: string) => view(store) as WindowStore<K, V>,
    schedule: (schedule, call) => {
      asUserCode(() => {
        checkOptions('schedule()', schedule, ['everyMs', 'clock']);
        checkFunctions('schedule()', { call }, ['call']);
      });
      return runtime.schedule(schedule, (timestampMs) => workOn(null, timestampMs, () => settled(call(timestampMs))));
    },
    commit: () => runtime.requestCommit(),
    forward: keepsKey ? (value: unknown, options?: ForwardOptions) => forward(keptKey, value, options) : forward,
  } as ProcessorContext<unknown, unknown> & FixedKeyProcessorContext<unknown>;
  const workOn = (key: unknown, timestampMs: number, work: () => void): void => {
    const before = [workedOnMs, keptKey] as const;
    [workedOnMs, keptKey] = [timestampMs, key];
    try {
      work();
    } catch (error) {
      throw failedAt(name, error);
    } finally {
      [workedOnMs, keptKey] = before;
    }
  };
  const made = settled(supplier(context as never));
  const processor = typeof made === 'function' ? { process: made as Processor<unknown, unknown>['process'] } : made;
  if (!isProcessor(processor))
    throw new TypeError('the supplier returned no processor: a function, or an object with process()');
  settled(processor.init?.(context));
  if (processor.close !== undefined) runtime.onClose(() => settled(processor.close?.()));
  const readsRecord = takesRecord(processor.process);
  return {
    readsKey: keepsKey || takesKey(processor.process),
    emit: (key, value, at) =>
      workOn(key, at, () => settled(processor.process(value, key, readsRecord ? runtime.context(at) : NOT_READ))),
  };
}

/** What a processor calls wrongly is its own failure, which names the record. */
function asUserCode(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new TypeError(messageOf(error));
  }
}

const NOT_READ = undefined as never;
const PLAINLY: ForwardOptions = {};

/** A store as user code sees it. Rows that it puts have the time of what it is working on. */
function viewOf({ name, kind }: StoreSpec, runtime: TaskRuntime, timeOf: () => number): unknown {
  // mutant: own-view
  switch (kind) {
    case 'key-value':
      return runtime.keyValueStore(name).ownView(timeOf);
    case 'window':
      return runtime.windowStore(name).ownView(timeOf);
    case 'session':
      return runtime.sessionStore(name).ownView(timeOf);
    case 'versioned':
      return runtime.versionedStore(name).ownView(timeOf);
  }
}

function namesOf(byName: ReadonlyMap<string, unknown>): string {
  return byName.size === 0 ? 'none: name one by process(…, { name })' : [...byName.keys()].join(', ');
}

function isProcessor(made: unknown): made is Processor<unknown, unknown, unknown, unknown> {
  return typeof (made as { process?: unknown } | null | undefined)?.process === 'function';
}

function withHeaders(current: CurrentRecord, headers: CurrentRecord['headers']): CurrentRecord {
  const { topic, partition, offset } = current;
  return { topic, partition, offset, headers, headerList: Object.entries(headers) };
}
