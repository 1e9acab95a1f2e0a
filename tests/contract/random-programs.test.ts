import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TopologyTestDriver, type WrittenRecord } from '@tributary/streams/testing';
import { timeLimit } from '../support/chaos.ts';
import { comparable, outcomeOf, writtenOf } from '../support/program-model.ts';
import {
  buildPrograms,
  END_RECORDS,
  inputs,
  programs,
  TOPICS,
  type EndPlan,
  type InputRecord,
} from '../support/random-program.ts';

/*
 * Random programs of joins, windows, groupings and tables: the driver's results are those of a plain model, whatever
 * the partitions and the commits. `PROPERTY_RUNS` sets how many, `SEED` repeats a run.
 */

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);

async function run(
  plan: EndPlan,
  records: readonly InputRecord[],
  partitions: number,
  batch: number,
): Promise<WrittenRecord[]> {
  const driver = new TopologyTestDriver(buildPrograms([plan]), {
    partitions: Object.fromEntries(TOPICS.map((topic) => [topic, partitions])),
  });
  for (let index = 0; index < records.length;) {
    const { topic } = records[index] as InputRecord;
    const part: InputRecord[] = [];
    // A pipe is one commit: a few records of one topic, in the order of their times.
    // The end comes when all has gone through.
    const isLast = END_RECORDS.includes(records[index] as InputRecord);
    while (
      part.length < batch &&
      records[index]?.topic === topic &&
      END_RECORDS.includes(records[index] as InputRecord) === isLast
    )
      part.push(records[index++] as InputRecord);
    await driver.pipe(
      topic,
      ...part.map(({ key, value, timestampMs }) => ({
        key,
        value: value === null ? null : String(value),
        timestampMs,
      })),
    );
  }
  return driver.output('out-0');
}

test(
  'random programs give what the model gives',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        programs,
        inputs,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 5 }),
        async (plan, some, partitions, batch) => {
          const records = [...some, ...END_RECORDS];
          const written = await run(plan, records, partitions, batch);
          expect(comparable(writtenOf(plan, written))).toEqual(comparable(outcomeOf(plan, records)));
        },
      ),
      { numRuns: RUNS, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
    );
  },
  timeLimit(1_800_000),
);
