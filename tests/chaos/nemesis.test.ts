import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker } from '../support/broker.ts';
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
/** Once more, where Kafka itself has lost what it had acknowledged: nobody can be right then. */
const MOST_ATTEMPTS = 2;

/** What went wrong: nothing, when the runtime kept its word. */
interface Outcome {
  readonly problems: readonly string[];
  readonly faults: readonly string[];
  /** Tasks are refused of which Kafka says in its own log that it has lost their markers, and nothing else is wrong. */
  readonly isVoid: boolean;
}

/** The task that is ahead of the group, where a process has ended for that. */
const refusedTask = (problem: string): string =>
  /"STORE_AHEAD_OF_GROUP: .*? task (\d+_\d+) has /.exec(problem)?.[1] ?? 'none';

async function rage(): Promise<Outcome> {
  const broker = await startTestBroker({ properties: CHAOS_BROKER });
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
    if (problems.length > 0) {
      await run.keepEvidence(broker, join(projectRoot, '.data', `nemesis-${String(seed)}`));
      const lost = await broker.lostMarkers();
      const isVoid = problems.every((problem) => lost.includes(`${run.applicationId}-${refusedTask(problem)}`));
      return { problems, faults: nemesis.log, isVoid };
    }
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
    return { problems: [], faults: [], isVoid: false };
  } finally {
    await run.close();
    await broker.stop();
  }
}

test(
  `${String(nemesisMinutes)} minutes of random faults (seed ${String(seed)})`,
  async () => {
    let outcome = await rage();
    for (let attempt = 1; outcome.isVoid && attempt < MOST_ATTEMPTS; attempt += 1) {
      process.stdout.write(`nemesis: Kafka lost the markers of a transaction (KAFKA-20734), once more\n`);
      outcome = await rage();
    }
    expect({ seed, problems: outcome.problems, faults: outcome.faults }).toEqual({ seed, problems: [], faults: [] });
  },
  timeLimit(MOST_ATTEMPTS * (nemesisMs * 2 + 240_000)),
);
