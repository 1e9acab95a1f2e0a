import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BUFFERS_KEPT_AFTER_ABORT,
  NO_SEEK_AFTER_ABORT,
  NO_STATIC_MEMBERSHIP,
  OFFSETS_AFTER_RECORDS,
  OFFSETS_BEFORE_FENCE,
  OFFSETS_BEFORE_RECORDS,
  RESTORE_STOPS_SHORT,
  REUSED_PRODUCER,
  STORE_BEFORE_COMMIT,
  STORE_BEFORE_COMMIT_UNNOTICED,
} from './mutations.ts';
import { reportFigure, seed, sized } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun, type EchoRunOptions } from '../support/echo-run.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { holdCommit } from '../support/late-commit.ts';
import { createMutant, type Mutation } from '../support/mutant.ts';
import { until } from '../support/until.ts';
import {
  ApiKey,
  deliver,
  isCommit,
  startProxiedBroker,
  type Frame,
  type FrameFilter,
  type ProxiedBroker,
} from '../support/wire-proxy.ts';

/*
 * Each guarantee is shown by a fault that the runtime survives and a mutant of the runtime does not: the same run, the
 * same oracle, one deliberate mistake. Inside `npm test` only the mistakes that anybody would make first.
 */

let cluster: ProxiedBroker;

beforeAll(async () => {
  cluster = await startProxiedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => cluster.stop());

/** What strikes the run, and what is wrong with how it took it, beyond what the oracle sees. */
interface Fault {
  readonly name: string;
  readonly config?: EchoRunOptions['config'];
  strike(run: EchoRun): Promise<readonly string[] | void>;
}

let runs = 0;

/**
 * What is wrong after a run of a mutant, or of the runtime when there is none. A run that comes to no end is wrong too.
 */
async function problemsOf(fault: Fault, mutation?: Mutation): Promise<string[]> {
  const mutant = mutation === undefined ? undefined : await createMutant(mutation);
  runs += 1;
  const run = await EchoRun.open({
    connection: cluster.connection,
    name: `${mutation === undefined ? 'sound' : 'mutant'}-${String(runs)}`,
    seed,
    partitions: 1,
    ...(fault.config === undefined ? {} : { config: fault.config }),
    ...(mutant === undefined ? {} : { root: mutant.root }),
  });
  try {
    const seen = (await fault.strike(run)) ?? [];
    return [...seen, ...(await run.verdict().catch((error: unknown) => [String(error)]))];
  } finally {
    await run.close();
    await mutant?.remove();
  }
}

const testInFull = sized<(name: string, run: () => Promise<void>) => void>({ short: () => undefined, full: test });

/** What a mutant leaves behind depends on which task was the first to die: any of its traces is proof enough. */
const caught = (fault: Fault, mutation: Mutation, trace: RegExp) => async (): Promise<void> => {
  const problems = await problemsOf(fault, mutation);
  expect(problems.join('\n')).toMatch(trace);
  const [said = ''] = problems.filter((problem) => trace.test(problem));
  reportFigure({
    fault: `mutant: ${mutation.name}`,
    asked: 'caught',
    measured: `the oracle, after ${fault.name}: ${firstLine(said, trace)}`,
  });
};

const LONGEST_LINE = 160;

function firstLine(text: string, trace: RegExp): string {
  const line = (text.split('\n').find((it) => trace.test(it)) ?? text).replaceAll('|', '/');
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

const crashAt = (at: string): Fault => ({
  name: `a death ${at}`,
  strike: async (run) => {
    const flow = run.flow();
    await run.crash(at, 6);
    await flow.stop();
    await run.start();
  },
});

const isOfTask = (run: EchoRun, { direction, clientId }: Frame): boolean =>
  direction === 'request' && clientId.startsWith(run.applicationId) && clientId.endsWith('-0_0');

/** Requests of the echo's task alone, of one kind. */
const ofTask = (run: EchoRun, apiKey: number): FrameFilter => ({
  direction: 'request',
  apiKey,
  when: (frame) => isOfTask(run, frame),
});

/** The next EndTxn by which the task commits: with another one each take gives its probe up. */
const nextCommit = (run: EchoRun): FrameFilter => ({
  direction: 'request',
  apiKey: ApiKey.EndTxn,
  when: (frame) => isOfTask(run, frame) && isCommit(frame),
  times: 1,
});

/** A commit of the echo's task comes upon its next transaction. Then the process dies. */
const lateCommit: Fault = {
  name: 'a commit that arrives a transaction late',
  // The task stays where it is, and its transaction open, on however slow a machine.
  config: { sessionTimeoutMs: 30_000, transactionTimeoutMs: 60_000 },
  strike: async (run) => {
    await run.publish(500);
    const held = holdCommit(cluster, (frame) => isOfTask(run, frame));
    const app = await run.start();
    const commit = await held;
    const discard = await commit.arrive();
    await app.kill();
    discard();
    await run.start();
  },
};

/** The owner dies, its EndTxn is still on its way, and arrives when the next owner is just about to fence. */
const commitBeforeFence: Fault = {
  name: 'a commit that arrives just before the next owner fences',
  // The coordinator is not to abort the transaction meanwhile.
  config: { transactionTimeoutMs: 30_000 },
  strike: async (run) => {
    await run.publish(200);
    const first = await run.start();
    await run.settled();
    const last = cluster.proxy.hold(nextCommit(run));
    await run.publish(500);
    await last.reached(1);
    await first.kill();
    const fence = cluster.proxy.hold(ofTask(run, ApiKey.InitProducerId));
    await run.start();
    await fence.reached(1);
    const offset = async (): Promise<number | undefined> =>
      (await committedOffsets(cluster.connection, run.applicationId)).get(`${run.input}-0`);
    const before = await offset();
    await deliver((last.taken[0] as Frame).bytes, cluster.broker.port);
    last.discard();
    await until(async () => (await offset()) !== before, 'its markers are written: the group answers the new offsets');
    fence.release();
  },
};

/** A commit is lost on its way; the same process aborts, goes back and does it again. */
const lostCommit: Fault = {
  name: 'a commit that is lost on its way',
  strike: async (run) => {
    await run.publish(500);
    const app = await run.start();
    await app.untilReady();
    const flow = run.flow();
    const cut = cluster.proxy.cut(nextCommit(run));
    await cut.reached(1);
    await run.goesOn();
    await flow.stop();
  },
};

/** One of two is killed and started again at once: the other need not hear of it. */
const quickRestart: Fault = {
  name: 'kill -9 and a restart at once',
  // Longer than a start takes on however slow a machine.
  config: { sessionTimeoutMs: 60_000 },
  strike: async (run) => {
    await run.publish(500);
    const [stays, goes] = [await run.start(), await run.start()];
    await run.settled();
    const heard = (): number => stays.logged('the group rebalances').length + stays.logged('joined the group').length;
    const before = heard();
    await goes.kill();
    await run.start();
    await run.publish(500);
    await run.settled();
    return heard() === before
      ? []
      : [`a restart was a rebalance: the other processor was told ${String(heard() - before)} times`];
  },
};

describe('a death between the records and the commit', () => {
  const fault = crashAt('afterProduce');
  test('is survived', async () => {
    expect(await problemsOf(fault)).toEqual([]);
  });
  // Or the next start refuses: what the commit has noted beside its offsets reaches further than the changelog, or the
  // group further than what the task has kept.
  test(
    'loses records when the offsets are committed before',
    caught(
      fault,
      OFFSETS_BEFORE_RECORDS,
      /lost or wrong|rows are wrong|INTERNAL_TOPIC_INVALID: the changelog|OFFSETS_MOVED/,
    ),
  );
  testInFull(
    'leaves the group behind what the task has kept when the offsets are committed after: the next start refuses it',
    caught(fault, OFFSETS_AFTER_RECORDS, /STORE_AHEAD_OF_GROUP/),
  );
});

describe('a death around the store batch', () => {
  testInFull('is survived', async () => {
    expect(await problemsOf(crashAt('afterCommit'))).toEqual([]);
  });
  test(
    'leaves a store ahead when the batch comes before the commit: the next start refuses it',
    caught(crashAt('afterBatch'), STORE_BEFORE_COMMIT, /STORE_AHEAD_OF_GROUP/),
  );
  testInFull(
    'doubles counts when nothing tells the next start',
    caught(crashAt('afterBatch'), STORE_BEFORE_COMMIT_UNNOTICED, /running-0|buckets/),
  );
  testInFull(
    'loses counts when the restore stops short',
    caught(crashAt('afterCommit'), RESTORE_STOPS_SHORT, /running-0|buckets/),
  );
});

describe('a commit that arrives a transaction late', () => {
  test('is fenced off', async () => {
    expect(await problemsOf(lateCommit)).toEqual([]);
  });
  test(
    'commits half of the next transaction when the producer is reused',
    caught(lateCommit, REUSED_PRODUCER, /doubled|rows are wrong|OFFSETS_MISSING/),
  );
});

describe('a commit that arrives just before the next owner fences', () => {
  testInFull('is seen by the next owner', async () => {
    expect(await problemsOf(commitBeforeFence)).toEqual([]);
  });
  testInFull(
    'is done again when the offsets are read before the fence',
    caught(commitBeforeFence, OFFSETS_BEFORE_FENCE, /doubled|rows are wrong/),
  );
});

describe('a commit that is lost on its way', () => {
  testInFull('is done again, once', async () => {
    expect(await problemsOf(lostCommit)).toEqual([]);
  });
  testInFull(
    'loses its records when nobody seeks back',
    caught(lostCommit, NO_SEEK_AFTER_ABORT, /lost or wrong|rows are wrong/),
  );
  testInFull(
    'counts twice when the buffers are kept',
    caught(lostCommit, BUFFERS_KEPT_AFTER_ABORT, /doubled|rows are wrong|running-0/),
  );
});

describe('a processor killed and started again at once', () => {
  testInFull('is no rebalance', async () => {
    expect(await problemsOf(quickRestart)).toEqual([]);
  });
  testInFull(
    'is one without static membership',
    caught(quickRestart, NO_STATIC_MEMBERSHIP, /a restart was a rebalance/),
  );
});
