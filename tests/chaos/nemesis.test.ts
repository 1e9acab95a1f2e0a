import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { nemesisMinutes, reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { MemorySamples } from '../support/memory-samples.ts';
import { Nemesis } from '../support/nemesis.ts';

/*
 * Random faults of every kind, one after another, over three processors and their broker while records flow; in the end
 * the oracle replays every output. The faults follow from the seed; when they strike depends on the machine.
 */

const nemesisMs = nemesisMinutes * 60_000;
/** So many that the oracle can still hold all of a long run in memory. */
const RECORDS_PER_SECOND = sized({ short: 1_000, full: 250 });
/** Long enough for the last quarter to say something about a leak. */
const judgesMemory = nemesisMinutes >= 10;
const MOST_GROWTH = 1.1;
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.stop());

test(
  `${String(nemesisMinutes)} minutes of random faults (seed ${String(seed)})`,
  async () => {
    const run = await EchoRun.open({
      connection: broker.connection,
      name: 'nemesis',
      seed,
      config: { numStandbyReplicas: 1 },
    });
    try {
      const flow = run.flow({ records: (nemesisMs / 1_000) * RECORDS_PER_SECOND, overMs: nemesisMs });
      const nemesis = await Nemesis.begin(run, broker);
      const memory = new MemorySamples(nemesis.witness);
      for (const until = performance.now() + nemesisMs; performance.now() < until;) await nemesis.strike();
      await flow.stop();
      const problems = await run.verdict().catch((error: unknown) => [String(error)]);
      const quarters = memory.quarters();
      if (problems.length > 0) await run.keepEvidence(broker, join(projectRoot, '.data', `nemesis-${String(seed)}`));
      expect({ seed, problems, faults: problems.length === 0 ? [] : nemesis.log }).toEqual({
        seed,
        problems: [],
        faults: [],
      });
      const [, second = 0, , last = 0] = quarters;
      reportFigure({
        fault:
          `${String(nemesisMinutes)} minutes of random faults ` +
          `(${[...nemesis.counts].map(([fault, count]) => `${fault} ${String(count)}`).join(', ')})`,
        asked: '0 anomalies; memory flat (last quarter within 10 % of the second)',
        measured:
          `0 anomalies in ${String(run.publishedRecords)} records; medians of the quarters ` +
          `${quarters.join(', ')} MiB`,
      });
      if (judgesMemory) expect(last).toBeLessThanOrEqual(second * MOST_GROWTH);
    } finally {
      await run.close();
    }
  },
  timeLimit(nemesisMs * 2 + 240_000),
);
