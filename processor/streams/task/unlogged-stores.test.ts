import { expect, test } from '@jest/globals';
import {
  int64Serde,
  jsonSerde,
  keyValueStore,
  sessionStore,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  versionedStore,
  windowStore,
  type Processor,
  type StoreSpec,
  type Topology,
} from '../index.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { internalTopics } from '../topics/internal-topics.ts';
import { signatureMismatch, topologySignature } from '../topology/signature.ts';
import { TaskLayout } from './task-layout.ts';
import { dropUnlogged } from './unlogged-stores.ts';

const value = jsonSerde<number>();
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Counts the records of each key in a store. */
function counting(spec: StoreSpec<number, string>, more: readonly StoreSpec[] = []): Topology {
  const builder = new StreamsBuilder();
  builder.stream('in', { decode: () => 0 }).process(
    (): Processor<string | null, number> => {
      let add: (key: string) => void = () => undefined;
      return {
        init: (context) => {
          const rows = context.keyValueStore<number>(spec.name);
          add = (key) => void rows.put(key, (rows.get(key) ?? 0) + 1);
        },
        process: (_value, key) => add(key as string),
      };
    },
    { stores: [spec, ...more] },
  );
  return builder.build();
}

const unlogged = counting(keyValueStore('seen', { value, changelog: false }));
const logged = counting(keyValueStore('seen', { value }));

test('a store without a changelog has no topic, and is another application than one with it', () => {
  const topics = (topology: Topology): string[] => internalTopics(topology, 'app', { in: 2 }).map(({ topic }) => topic);
  expect(topics(logged)).toContain('app-seen-changelog');
  expect(topics(unlogged)).not.toContain('app-seen-changelog');
  expect(new TaskLayout(unlogged, 'app', () => 2).changelogsOf('0_0')).toEqual([]);
  const mismatch = signatureMismatch(topologySignature(logged), topologySignature(unlogged));
  expect(mismatch).toContain('store seen: key-value, in sub-topology 0 before, key-value, without a changelog');
});

test('its rows are those that the driver reads', async () => {
  const driver = new TopologyTestDriver(unlogged);
  await driver.pipe('in', { key: 'b', value: '' }, { key: 'a', value: '' }, { key: 'b', value: '' });
  expect(driver.rows('seen')).toEqual([
    { key: 'a', value: 1 },
    { key: 'b', value: 2 },
  ]);
  expect(() => driver.output('test-seen-changelog')).toThrow('does not read or write the topic');
});

test.each([
  ['is of where the input stands', 5, 1],
  ['is older', 4, 0],
  ['is newer, as of a group that was moved', 6, 0],
])('a store that %s', async (_, storedAt, rows) => {
  const store = openMemoryStore();
  const seen = { store: 'seen', key: Buffer.from('a'), value: Buffer.from('1') };
  const other = { ...seen, store: 'logged' };
  const topology = counting(keyValueStore('seen', { value, changelog: false }), [keyValueStore('logged', { value })]);
  await store.commit({
    changes: [seen, other],
    changelogOffsets: new Map(),
    inputOffsets: new Map([['in-0', storedAt]]),
  });
  const spec = new TaskLayout(topology, 'app', () => 1).spec('0_0');
  await dropUnlogged({ id: '0_0', spec, store }, new Map([['in-0', 5]]), silent);
  expect(store.digest().entries).toBe(1 + rows);
  expect(store.get('logged', Buffer.from('a'))).toBeDefined();
});

test('stores of all kinds are seeded, and read in the order of their keys and times', async () => {
  const byNumber = windowStore('w', { key: int64Serde, value, sizeMs: 10, retentionMs: 10, retainDuplicates: true });
  const topology = counting(keyValueStore('seen', { value }), [
    byNumber,
    sessionStore('s', { value, retentionMs: 10 }),
    versionedStore('v', { value: stringSerde, historyMs: 10 }),
  ]);
  const driver = new TopologyTestDriver(topology);
  await driver.seed('seen', [{ key: 'a', value: 5 }]);
  await driver.seed('w', [
    { key: 256, startMs: 20, value: 1 },
    { key: 2, startMs: 20, value: 2 },
    { key: 2, startMs: 10, value: 3 },
    { key: 2, startMs: 10, value: 4 },
  ]);
  await driver.seed('s', [
    { key: 'b', startMs: 1, endMs: 5, value: 1 },
    { key: 'a', startMs: 3, endMs: 3, value: 2 },
  ]);
  await driver.seed('v', [
    { key: 'a', startMs: 1, value: 'old' },
    { key: 'a', startMs: 2, value: 'new' },
  ]);
  await driver.pipe('in', { key: 'a', value: '', timestampMs: 12 });
  expect(driver.rows('seen')).toEqual([{ key: 'a', value: 6 }]);
  expect(driver.rows('w')).toEqual([
    { key: 2, startMs: 10, endMs: 20, value: 3 },
    { key: 2, startMs: 10, endMs: 20, value: 4 },
    { key: 2, startMs: 20, endMs: 30, value: 2 },
    { key: 256, startMs: 20, endMs: 30, value: 1 },
  ]);
  expect(driver.rows('s')).toEqual([
    { key: 'a', startMs: 3, endMs: 3, value: 2 },
    { key: 'b', startMs: 1, endMs: 5, value: 1 },
  ]);
  expect(driver.rows('v')).toEqual([{ key: 'a', value: 'new' }]);
  await expect(new TopologyTestDriver(topology).seed('s', [{ key: 'b', startMs: 1, value: 1 }])).rejects.toThrow(
    'has no endMs, and the store has sessions',
  );
});
