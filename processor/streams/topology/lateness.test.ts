import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonSerde, stringSerde } from './serdes.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KStream } from './dsl-types.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { timeWindowedSerde } from './windowed-serdes.ts';
import { hopping, tumbling, type TimeWindows } from './windows.ts';

const tens = tumbling({ sizeMs: 10, retentionMs: 10 });

function driverOf(build: (events: KStream<string | null, string>) => void, partitions = 1): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder.stream('events', { decode: ({ value }) => String(value) }));
  return new TopologyTestDriver(builder.build(), { partitions: { events: partitions } });
}

const at = (...times: readonly number[]): { key: string; value: string; timestampMs: number }[] =>
  times.map((timestampMs) => ({ key: 'k', value: 'v', timestampMs }));

const GROUPINGS: readonly [
  string,
  (events: KStream<string | null, string>, windows: TimeWindows, store: string) => void,
][] = [
  [
    'of the task itself',
    (events, windows, store) => void events.groupByKey({ name: 'by-key' }).windowedBy(windows).count({ store }),
  ],
  [
    'behind the shuffle',
    (events, windows, store) =>
      void events
        .groupBy((value) => value, { name: 'by-value' })
        .windowedBy(windows)
        .count({ store }),
  ],
];

test.each(GROUPINGS)(
  'each record that is too late for a window table %s is counted, whether or not anybody asks for late()',
  async (_, count) => {
    const driver = driverOf((events) => count(events, tens, 'counts'));
    await driver.pipe('events', ...at(5, 100));
    expect(driver.dropped()).toEqual({});
    // Seven records of two windows that are gone, in one commit: two partials behind the shuffle.
    await driver.pipe('events', ...at(1, 2, 3, 11, 12, 13, 14, 101));
    expect(driver.dropped()).toEqual({ late: 7 });
  },
);

test.each(GROUPINGS)('of overlapping windows %s each one counts that a record is too late for', async (_, count) => {
  const driver = driverOf((events) => count(events, hopping({ sizeMs: 20, advanceMs: 10, retentionMs: 10 }), 'counts'));
  await driver.pipe('events', ...at(100));
  // Windows are gone that ended at 90 or before: of 85 one of two, of 75 both.
  await driver.pipe('events', ...at(85));
  expect(driver.dropped()).toEqual({ late: 1 });
  await driver.pipe('events', ...at(75, 75));
  expect(driver.dropped()).toEqual({ late: 5 });
});

test('each table counts for itself', async () => {
  const driver = driverOf((events) => {
    const grouped = events.groupBy((value) => value, { name: 'by-value' });
    grouped.windowedBy(tens).count({ store: 'tens' });
    grouped.windowedBy(tumbling({ sizeMs: 10, retentionMs: 1_000 })).count({ store: 'kept' });
    grouped.windowedBy(tumbling({ sizeMs: 20, retentionMs: 10 })).count({ store: 'twenties' });
    grouped.count({ store: 'all' });
  });
  await driver.pipe('events', ...at(100));
  await driver.pipe('events', ...at(1, 2, 3));
  expect(driver.dropped()).toEqual({ late: 6 });
  expect(driver.store('all')).toEqual(new Map([['v', 4]]));
});

/**
 * What Java would say, one record at a time: in how many windows of each table each record is, and too late for how
 * many.
 */
function oneByOne(tables: readonly TimeWindows[], times: readonly number[]): { taken: number; late: number }[] {
  return tables.map(({ sizeMs, advanceMs, graceMs }) => {
    let [taken, late, streamTimeMs] = [0, 0, -1];
    for (const time of times) {
      streamTimeMs = Math.max(streamTimeMs, time);
      for (
        let start = Math.max(0, (Math.floor((time - sizeMs) / advanceMs) + 1) * advanceMs);
        start <= time;
        start += advanceMs
      ) {
        if (start + sizeMs + graceMs <= streamTimeMs) late += 1;
        else taken += 1;
      }
    }
    return { taken, late };
  });
}

const ONE_COMMIT: readonly [string, readonly TimeWindows[], readonly number[]][] = [
  ['out of order in a window that was open', [tumbling({ sizeMs: 1_000, retentionMs: 50 })], [0, 200, 100, 5_000]],
  ['too late for one of two tables', [tens, tumbling({ sizeMs: 10, retentionMs: 1_000 })], [0, 200, 100, 5_000]],
  [
    'too late for the older of two windows',
    [hopping({ sizeMs: 100, advanceMs: 50, retentionMs: 10 })],
    [0, 210, 120, 5_000],
  ],
];

test.each(ONE_COMMIT)(
  'a record is judged by what was read before it, whatever the same commit reads after it: %s',
  async (_, tables, times) => {
    await expectOneByOne(tables, [times]);
  },
);

const anyWindows = fc
  .record({
    sizeMs: fc.constantFrom(10, 20, 60),
    overlap: fc.constantFrom(1, 2, 5),
    uneven: fc.constantFrom(0, 0, 1, 3),
    graceMs: fc.constantFrom(0, 7, 30, 100),
    keptLongerMs: fc.constantFrom(0, 50),
  })
  .map(({ sizeMs, overlap, uneven, graceMs, keptLongerMs }) =>
    hopping({
      sizeMs,
      advanceMs: Math.max(1, sizeMs / overlap - uneven),
      graceMs,
      retentionMs: graceMs + keptLongerMs,
    }),
  );

test('behind the shuffle the same records are late as one by one, in whatever commits they are read', async () => {
  const inputs = fc.tuple(
    fc.array(anyWindows, { minLength: 1, maxLength: 3 }),
    fc.array(fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ([tables, batches]) => expectOneByOne(tables, batches)),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
  );
});

async function expectOneByOne(tables: readonly TimeWindows[], batches: readonly (readonly number[])[]): Promise<void> {
  const driver = driverOf((events) => {
    const grouped = events.groupBy((value) => value, { name: 'by-value' });
    for (const [index, windows] of tables.entries())
      grouped
        .windowedBy(windows)
        .count({ store: String(index) })
        .toStream()
        .to(`told-${String(index)}`);
  });
  for (const batch of batches) await driver.pipe('events', ...at(...batch));
  const expected = oneByOne(tables, batches.flat());
  expect(driver.dropped().late ?? 0).toBe(expected.reduce((sum, { late }) => sum + late, 0));
  for (const [index, { taken }] of expected.entries()) {
    const key = timeWindowedSerde(stringSerde, tables[index]?.sizeMs ?? 0);
    const told = new Map(
      driver
        .outputTopic(`told-${String(index)}`, { key, value: jsonSerde<number>() })
        .read()
        .map(({ key: windowed, value }) => [windowed?.startMs, value]),
    );
    expect([...told.values()].reduce((sum: number, count) => sum + Number(count), 0)).toBe(taken);
  }
}

test.each(GROUPINGS)(
  'what a table %s tells at the commit is not late in a second one for what was read after it',
  async (_, count) => {
    const HOUR = 3_600_000;
    const builder = new StreamsBuilder();
    const events = builder.stream('events', { decode: ({ value }) => String(value) });
    const hours = tumbling({ sizeMs: HOUR, retentionMs: 1_000 * HOUR });
    const grouped =
      count === GROUPINGS[0]?.[1]
        ? events.groupByKey({ name: 'first' })
        : events.groupBy((value) => value, { name: 'first' });
    const second = grouped
      .windowedBy(hours)
      .count({ store: 'first' })
      .toStream()
      .groupBy(() => 'all', { name: 'second' })
      .windowedBy(tumbling({ sizeMs: HOUR, retentionMs: 2 * HOUR }))
      .count({ store: 'second' });
    second.toStream().to('told');
    const driver = new TopologyTestDriver(builder.build(), { partitions: { events: 3 } });
    const all = Array.from({ length: 240 }, (_one, hour) => ({
      key: `k${String(hour % 7)}`,
      value: `v${String(hour % 5)}`,
      timestampMs: hour * HOUR + 5,
    }));
    await driver.pipe('events', ...all);
    expect(driver.dropped()).toEqual({});
    expect(driver.output('told')).toHaveLength(240);
    // What changes a row of long ago in a later commit is late there.
    await driver.pipe('events', { key: 'k1', value: 'v1', timestampMs: 5 });
    expect(driver.dropped()).toEqual({ late: 1 });
  },
);
