import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { Aggregate } from './aggregate.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { hopping, session, sliding, tumbling, type Windows } from './windows.ts';

const RUNS = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) };
/** Longer than all times of these tests. */
const KEPT_MS = 1_000_000;

interface Record {
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
}

interface Row {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: string;
}

const joined: Aggregate<string, string, string> = {
  empty: () => '',
  add: (acc, value) => `${acc}${value} `,
  merge: (older, newer) => older + newer,
  combine: false,
  serde: stringSerde,
};

/** Commits of records, each with a value of its own, of two keys and times that go to and fro. */
const commits = fc
  .array(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 60 })), { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((batches) => {
    let number = 0;
    return batches.map((batch) =>
      batch.map(([key, timestampMs]): Record => ({ key, value: String((number += 1)), timestampMs })),
    );
  });

const byKeyAndTime = (a: Row, b: Row): number =>
  a.key === b.key ? a.startMs - b.startMs || a.endMs - b.endMs : a.key < b.key ? -1 : 1;

/** The newest value of each window that was told, without those that were told as deleted. */
async function run(windows: Windows, batches: readonly (readonly Record[])[], isShuffled = false) {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', { value: stringSerde });
  const grouped = isShuffled
    ? stream.groupBy((_value, key) => key, { name: 'g', value: stringSerde })
    : stream.groupByKey();
  const name = (_value: unknown, { key, startMs, endMs }: Omit<Row, 'value'>): string =>
    `${key} ${String(startMs)} ${String(endMs)}`;
  grouped
    .windowedBy(windows)
    .aggregate(joined, { store: 'updates' })
    .toStream(name)
    .to('updates', { value: stringSerde });
  grouped
    .windowedBy(windows, { emit: 'on-close' })
    .aggregate(joined, { store: 'finals' })
    .toStream(name)
    .to('finals', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  for (const batch of batches) await driver.pipe('in', ...batch);
  const told = (topic: string): [string, string | null][] =>
    driver.output(topic).map(({ key, value }) => [String(key), value?.toString() ?? null]);
  const updates = new Map<string, string | null>(told('updates'));
  const rows = [...updates].flatMap(([text, value]): Row[] => {
    const [key = '', startMs, endMs] = text.split(' ');
    return value === null ? [] : [{ key, startMs: Number(startMs), endMs: Number(endMs), value }];
  });
  return { driver, rows: rows.sort(byKeyAndTime), finals: told('finals'), late: (driver.dropped().late ?? 0) / 2 };
}

test.each([
  ['in one task', false],
  ['behind the shuffle', true],
])('sessions are those of a model that looks at one record at a time: %s', async (_road, isShuffled) => {
  const inputs = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom(0, 5, 30), commits);
  await fc.assert(
    fc.asyncProperty(inputs, async ([gapMs, graceMs, batches]) => {
      let [sessions, late, streamTimeMs]: [Row[], number, number] = [[], 0, -1];
      for (const { key, value, timestampMs } of batches.flat()) {
        streamTimeMs = Math.max(streamTimeMs, timestampMs);
        const isOpen = (endMs: number): boolean => endMs + gapMs + graceMs >= streamTimeMs;
        const near = sessions
          .filter((one) => one.key === key && isOpen(one.endMs))
          .filter(({ startMs, endMs }) => endMs + gapMs >= timestampMs && startMs - gapMs <= timestampMs)
          .sort(byKeyAndTime);
        const merged = {
          key,
          startMs: Math.min(timestampMs, ...near.map(({ startMs }) => startMs)),
          endMs: Math.max(timestampMs, ...near.map(({ endMs }) => endMs)),
          value: `${near.map((one) => one.value).join('')}${value} `,
        };
        if (!isOpen(merged.endMs)) late += 1;
        else sessions = [...sessions.filter((one) => !near.includes(one)), merged];
      }
      const found = await run(session({ gapMs, graceMs, retentionMs: KEPT_MS }), batches, isShuffled);
      expect(found.rows).toEqual(sessions.sort(byKeyAndTime));
      expect(found.driver.rows('updates')).toEqual(sessions);
      expect(found.late).toBe(late);
    }),
    RUNS,
  );
});

test('sliding windows are those that their definition says, whatever the order of the records', async () => {
  const inputs = fc.tuple(fc.integer({ min: 0, max: 20 }), commits);
  await fc.assert(
    fc.asyncProperty(inputs, async ([differenceMs, batches]) => {
      const records = batches.flat();
      const windows = new Map<string, Row>();
      for (const { key, timestampMs } of records) {
        const starts = [Math.max(0, timestampMs - differenceMs), timestampMs + 1];
        for (const startMs of starts) {
          const endMs = startMs + differenceMs;
          const inside = records.filter(
            (one) => one.key === key && one.timestampMs >= startMs && one.timestampMs <= endMs,
          );
          const value = inside.map((one) => `${one.value} `).join('');
          if (inside.length > 0) windows.set(`${key} ${String(startMs)}`, { key, startMs, endMs, value });
        }
      }
      const { driver, rows } = await run(sliding({ differenceMs, graceMs: KEPT_MS }), batches);
      expect(rows).toEqual([...windows.values()].sort(byKeyAndTime));
      expect(driver.rows('updates')).toEqual(rows);
    }),
    RUNS,
  );
});

test('on-close tells of each closed window once what was told of it last, in the order of ends', async () => {
  const anyWindows: fc.Arbitrary<[Windows, number]> = fc
    .tuple(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom(0, 5, 30),
      fc.nat({ max: 3 }),
    )
    .map(([sizeMs, stepMs, graceMs, kind]) => {
      const times = { graceMs, retentionMs: KEPT_MS };
      if (kind === 0) return [tumbling({ sizeMs, ...times }), graceMs];
      if (kind === 1) return [hopping({ sizeMs, advanceMs: Math.min(sizeMs, stepMs), ...times }), graceMs];
      if (kind === 2) return [sliding({ differenceMs: sizeMs, ...times }), graceMs + 1];
      return [session({ gapMs: sizeMs, ...times }), sizeMs + graceMs + 1];
    });
  await fc.assert(
    fc.asyncProperty(anyWindows, commits, async ([windows, closesAfterMs], batches) => {
      const { rows, finals } = await run(windows, batches);
      const streamTimeMs = Math.max(...batches.flat().map(({ timestampMs }) => timestampMs));
      const closed = rows.filter(({ endMs }) => endMs + closesAfterMs <= streamTimeMs);
      const text = ({ key, startMs, endMs }: Row): string => `${key} ${String(startMs)} ${String(endMs)}`;
      expect(finals.toSorted()).toEqual(closed.map((row) => [text(row), row.value]).sort());
    }),
    RUNS,
  );
});
