import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SeededRandom } from '../../tools/producer/seeded-random.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun, type EchoRunOptions } from '../support/echo-run.ts';
import { holdCommit } from '../support/late-commit.ts';
import { until } from '../support/until.ts';
import {
  ApiKey,
  deliver,
  isCommit,
  startProxiedBroker,
  type Direction,
  type Frame,
  type ProxiedBroker,
} from '../support/wire-proxy.ts';

/*
 * The requests of a commit, and their answers, arrive when their sender has given them up: late, over another
 * connection, or never. Two processors run and records flow meanwhile. The oracle replays every output.
 */

const COMMIT_REQUESTS = [
  'Produce',
  'EndTxn',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'TxnOffsetCommit',
  'InitProducerId',
] as const;
type CommitRequest = (typeof COMMIT_REQUESTS)[number];

/** What becomes of a frame. `elsewhere`: its connection is cut, and it arrives by another one. */
const FATES = ['late', 'elsewhere', 'lost', 'cut'] as const;
type Fate = (typeof FATES)[number];

interface WireFault {
  readonly name: CommitRequest;
  readonly direction: Direction;
  readonly fate: Fate;
  /** How many frames in a row; the further ones are the runtime's attempts to recover. */
  readonly times: number;
  /** Takes only the EndTxn of a commit, where else it may be the one by which a take gives its probe up. */
  readonly commits?: boolean;
}

interface Patience {
  readonly what: string;
  readonly requestTimeoutMs: number;
  readonly delayMs: (random: SeededRandom) => number;
}

/** Shorter than the transaction's, 3 s: the client gives up first. */
const CLIENT_FIRST: Patience = {
  what: 'the request time-out',
  requestTimeoutMs: 600,
  delayMs: (random) => 700 + random.below(1_500),
};
/** The client still waits when the coordinator has aborted its transaction. */
const COORDINATOR_FIRST: Patience = {
  what: 'the transaction time-out',
  requestTimeoutMs: 10_000,
  delayMs: (random) => 3_600 + random.below(1_500),
};

const rounds = sized({ short: 1, full: 4 });
let cluster: ProxiedBroker;
const taken = new Map<string, number>();

beforeAll(async () => {
  cluster = await startProxiedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => cluster.stop());

async function strike(run: EchoRun, fault: WireFault, patience: Patience): Promise<void> {
  const { name, direction, fate, times, commits = false } = fault;
  const { proxy, broker } = cluster;
  const filter = {
    direction,
    apiKey: ApiKey[name],
    times,
    when: (frame: Frame) => frame.clientId.startsWith(run.applicationId) && (!commits || isCommit(frame)),
  };
  const delayMs = patience.delayMs(run.random);
  const rule =
    fate === 'late'
      ? proxy.delay(filter, delayMs)
      : fate === 'elsewhere'
        ? proxy.hold(filter)
        : fate === 'lost'
          ? proxy.drop(filter)
          : proxy.cut(filter);
  // A producer is made only where one was thrown away: after a commit that failed. A take that cannot give its probe up
  // throws none away.
  const provoked =
    name === 'InitProducerId'
      ? proxy.cut({
          direction: 'request',
          apiKey: ApiKey.EndTxn,
          times: 1,
          when: (frame) => frame.clientId.startsWith(run.applicationId) && isCommit(frame),
        })
      : undefined;
  await until(
    () => rule.taken.length > 0,
    () => `a ${name} passes\n${run.apps.map((app) => app.log(20)).join('\n---\n')}`,
  ).finally(() => provoked?.end());
  if (fate === 'elsewhere') {
    const { clientId, bytes } = rule.taken[0] as Frame;
    proxy.cutAll(clientId);
    await sleep(run.random.below(delayMs));
    if (direction === 'request') await deliver(bytes, broker.port);
  }
  await sleep(run.random.below(delayMs + 1_000));
  rule.end();
  taken.set(name, (taken.get(name) ?? 0) + rule.taken.length);
}

/**
 * A commit arrives in the middle of its task's next transaction, which then fails: it is the one moment at which a late
 * EndTxn does harm.
 */
async function strikeNextTransaction(run: EchoRun): Promise<void> {
  const isOfEcho = ({ clientId }: Frame): boolean => clientId.startsWith(run.applicationId) && /-0_\d+$/.test(clientId);
  const log = (): string => run.apps.map((app) => app.log(20)).join('\n---\n');
  const commit = await holdCommit(cluster, isOfEcho, log);
  await commit.fenced();
  const discard = await commit.arrive();
  cluster.proxy.cutAll(commit.late.clientId);
  discard();
}

/** `work` answers what it did, for the report of a failure. */
async function inRun(
  name: string,
  runSeed: number,
  patience: Patience,
  work: (run: EchoRun) => Promise<unknown>,
  { processors = 2, config }: { readonly processors?: number; readonly config?: EchoRunOptions['config'] } = {},
): Promise<void> {
  const run = await EchoRun.open({
    connection: cluster.connection,
    requestTimeoutMs: patience.requestTimeoutMs,
    name,
    seed: runSeed,
    ...(config === undefined ? {} : { config }),
  });
  try {
    for (let count = 0; count < processors; count += 1) await run.start();
    const flow = run.flow();
    await Promise.all(run.apps.map((app) => app.untilReady()));
    const done = await work(run);
    await flow.stop();
    const problems = await run.verdict().catch((error: unknown) => [String(error)]);
    expect({ seed: runSeed, done, problems }).toEqual({ seed: runSeed, done, problems: [] });
  } finally {
    await run.close();
  }
}

function randomFault(random: SeededRandom, name: CommitRequest): WireFault {
  return {
    name,
    direction: random.chance(0.6) ? 'request' : 'response',
    fate: random.pick(FATES),
    times: 1 + random.below(3),
  };
}

function shuffled(random: SeededRandom): CommitRequest[] {
  const left = [...COMMIT_REQUESTS];
  return COMMIT_REQUESTS.map(() => left.splice(random.below(left.length), 1)[0] as CommitRequest);
}

/** Both requests of the report's row, late; the rest as the seed says. */
const always: readonly WireFault[] = [
  { name: 'EndTxn', direction: 'request', fate: 'late', times: 1, commits: true },
  { name: 'Produce', direction: 'request', fate: 'late', times: 1 },
];

const PATIENCES = sized({ short: [CLIENT_FIRST], full: [CLIENT_FIRST, COORDINATOR_FIRST] });

for (const patience of PATIENCES) {
  test(
    `what a commit sends arrives past ${patience.what} (seed ${String(seed)})`,
    async () => {
      taken.clear();
      for (let round = 0; round < rounds; round += 1) {
        const more = sized({ short: 2, full: COMMIT_REQUESTS.length });
        await inRun(
          `late-${String(patience.requestTimeoutMs)}-${String(round)}`,
          seed + round,
          patience,
          async (run) => {
            const chosen = [
              ...always,
              ...shuffled(run.random)
                .slice(0, more)
                .map((name) => randomFault(run.random, name)),
            ];
            for (const fault of chosen) await strike(run, fault, patience);
            return chosen;
          },
        );
      }
      const counts = [...taken].map(([name, count]) => `${name} ${String(count)}`).join(', ');
      reportFigure({
        fault:
          `EndTxn, Produce and the rest of a commit delayed past ${patience.what}, lost or ` +
          `cut by a frame-aware proxy`,
        asked: '0 aborted reads, 0 lost writes',
        measured: `0 anomalies in ${String(rounds)} runs; frames taken: ${counts}`,
      });
    },
    timeLimit(120_000 * rounds),
  );
}

/** The task stays where it is, and its transaction open, on however slow a machine. */
const UNMOVED = { processors: 1, config: { sessionTimeoutMs: 30_000, transactionTimeoutMs: 60_000 } } as const;

// By itself: what a producer that is used again leaves undone, other faults wait for in vain.
test(
  `a commit arrives in the middle of the next transaction of its task (seed ${String(seed)})`,
  async () => {
    for (let round = 0; round < rounds; round += 1)
      await inRun(`next-${String(round)}`, seed + round, CLIENT_FIRST, strikeNextTransaction, UNMOVED);
    reportFigure({
      fault: `EndTxn that arrives when the next transaction has records and no offsets, ${String(rounds)} times`,
      asked: '0 aborted reads, 0 lost writes',
      measured: '0 anomalies',
    });
  },
  timeLimit(60_000 * rounds),
);
