import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeWindowKey,
  stringSerde,
  timeWindowedSerde,
  TopologyTestDriver,
  type StreamsError,
} from '@tributary/streams';
import { timeLimit } from '../support/chaos.ts';
import { buildPlan, inputsFor, plans, type Input, type Plan, type WindowPlan } from '../support/random-topology.ts';
import { expectedOf, rowId, type Expected, type Rows } from '../support/topology-model.ts';

/*
 * Random topologies of what exists over random records: odd keys, times and orders. Each record is in its tables and
 * outputs, or is counted as late, dropped or dead-lettered; tables equal a plain model. `PROPERTY_RUNS` sets how many,
 * `SEED` repeats a run.
 */

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 100);

interface Sum {
  readonly count: number;
  readonly sum: number;
}

/** A row's value as the model has it; a count has no sum, a reduce no count. */
function sumOf(value: unknown): Partial<Sum> {
  if (typeof value === 'number') return { count: value };
  const { count, sum, n } = value as { count?: number; sum?: number; n?: number };
  return n === undefined ? { count: count as number, sum: sum as number } : { sum: n };
}

const plain = (rows: Rows): Record<string, Sum> => Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));

/** The rows of a store, added up over partitions, as far as they tell. */
async function rowsOf(
  driver: TopologyTestDriver,
  store: string,
  windowed: boolean,
): Promise<Map<string, Partial<Sum>>> {
  const rows = new Map<string, Partial<Sum>>();
  for (const [, key, value] of await driver.entries(store)) {
    const { windowStartMs, key: text } = windowed
      ? decodeWindowKey(key)
      : { windowStartMs: -1, key: key.toString('utf8') };
    const id = rowId(text, windowStartMs);
    const { count, sum } = sumOf(JSON.parse(String(value)));
    const before = rows.get(id);
    rows.set(id, {
      ...(count === undefined ? {} : { count: count + (before?.count ?? 0) }),
      ...(sum === undefined ? {} : { sum: sum + (before?.sum ?? 0) }),
    });
  }
  return rows;
}

/** What was told last of each row. */
function toldOf(driver: TopologyTestDriver, store: string, windows: WindowPlan | null): Map<string, Partial<Sum>> {
  const told = new Map<string, Partial<Sum>>();
  for (const { key, value } of driver.output(`told-${store}`)) {
    const windowed =
      windows === null ? undefined : timeWindowedSerde(stringSerde, windows.sizeMs).deserialize(key as Buffer);
    const id = rowId(windowed?.key ?? String(key), windowed?.startMs ?? -1);
    told.set(id, sumOf(JSON.parse(String(value))));
  }
  return told;
}

/** The model's rows, with as much as the table tells. */
const alike = (expected: Rows, seen: ReadonlyMap<string, Partial<Sum>>): Record<string, Partial<Sum>> =>
  Object.fromEntries(
    [...expected]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, row]) => {
        const { count, sum } = seen.get(id) ?? row;
        return [
          id,
          { ...(count === undefined ? {} : { count: row.count }), ...(sum === undefined ? {} : { sum: row.sum }) },
        ];
      }),
  );

const total = (values: Iterable<Partial<Sum>>): number => [...values].reduce((all, { count = 0 }) => all + count, 0);

async function check(plan: Plan, batches: readonly (readonly Input[])[]): Promise<void> {
  const [a, b] = plan.partitions;
  const topology = buildPlan(plan);
  let driver: TopologyTestDriver;
  try {
    driver = new TopologyTestDriver(topology, { partitions: { a, b } });
  } catch (error) {
    // Keys that would lie in two tasks: refused, and only where the counts differ.
    expect({ code: (error as StreamsError).code, differ: a !== b }).toEqual({
      code: 'NOT_COPARTITIONED',
      differ: true,
    });
    return;
  }
  for (const batch of batches) {
    for (const topic of ['a', 'b'] as const) {
      const records = batch.filter((record) => record.topic === topic);
      if (records.length > 0) await driver.pipe(topic, ...records.map(({ key, value }) => ({ key, value })));
    }
  }
  const expected = expectedOf(plan, batches);
  checkRecords(driver, plan, expected);
  let late = 0;
  for (const [index, end] of plan.ends.entries()) {
    if (end.end === 'process')
      expect(Object.fromEntries([...(await rowsOf(driver, String(index), false))].sort())).toEqual(
        plain(expected.tables.get(String(index)) as Rows),
      );
    if (end.end !== 'tables') continue;
    for (const [table, windows] of end.windows.entries())
      late += await checkTable(driver, `${String(index)}-${String(table)}`, windows, expected);
  }
  const { late: counted = 0, ...others } = driver.dropped();
  expect(others).toEqual({
    ...(expected.nullKeys === 0 ? {} : { 'null-key': expected.nullKeys }),
    ...(expected.invalidTimes === 0 ? {} : { 'invalid-timestamp': expected.invalidTimes }),
  });
  // A table that tells only sums does not tell how much of it was late.
  if (late >= 0) expect(counted).toBe(late);
}

/** What was refused, and what went through. */
function checkRecords(driver: TopologyTestDriver, plan: Plan, expected: Expected): void {
  const reasons: Record<string, number> = {};
  for (const { headers } of plan.deadLetters ? driver.output('dead') : []) {
    const reason = String(headers['__streams.errors.exception']);
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  expect(reasons).toEqual(expected.deadLetters);
  for (const [topic, records] of expected.outputs) {
    const written = driver.output(topic).map(({ key, value }) => {
      const { id, n } = JSON.parse(String(value)) as { id: number; n: number };
      return JSON.stringify([key === null ? null : key.toString('utf8'), id, n]);
    });
    expect(written.sort()).toEqual(records.map((record) => JSON.stringify(record)).sort());
  }
}

/** Answers how many records were late, once for each window; NaN where the table does not tell. */
async function checkTable(
  driver: TopologyTestDriver,
  store: string,
  windows: WindowPlan | null,
  { tables }: Expected,
): Promise<number> {
  const expected = tables.get(store) as Rows;
  const told = toldOf(driver, store, windows);
  if (windows === null || windows.graceMs === null) {
    const rows = await rowsOf(driver, store, windows !== null);
    expect(Object.fromEntries([...rows].sort(([x], [y]) => (x < y ? -1 : 1)))).toEqual(alike(expected, rows));
    expect(Object.fromEntries([...told].sort(([x], [y]) => (x < y ? -1 : 1)))).toEqual(alike(expected, told));
    return 0;
  }
  for (const [id, { count = 0 }] of told) expect(count).toBeLessThanOrEqual(expected.get(id)?.count ?? -1);
  const late = total(expected.values()) - total(told.values());
  const lateValues = driver.output(`late-${store}`).map(({ value }) => sumOf(JSON.parse(String(value))));
  if (windows.advanceMs === windows.sizeMs) expect(total(lateValues)).toBe(late);
  else expect(total(lateValues)).toBeLessThanOrEqual(late);
  return late;
}

test(
  'random topologies: each record is told, late, dropped or dead-lettered, once, and tables equal a plain model',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        plans.chain((plan) => fc.tuple(fc.constant(plan), inputsFor(plan))),
        async ([plan, batches]) => check(plan, batches),
      ),
      { numRuns: RUNS, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
    );
  },
  timeLimit(300 * RUNS),
);
