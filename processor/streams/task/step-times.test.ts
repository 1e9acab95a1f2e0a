import { expect, test } from '@jest/globals';
import {
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  type KTable,
  type Topology,
  type Windowed,
} from '../index.ts';
import { loadIndexes } from '../store/load-indexes.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { isRuntimeRow, STEP_TIME_KEY, STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import type { StateStore } from '../store/state-store.ts';
import { eventTimeOf } from '../tests/support/event-time.ts';
import { RecordCollector } from '../writing/record-collector.ts';
import { DroppedRecords } from './dropped-records.ts';
import { TaskGraph } from './task-graph.ts';
import { decodeWatermark, encodeWatermark } from './watermark.ts';

/** Counts what is not 'ahead', in windows that take nothing late. */
function counting(): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .filter((value) => value !== 'ahead')
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: 10, graceMs: 0, retentionMs: 1_000 }))
    .count({ store: 'counts' });
  return builder.build();
}

interface Running {
  readonly graph: TaskGraph;
  readonly collector: RecordCollector;
  readonly process: (value: string, timestampMs: number, key?: string) => void;
  readonly commit: () => Promise<void>;
  /** Of committed records. */
  readonly late: () => number;
}

/** A task over this store, as one that starts there. */
async function running(store: StateStore, topology: Topology): Promise<Running> {
  const [subTopology] = topology.subTopologies as [Topology['subTopologies'][number]];
  const collector = new RecordCollector();
  const dropped = new DroppedRecords();
  const graph = new TaskGraph({
    taskId: '0_0',
    subTopology,
    applicationId: 'app',
    store,
    indexes: await loadIndexes(subTopology.stores, store),
    collector,
    partitionsOf: () => 1,
    time: eventTimeOf({ taskId: '0_0', subTopology, userInputs: ['in-0'] }),
    nowMs: Date.now,
    requestCommit: () => undefined,
    dropped,
  });
  return {
    graph,
    collector,
    process: (value, timestampMs, key = 'k') =>
      graph.process({
        topic: 'in',
        partition: 0,
        offset: 0,
        timestampMs,
        key: Buffer.from(key),
        value: Buffer.from(value),
        headers: {},
      }),
    commit: async () => {
      await store.commit({ changes: await graph.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
      graph.committed();
    },
    late: () => dropped.counts().late ?? 0,
  };
}

test('a step goes on from its own time when its task starts again', async () => {
  const store = openMemoryStore();
  const before = await running(store, counting());
  before.process('ahead', 1_000);
  before.process('a', 25);
  await before.commit();
  const after = await running(store, counting());
  after.process('late', 19);
  after.process('in time', 20);
  await after.commit();
  expect(after.late()).toBe(1);
});

test('a step that no record has reached has no time, however far its task has come', async () => {
  const store = openMemoryStore();
  const before = await running(store, counting());
  before.process('ahead', 1_000);
  await before.commit();
  const after = await running(store, counting());
  after.process('in time', 5);
  await after.commit();
  expect(after.late()).toBe(0);
});

test('what was not committed has moved no time', async () => {
  const store = openMemoryStore();
  const failed = await running(store, counting());
  failed.process('a', 100);
  await failed.graph.flush();
  const task = await running(store, counting());
  task.process('b', 5);
  await task.commit();
  expect(task.late()).toBe(0);
});

test('a row of a step is kept until it is late for the step, not for its task', async () => {
  const store = openMemoryStore();
  const task = await running(store, counting());
  task.process('a', 5);
  await task.commit();
  task.process('ahead', 1_000_000);
  await task.commit();
  const keys: Buffer[] = [];
  for await (const [key] of store.entries('counts')) if (!isRuntimeRow(key)) keys.push(key);
  expect(keys).toHaveLength(1);
  expect(decodeWatermark(store.get('counts', STEP_TIME_KEY) as Buffer)?.watermarkMs).toBe(5);
});

test('a step of a release that knew no such time goes on from that of its task', async () => {
  const store = openMemoryStore();
  const value = encodeWatermark({ watermarkMs: 500, sources: {} });
  await store.commit({
    changes: [{ store: 'counts', key: STREAM_TIME_KEY, value }],
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  const task = await running(store, counting());
  task.process('late', 489);
  await task.commit();
  expect(task.late()).toBe(1);
});

test('a row of time that cannot be read is a damaged store', async () => {
  const store = openMemoryStore();
  await store.commit({
    changes: [{ store: 'counts', key: STEP_TIME_KEY, value: Buffer.from('{') }],
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  await expect(running(store, counting())).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
});

test('what is held back is held by the next task, too', async () => {
  const topology = (): Topology => {
    const builder = new StreamsBuilder();
    builder.table('in', { value: stringSerde, store: 'rows' }).suppress(untilTimeLimit(10)).toStream().to('out');
    return builder.build();
  };
  const store = openMemoryStore();
  const before = await running(store, topology());
  before.process('first', 0);
  before.process('second', 100, 'other');
  await before.commit();
  before.collector.take();
  before.process('held', 95);
  before.process('held', 99, 'other');
  await before.commit();
  const after = await running(store, topology());
  after.process('third', 105, 'third');
  await after.commit();
  const sent = [...before.collector.take(), ...after.collector.take()];
  expect(sent.map(({ key, value, timestampMs }) => [String(key), String(value), timestampMs])).toEqual([
    ['k', 'held', 95],
  ]);
});

test('the value of what is held is held by the next task, too, when its row has expired', async () => {
  const topology = (): Topology => {
    const builder = new StreamsBuilder();
    const rows = builder.stream('in', { value: stringSerde }).groupByKey();
    const counted = (store: string): KTable<Windowed<string>, number> =>
      rows.windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).count({ store });
    const key = (_value: unknown, windowed: Windowed<string>): string => windowed.key;
    counted('x').suppress(untilTimeLimit(100)).toStream(key).to('limit', { value: jsonSerde() });
    const slow = rows.windowedBy(tumbling({ sizeMs: 10, graceMs: 100 })).count({ store: 'slow' });
    const joined = counted('y').join(slow, (a, b) => [a, b]);
    joined.suppress(untilWindowCloses()).toStream(key).to('closes', { value: jsonSerde() });
    return builder.build();
  };
  const store = openMemoryStore();
  const before = await running(store, topology());
  before.process('v', 1, 'held');
  await before.commit();
  before.process('v', 50, 'other');
  await before.commit();
  const after = await running(store, topology());
  after.process('v', 120, 'third');
  await after.commit();
  const sent = [...before.collector.take(), ...after.collector.take()];
  expect(sent.map(({ topic, key, value, timestampMs }) => [topic, String(key), String(value), timestampMs])).toEqual([
    ['closes', 'held', '[1,1]', 1],
    ['limit', 'held', '1', 1],
  ]);
});
