import { expect, test } from '@jest/globals';
import { eventTimeOf, linksTo } from '../tests/support/event-time.ts';
import { RecordCollector } from '../writing/record-collector.ts';
import { isRuntimeRow, StreamsBuilder, TopologyTestDriver, tumbling, type Serde, type Topology } from '../index.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { formerStreamTimeKey, STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import type { StateStore } from '../store/state-store.ts';
import { encodeWindowKey } from '../store/window-key.ts';
import { decodeWatermark, encodeWatermark } from './watermark.ts';
import { TaskGraph } from './task-graph.ts';

const int64: Serde<bigint> = {
  serialize: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return bytes;
  },
  deserialize: (bytes) => bytes.readBigInt64BE(),
};

const ODD_KEYS = ['!bang', '!stream-time', '\0stream-time', '!', '\0', '!\u00ff', ''];

/** Counts words into a store of a task that hands stream time on, so that the runtime keeps a row in it. */
function handingOn(): Topology {
  const builder = new StreamsBuilder();
  const totals = builder
    .stream('words', { decode: ({ value }) => String(value) })
    .groupBy((word) => word, { name: 'by-word' })
    .aggregate<bigint>(
      { empty: () => 0n, add: (n) => n + 1n, merge: (a, b) => a + b, serde: int64 },
      { store: 'totals' },
    );
  totals
    .toStream()
    .groupBy(() => 'all', { name: 'by-all' })
    .windowedBy(tumbling({ sizeMs: 10, retentionMs: 10 }))
    .count({ store: 'windows' });
  return builder.build();
}

test("users' keys of whatever look are shown, the runtime's rows never, whatever the serde", async () => {
  const driver = new TopologyTestDriver(handingOn());
  await driver.pipe('words', ...ODD_KEYS.map((value) => ({ value, timestampMs: 1_000 })));
  await driver.pipe('words', { value: 'later', timestampMs: 100_000 });
  expect(driver.store<bigint>('totals')).toEqual(
    new Map([...ODD_KEYS.map((key) => [key, 1n] as const), ['later', 1n]]),
  );
  for (const store of ['totals', 'windows']) {
    expect((await driver.entries(store)).some(([, key]) => isRuntimeRow(key))).toBe(false);
    expect(driver.output(`test-${store}-changelog`).some(({ key }) => key !== null && isRuntimeRow(key))).toBe(true);
  }
});

test('no key of a user is a row of the runtime', () => {
  for (const key of ODD_KEYS) expect(isRuntimeRow(Buffer.from(key))).toBe(false);
  for (const start of [0, 1, 0x21ff_0000_0000, Number.MAX_SAFE_INTEGER])
    for (const key of ODD_KEYS) expect(isRuntimeRow(encodeWindowKey(start, key))).toBe(false);
  // Numbers of four and of eight bytes, and bytes of any length, may begin as the runtime's keys do.
  for (const hex of ['21ff0001', '21ff000000000001', '21ff', '21ff73747265616d2d74696d6500'])
    expect(isRuntimeRow(Buffer.from(hex, 'hex'))).toBe(false);
  expect(isRuntimeRow(STREAM_TIME_KEY)).toBe(true);
});

test('a window store is not shown as if its keys were text', async () => {
  const driver = new TopologyTestDriver(handingOn());
  await driver.pipe('words', { value: 'a' });
  expect(() => driver.store('windows')).toThrow('store("windows") is a window store');
});

interface Kind {
  readonly kind: 'key-value' | 'window';
  readonly build: () => Topology;
  /** Of the sub-topology and the store that hold stream time. */
  readonly subTopology: number;
  readonly store: string;
}

const KINDS: readonly Kind[] = [
  { kind: 'key-value', build: handingOn, subTopology: 1, store: 'totals' },
  { kind: 'window', build: handingOn, subTopology: 2, store: 'windows' },
];

function graphOn(store: StateStore, { build, subTopology, kind }: Kind): TaskGraph {
  const grouping = kind === 'window' ? 'by-all' : 'by-word';
  const taskId = `${String(subTopology)}_0`;
  const sub = build().subTopologies[subTopology] as Topology['subTopologies'][number];
  return new TaskGraph({
    taskId,
    subTopology: sub,
    applicationId: 'app',
    store,
    collector: new RecordCollector(),
    partitionsOf: () => 1,
    time: eventTimeOf({ taskId, subTopology: sub, links: linksTo({ taskId: '0_0', grouping, cyclic: false }) }),
    nowMs: Date.now,
    requestCommit: () => undefined,
  });
}

async function commit(graph: TaskGraph, store: StateStore): Promise<void> {
  await store.commit({ changes: await graph.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  graph.committed();
}

test.each(KINDS)('stream time of a former release is read, and moved with the next commit: $kind', async (kind) => {
  const store = openMemoryStore();
  const former = formerStreamTimeKey(kind.kind);
  const record = { streamTimeMs: 5_000, sources: { '0_0': { streamTimeMs: 5_000, caughtUp: false } } };
  await store.commit({
    changes: [{ store: kind.store, key: former, value: Buffer.from(JSON.stringify(record)) }],
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  await graphOn(store, kind).flush();
  // That commit has failed.
  const graph = graphOn(store, kind);
  expect(graph.streamTimeMs()).toBe(5_000);
  await commit(graph, store);
  expect(store.get(kind.store, former)).toBeUndefined();
  expect(decodeWatermark(store.get(kind.store, STREAM_TIME_KEY) as Buffer)?.watermarkMs).toBe(5_000);
  expect(await graph.flush()).toEqual([]);
  expect(graphOn(store, kind).streamTimeMs()).toBe(5_000);
});

test("a user's own row at the former key is left alone", async () => {
  const kind = KINDS[0] as Kind;
  const store = openMemoryStore();
  const former = formerStreamTimeKey('key-value');
  for (const value of [int64.serialize(7n), Buffer.from('{}'), Buffer.from('null')]) {
    await store.commit({
      changes: [{ store: kind.store, key: former, value }],
      changelogOffsets: new Map(),
      inputOffsets: new Map(),
    });
    const graph = graphOn(store, kind);
    expect(graph.streamTimeMs()).toBe(-1);
    await commit(graph, store);
    expect(store.get(kind.store, former)).toEqual(value);
  }
  await store.commit({
    changes: [{ store: kind.store, key: STREAM_TIME_KEY, value: encodeWatermark({ watermarkMs: 9, sources: {} }) }],
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  expect(graphOn(store, kind).streamTimeMs()).toBe(9);
});

test('a row of stream time that cannot be read is a damaged store', async () => {
  const kind = KINDS[1] as Kind;
  const store = openMemoryStore();
  await store.commit({
    changes: [{ store: kind.store, key: STREAM_TIME_KEY, value: Buffer.from('{') }],
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  expect(() => graphOn(store, kind)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
});
