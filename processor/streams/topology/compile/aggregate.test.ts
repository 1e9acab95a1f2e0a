import { expect, test } from '@jest/globals';
import {
  decodeWindowKey,
  hopping,
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type TimeWindows,
  type Topology,
  type Windowed,
} from '../../index.ts';
import { timeWindowedSerde } from '../windowed-serdes.ts';

const MINUTE_MS = 60_000;
const T0 = Date.UTC(2026, 0, 1);

interface Event {
  readonly at: number;
  readonly key: string;
}

const event = (minute: number, key = 'k'): { value: string } => ({
  value: JSON.stringify({ at: T0 + minute * MINUTE_MS, key }),
});

/** Counts per key and window, the changes to `changes`, what is late to `late`. */
function counting(windows: TimeWindows): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream<Event>('events', {
    decode: ({ value }) => JSON.parse(String(value)) as Event,
    timestampMs: ({ at }) => at,
  });
  const counts = events
    .groupBy(({ key }) => key, { name: 'by-key' })
    .windowedBy(windows)
    .count({ store: 'counts' });
  counts.toStream().to('changes');
  counts.late().to('late', { value: jsonSerde<number>() });
  return builder.build();
}

const minutes = tumbling({ sizeMs: MINUTE_MS, retentionMs: 10 * MINUTE_MS });

const values = (driver: TopologyTestDriver, topic: string): unknown[] =>
  driver.output(topic).map(({ value }) => JSON.parse(String(value)) as unknown);
const late = (driver: TopologyTestDriver): number =>
  values(driver, 'late').reduce<number>((sum, count) => sum + Number(count), 0);
const windowsOf = async (driver: TopologyTestDriver): Promise<number[]> =>
  (await driver.entries('counts'))
    .map(([, key]) => (decodeWindowKey(key).windowStartMs - T0) / MINUTE_MS)
    .sort((a, b) => a - b);

test('what is read in order is never late, however far apart in time one commit spans', async () => {
  const driver = new TopologyTestDriver(counting(minutes));
  await driver.pipe('events', event(0), event(1), event(100), event(200));
  expect(late(driver)).toBe(0);
  expect(await windowsOf(driver)).toEqual([200]);
});

test('what is read behind newer records is late, also within one commit', async () => {
  const driver = new TopologyTestDriver(counting(minutes));
  await driver.pipe('events', event(100), event(0), event(0, 'other'), event(95), event(100), event(89));
  expect(late(driver)).toBe(3);
  expect(await windowsOf(driver)).toEqual([95, 100]);
});

test('no partition is late because another one ran ahead in the same commit', async () => {
  const driver = new TopologyTestDriver(counting(minutes), { partitions: { events: 3, changes: 1, late: 1 } });
  await driver.pipe(
    'events',
    { partition: 0, ...event(0) },
    { partition: 2, ...event(500) },
    { partition: 1, ...event(1) },
  );
  expect(late(driver)).toBe(0);
});

test('a window that changes and expires in one commit is told first', async () => {
  const driver = new TopologyTestDriver(counting(minutes));
  await driver.pipe('events', event(0), event(50));
  const key = timeWindowedSerde(stringSerde, MINUTE_MS);
  const window = (minute: number): Windowed<string> => {
    const startMs = T0 + minute * MINUTE_MS;
    return { key: 'k', startMs, endMs: startMs + MINUTE_MS };
  };
  expect(driver.outputTopic('changes', { key, value: jsonSerde<number>() }).read()).toMatchObject([
    { key: window(0), value: 1, timestampMs: T0 },
    { key: window(50), value: 1, timestampMs: T0 + 50 * MINUTE_MS },
  ]);
});

test('a record too late for some of its hopping windows counts in the others, for all: late once', async () => {
  const driver = new TopologyTestDriver(
    counting(hopping({ sizeMs: 4 * MINUTE_MS, advanceMs: MINUTE_MS, retentionMs: 0 })),
  );
  await driver.pipe('events', event(10));
  await driver.pipe('events', event(8));
  expect(late(driver)).toBe(0);
  // Windows 7 and 8 hold minute 8 and end after minute 10; 5 and 6 have ended.
  expect(await windowsOf(driver)).toEqual([7, 8, 9, 10]);
  await driver.pipe('events', event(5));
  expect(late(driver)).toBe(1);
});

test('windows behind a second repartition expire as well: stream time travels on', async () => {
  const builder = new StreamsBuilder();
  const events = builder.stream<Event>('events', {
    decode: ({ value }) => JSON.parse(String(value)) as Event,
    timestampMs: ({ at }) => at,
  });
  const byKey = events.groupBy(({ key }) => key, { name: 'by-key' }).count({ store: 'totals' });
  byKey
    .toStream()
    .groupBy((value) => `seen ${String(value)} times`, { name: 'by-count' })
    .windowedBy(minutes)
    .count({ store: 'counts' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('events', event(0));
  expect(await windowsOf(driver)).toEqual([0]);
  await driver.pipe('events', event(100));
  expect(await windowsOf(driver)).toEqual([100]);
});

test('a store that both sides of a repartition use makes one sub-topology, sized by its own source', async () => {
  const builder = new StreamsBuilder();
  const events = builder.stream<Event>('events', {
    decode: ({ value }) => JSON.parse(String(value)) as Event,
    timestampMs: ({ at }) => at,
  });
  events
    .groupBy(({ key }) => key, { name: 'by-key' })
    .windowedBy(minutes)
    .count({ store: 'counts' });
  events.process(() => ({ process: () => undefined }), { stores: ['counts'] });
  const driver = new TopologyTestDriver(builder.build(), { partitions: { events: 2 } });
  expect(driver.partitionsOf('test-by-key-repartition')).toBe(2);
  await driver.pipe(
    'events',
    { partition: 0, ...event(0) },
    { partition: 1, ...event(100) },
    { partition: 1, ...event(0) },
  );
  expect(await windowsOf(driver)).toEqual([100]);
});
