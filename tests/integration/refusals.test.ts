import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { cp, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { DatabaseSync } from 'node:sqlite';
import type { Admin } from 'kafkajs';
import { BY_STATE } from '../../processor/logins/names.ts';
import {
  APPLICATION_RECORD_KEY,
  changelogTopic,
  COORDINATOR_OF_GROUP,
  KafkaCluster,
  repartitionTopic,
  statusTopic,
} from '@tributary/streams/operations';
import { parseTopicPartition } from '@tributary/streams';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import type { AppProcess } from '../support/app-process.ts';
import { BY_BUCKET, RUNNING, type EchoTopologyOptions } from '../support/echo-topology.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { LoginRun } from '../support/login-run.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { expectWithin } from '../support/speed.ts';
import { publishOnce } from '../support/test-producer.ts';
import { until, found } from '../support/until.ts';
import { testAdmin } from '../support/test-admin.ts';

/*
 * When the cluster and the store contradict each other, a processor refuses: it exits non-zero (within ten seconds,
 * where speed is judged), with a stable code, the name of the thing and the remedy, and changes no offset.
 *
 * Each case has an application and topics of its own and mostly waits, so some run side by side.
 */

/** Of AlterConfigs. */
const TOPIC_RESOURCE = 2;
const EXIT_WITHIN_MS = 10_000;
const RECORDS = 1_000;
let broker: TestBroker;
let admin: Admin;

beforeAll(async () => {
  broker = await startTestBroker({ properties: { ...CHAOS_BROKER, 'transaction.max.timeout.ms': '60000' } });
  admin = await testAdmin(broker.connection);
});
afterAll(async () => {
  await admin.disconnect();
  await broker.stop();
});

/** How a processor ended that should not have gone on. */
interface Refused {
  readonly code: number | null;
  readonly line: string;
  /** Since the start, or since the change of what it ran on. */
  readonly afterMs: number;
  /**
   * Offsets that are others than before, or new, but for what a task that nothing contradicts went on with. Kafka
   * itself forgets those of a deleted topic.
   */
  readonly changedOffsets: readonly string[];
}

interface Expected {
  readonly code: RegExp;
  readonly names: (run: EchoRun) => string;
}

const offsetsOf = (run: EchoRun): Promise<Map<string, number>> =>
  committedOffsets(broker.connection, run.applicationId);

/** An application that has processed something; `running`: and still runs. */
async function openRun(name: string): Promise<{ run: EchoRun; running: AppProcess }> {
  const run = await EchoRun.open({
    connection: broker.connection,
    name: name.replaceAll(/[^a-z]+/gi, '-'),
    seed: 1,
    partitions: 1,
  });
  await run.publish(RECORDS);
  const running = await run.start();
  await run.settled();
  return { run, running };
}

/** Waits for an end that nobody asked for; answers the exit code and the last word. */
async function endOf(app: AppProcess): Promise<{ readonly exitCode: number | null; readonly line: string }> {
  app.expectEnd();
  await until(
    () => !app.running,
    () => `it ends\n${app.log()}`,
  );
  return {
    exitCode: (await app.exited).code,
    line: String(app.lines.findLast(({ level }) => Number(level) >= 50)?.msg ?? app.log()),
  };
}

/** Waits for an end that nobody asked for, `sinceMs` on this process's clock. */
async function refusedBy(
  run: EchoRun,
  app: AppProcess,
  before: ReadonlyMap<string, number>,
  sinceMs: number,
): Promise<Refused> {
  const { exitCode: code, line } = await endOf(app);
  const afterMs = performance.now() - sinceMs;
  const after = await offsetsOf(run);
  return {
    code,
    line,
    afterMs,
    changedOffsets: [...after]
      .filter(
        ([name, offset]) => before.get(name) !== offset && !wentOn(run, app, line, name, before.get(name), offset),
      )
      .map(([name, offset]) => `${name}: ${String(before.get(name))} -> ${String(offset)}`),
  };
}

/**
 * The task behind the repartition topic, where it ran and the refusal is not about its input, may still take what waits
 * there, such as a report of event time that was committed with the last offsets of the input. It goes forward only.
 */
function wentOn(
  run: EchoRun,
  app: AppProcess,
  line: string,
  name: string,
  before: number | undefined,
  after: number,
): boolean {
  const topic = repartitionTopic(run.applicationId, BY_BUCKET);
  const ran = app.lines.some(({ msg, taskId }) => msg === 'task is running' && taskId === '1_0');
  return ran && name === `${topic}-0` && !line.includes(topic) && before !== undefined && after > before;
}

async function refusedStart(run: EchoRun, env: Readonly<Record<string, string>> = {}): Promise<Refused> {
  const before = await offsetsOf(run);
  const startedAt = performance.now();
  return refusedBy(run, await run.start(env), before, startedAt);
}

function expectRefusal(run: EchoRun, refused: Refused, expected: Expected): void {
  expect(refused.line).toMatch(expected.code);
  expect(refused.line).toContain(expected.names(run));
  expect(refused.line).toMatch(/reset|Restore|go back|Start that release/);
  expect(refused.code).toBe(1);
  expectWithin(refused.afterMs, EXIT_WITHIN_MS);
  expect(refused.changedOffsets).toEqual([]);
}

/**
 * Lets an application process something and stop cleanly, changes the world, and starts it again; `diskToo`: and once
 * more on an empty disk.
 */
function refusal(
  name: string,
  expected: Expected,
  change: (run: EchoRun) => Promise<void>,
  { diskToo = false } = {},
): void {
  test.concurrent(name, async () => {
    const { run, running } = await openRun(name);
    try {
      expect((await running.stop()).code).toBe(0);
      await change(run);
      expectRefusal(run, await refusedStart(run), expected);
      if (!diskToo) return;
      await rm(run.stateDir, { recursive: true });
      expectRefusal(run, await refusedStart(run), expected);
    } finally {
      await run.close();
    }
  });
}

/** The same under an application that runs, and refuses to be started again. */
function refusalWhileRunning(name: string, expected: Expected, change: (run: EchoRun) => Promise<void>): void {
  test.concurrent(`while it runs: ${name}`, async () => {
    const { run, running } = await openRun(`running ${name}`);
    try {
      const before = await offsetsOf(run);
      running.expectEnd();
      const changedAt = performance.now();
      await change(run);
      expectRefusal(run, await refusedBy(run, running, before, changedAt), expected);
    } finally {
      await run.close();
    }
  });
}

const inputPartition = ({ input }: EchoRun): string => `${input}-0`;

refusal('offsets moved back by hand', { code: /^STORE_AHEAD_OF_GROUP/, names: inputPartition }, async (run) => {
  await admin.setOffsets({
    groupId: run.applicationId,
    topic: run.input,
    partitions: [{ partition: 0, offset: '10' }],
  });
});

// Whichever task is the first to find out: one behind a repartition names the input too.
refusal('offsets deleted', { code: /^OFFSETS_MISSING/, names: ({ input }) => input }, async (run) => {
  await admin.deleteGroups([run.applicationId]);
});

refusal('offsets past the end', { code: /^OFFSET_OUT_OF_RANGE/, names: inputPartition }, async (run) => {
  await admin.setOffsets({
    groupId: run.applicationId,
    topic: run.input,
    partitions: [{ partition: 0, offset: '5000' }],
  });
});

refusal(
  'records deleted before they were processed',
  { code: /^OFFSET_OUT_OF_RANGE/, names: inputPartition },
  async (run) => {
    await run.publish(500);
    await admin.deleteTopicRecords({ topic: run.input, partitions: [{ partition: 0, offset: '1200' }] });
  },
);

refusal(
  'a changelog deleted',
  { code: /^INTERNAL_TOPIC_INVALID/, names: (run) => changelogTopic(run.applicationId, RUNNING) },
  async (run) => {
    await admin.deleteTopics({ topics: [changelogTopic(run.applicationId, RUNNING)] });
  },
);

const changelogOf = ({ applicationId }: EchoRun): string => changelogTopic(applicationId, RUNNING);
const inputOf = ({ input }: EchoRun): string => input;
const COMPACT = { 'cleanup.policy': 'compact' };

/** The broker has acknowledged the deletion, and a topic of the name cannot be made until it is done. */
async function makeAnew(topic: string, records: number, configs: Readonly<Record<string, string>> = {}): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  await broker.createTopics({ topic, partitions: 1, configs });
  if (records === 0) return;
  await publishOnce(broker.connection, {
    topic,
    messages: Array.from({ length: records }, (_, index) => ({
      partition: 0,
      key: `new-${String(index)}`,
      value: `0/${String(index)}/1`,
    })),
  });
}

async function configure(topic: string, cleanupPolicy: string): Promise<void> {
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: TOPIC_RESOURCE, name: topic, configEntries: [{ name: 'cleanup.policy', value: cleanupPolicy }] },
    ],
  });
}

/** Kafka deletes no records of a topic that is compacted only. */
async function truncate(topic: string): Promise<void> {
  await configure(topic, 'delete');
  // The controller has acknowledged the configuration, the log hears of it a moment later.
  await found(
    () => admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] }).then(() => true),
    'the records are deleted',
  );
  await configure(topic, 'compact');
}

refusal('a changelog recreated, empty', { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf }, (run) =>
  makeAnew(changelogOf(run), 0, COMPACT),
);

refusal(
  'a changelog recreated with more records than it had',
  { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf },
  (run) => makeAnew(changelogOf(run), 3 * RECORDS, COMPACT),
  { diskToo: true },
);

refusal(
  'a changelog recreated, and the status topic lost',
  { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf },
  async (run) => {
    await makeAnew(changelogOf(run), 3 * RECORDS, COMPACT);
    await admin.deleteTopics({ topics: [statusTopic(run.applicationId)] });
  },
);

refusal(
  'a changelog cut',
  { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf },
  (run) => truncate(changelogOf(run)),
  { diskToo: true },
);

refusal(
  'the repartition topic recreated, its offsets set by hand',
  { code: /^INTERNAL_TOPIC_INVALID/, names: (run) => repartitionTopic(run.applicationId, BY_BUCKET) },
  async (run) => {
    const topic = repartitionTopic(run.applicationId, BY_BUCKET);
    await makeAnew(topic, 0);
    await admin.setOffsets({ groupId: run.applicationId, topic, partitions: [{ partition: 0, offset: '0' }] });
  },
);

test.concurrent('an internal topic that is configured to forget is refused until it is set back', async () => {
  const { run, running } = await openRun('policy');
  try {
    expect((await running.stop()).code).toBe(0);
    for (const [topic, right, wrong] of [
      [changelogOf(run), 'compact', 'delete'],
      [changelogOf(run), 'compact', 'compact,delete'],
      [repartitionTopic(run.applicationId, BY_BUCKET), 'delete', 'compact'],
    ] as const) {
      await configure(topic, wrong);
      expectRefusal(run, await refusedStart(run), {
        code: new RegExp(`^INTERNAL_TOPIC_INVALID: .*cleanup.policy=${wrong} in place of ${right}`),
        names: () => topic,
      });
      await configure(topic, right);
    }
    await run.publish(RECORDS);
    await run.start();
    expect(await run.verdict()).toEqual([]);
  } finally {
    await run.close();
  }
});

test.concurrent.each(['with its stores', 'on an empty disk'])(
  'the application id of another topology, %s, is refused until the topology is its own again',
  async (disk) => {
    const { run, running } = await openRun(`topology ${disk}`);
    try {
      expect((await running.stop()).code).toBe(0);
      if (disk === 'on an empty disk') await rm(run.stateDir, { recursive: true });
      const other = `${run.input}-other`;
      await broker.createTopics(other);
      const started = (options: Partial<EchoTopologyOptions>): Record<string, string> => ({
        ECHO_TOPOLOGY: JSON.stringify({ input: run.input, ...options }),
      });
      for (const [options, words] of [
        [
          { changed: 'window' },
          'store bucket-windows: windows of 60000 ms every 60000 ms, in sub-topology 1 before, windows of 120000 ms',
        ],
        [
          { changed: 'store' },
          'store bucket-windows: windows of 60000 ms every 60000 ms, in sub-topology 1 before, none now',
        ],
        [{ changed: 'serde' }, 'serde of store buckets: json before, bits now'],
        [{ input: other }, `sub-topology 0 reads: ${run.input} before, ${other} now`],
      ] as const) {
        expectRefusal(run, await refusedStart(run, started(options)), {
          code: /^TOPOLOGY_CHANGED/,
          names: () => words,
        });
      }
      // What a release may change goes on where the old one stopped.
      await run.publish(RECORDS);
      await run.start(started({ refactored: true }));
      expect(await run.verdict()).toEqual([]);
    } finally {
      await run.close();
    }
  },
);

refusal(
  'the input topic deleted',
  { code: /^SOURCE_TOPIC_MISSING/, names: inputOf },
  async (run) => {
    await admin.deleteTopics({ topics: [run.input] });
  },
  { diskToo: true },
);

refusal(
  'the input topic recreated with more records than were processed',
  { code: /^SOURCE_TOPIC_RECREATED/, names: inputOf },
  (run) => makeAnew(run.input, 2 * RECORDS),
  { diskToo: true },
);

// A group without members takes offsets from anybody.
refusal(
  'the input topic recreated, its offsets set by hand',
  { code: /^SOURCE_TOPIC_RECREATED/, names: inputOf },
  async (run) => {
    await makeAnew(run.input, 2 * RECORDS);
    await admin.setOffsets({
      groupId: run.applicationId,
      topic: run.input,
      partitions: [{ partition: 0, offset: String(RECORDS) }],
    });
  },
  { diskToo: true },
);

refusalWhileRunning('the input topic deleted', { code: /^SOURCE_TOPIC_MISSING/, names: inputOf }, async (run) => {
  await admin.deleteTopics({ topics: [run.input] });
});

// One that looks between the two finds it deleted, and is right; record-fetcher.test.ts holds that it tells the two
// apart.
refusalWhileRunning(
  'the input topic recreated with more records than were processed',
  { code: /^SOURCE_TOPIC_(?:RECREATED|MISSING)/, names: inputOf },
  (run) => makeAnew(run.input, 2 * RECORDS),
);

// As a newer release writes it when it starts beside this one.
refusalWhileRunning(
  'its record says that a topic has a newer form',
  { code: /^FORMAT_UNKNOWN/, names: ({ applicationId }) => statusTopic(applicationId) },
  async ({ applicationId }) => {
    const value = JSON.stringify({ topology: {}, topicIds: {}, formats: { changelogs: 2 } });
    await publishOnce(broker.connection, {
      topic: statusTopic(applicationId),
      messages: [{ partition: 0, key: APPLICATION_RECORD_KEY, value }],
    });
  },
);

refusalWhileRunning('a partition added to the input', { code: /^PARTITIONS_CHANGED/, names: inputOf }, async (run) => {
  await admin.createPartitions({ topicPartitions: [{ topic: run.input, count: 2 }] });
});

refusalWhileRunning('a changelog recreated', { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf }, (run) =>
  makeAnew(changelogOf(run), 3 * RECORDS, COMPACT),
);

refusalWhileRunning('a changelog cut', { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf }, (run) =>
  truncate(changelogOf(run)),
);

refusalWhileRunning(
  'a changelog configured to forget',
  { code: /^INTERNAL_TOPIC_INVALID/, names: changelogOf },
  (run) => configure(changelogOf(run), 'compact,delete'),
);

refusal(
  'a partition added to the input',
  { code: /^PARTITIONS_CHANGED/, names: (run) => run.applicationId },
  async (run) => {
    await admin.createPartitions({ topicPartitions: [{ topic: run.input, count: 2 }] });
  },
);

test.concurrent(
  'a record that user code cannot take: the thread is replaced ten times, then the process gives up',
  async () => {
    const run = await EchoRun.open({
      connection: broker.connection,
      name: 'throws',
      seed: 1,
      partitions: 1,
      throwAt: '0/poison/700',
      config: { threadReplaceBackoffMs: 1 },
    });
    try {
      await run.publish(700);
      const app = await run.start();
      app.expectEnd();
      await app.until(
        async () =>
          (await committedOffsets(broker.connection, run.applicationId).catch(() => new Map<string, number>())).get(
            `${run.input}-0`,
          ) === 700,
        'it has committed what comes before',
      );
      await publishOnce(broker.connection, { topic: run.input, messages: [{ key: 'key', value: '0/poison/700' }] });
      await until(
        () => !app.running,
        () => `it gives up\n${app.log()}`,
      );
      const { code } = await app.exited;
      expect(app.logged('stream thread failed, replacing it')).toHaveLength(10);
      expect(app.lines.findLast(({ level }) => Number(level) >= 50)?.msg).toMatch(
        /^THREADS_EXHAUSTED: .*0_0 failed at .*-input-0 offset 700: the topology was told to throw/,
      );
      expect(code).toBe(1);
      expect((await committedOffsets(broker.connection, run.applicationId)).get(`${run.input}-0`)).toBe(700);
    } finally {
      await run.close();
    }
  },
);

test.concurrent('a damaged store is set aside and restored, and the outcome is exact', async () => {
  const run = await EchoRun.open({ connection: broker.connection, name: 'damaged', seed: 1, partitions: 1 });
  try {
    await run.publish(2_000);
    const first = await run.start();
    await run.settled();
    await first.kill();
    const slot = join(run.stateDir, run.applicationId, '0');
    for (const name of await readdir(join(slot, '0_0'))) if (name === 'CURRENT') await rm(join(slot, '0_0', name));
    await run.publish(500);
    const second = await run.start();
    await run.settled();
    expect(second.logged('cannot be trusted')).toHaveLength(1);
    expect(await run.verdict()).toEqual([]);
    expect((await readdir(slot)).some((name) => name.startsWith('0_0.set-aside-'))).toBe(true);
  } finally {
    await run.close();
  }
});

/*
 * The shipped topology: its source tasks have no store, so nothing but what the application keeps of its offsets can
 * contradict the group's.
 */

const LOGINS = 200;

/** What is done to the group's offsets while nothing runs. */
interface MovedOffsets {
  readonly name: string;
  readonly code: RegExp;
  readonly move: (run: LoginRun, before: ReadonlyMap<string, number>) => Promise<void>;
}

/**
 * Of any topics, by `topic-partition`. A group without members takes them from anybody; kafkajs' admin would join it
 * first, for seconds.
 */
async function setOffsets({ applicationId }: LoginRun, offsets: Iterable<readonly [string, number]>): Promise<void> {
  const cluster = new KafkaCluster({ ...broker.connection, clientId: 'test-offsets' }, quietLogger);
  try {
    const coordinator = await cluster.coordinator(COORDINATOR_OF_GROUP, applicationId);
    await coordinator.offsetCommit({
      groupId: applicationId,
      groupGenerationId: -1,
      memberId: '',
      topics: [...offsets].map(([name, offset]) => {
        const { topic, partition } = parseTopicPartition(name);
        return { topic, partitions: [{ partition, offset: String(offset) }] };
      }),
    });
  } finally {
    await cluster.disconnect();
  }
}

/** The group is made anew with all offsets but those that `drop` names. */
async function dropOffsets(
  run: LoginRun,
  before: ReadonlyMap<string, number>,
  drop: (name: string) => boolean,
): Promise<void> {
  await admin.deleteGroups([run.applicationId]);
  await setOffsets(
    run,
    [...before].filter(([name]) => !drop(name)),
  );
}

const byLogins = ({ applicationId }: LoginRun): string => repartitionTopic(applicationId, BY_STATE);
/** A partition of the topic that has been read, and how far. */
function readPartition(before: ReadonlyMap<string, number>, topic: string): [string, number] {
  return [...before].filter(([of]) => of.startsWith(`${topic}-`)).sort(([, a], [, b]) => b - a)[0] as [string, number];
}

const MOVED_INPUT: readonly MovedOffsets[] = [
  {
    name: 'set back in one partition',
    code: /^STORE_AHEAD_OF_GROUP/,
    move: (run, before) => setOffsets(run, [[`${run.input}-0`, Math.floor((before.get(`${run.input}-0`) ?? 0) / 2)]]),
  },
  {
    name: 'set back to 0 in the whole topic',
    code: /^STORE_AHEAD_OF_GROUP/,
    move: (run) =>
      setOffsets(
        run,
        [0, 1, 2, 3].map((partition) => [`${run.input}-${String(partition)}`, 0] as const),
      ),
  },
  {
    name: 'set forward over logins that wait',
    code: /^OFFSETS_MOVED/,
    move: async (run, before) => {
      await run.publish({ seed: 2, count: LOGINS });
      await setOffsets(run, [[`${run.input}-0`, (before.get(`${run.input}-0`) ?? 0) + 10]]);
    },
  },
  {
    name: 'deleted for one partition',
    code: /^OFFSETS_MISSING/,
    move: (run, before) => dropOffsets(run, before, (name) => name === `${run.input}-0`),
  },
  {
    name: 'deleted for the whole topic',
    code: /^OFFSETS_MISSING/,
    move: (run, before) => dropOffsets(run, before, (name) => name.startsWith(`${run.input}-`)),
  },
  {
    name: 'deleted with the group',
    code: /^OFFSETS_MISSING/,
    move: (run, before) => dropOffsets(run, before, () => true),
  },
];

const MOVED_REPARTITION: readonly MovedOffsets[] = [
  {
    name: 'set back in one partition',
    code: /^STORE_AHEAD_OF_GROUP/,
    move: async (run, before) => {
      const [name, offset] = readPartition(before, byLogins(run));
      await setOffsets(run, [[name, offset - 1]]);
    },
  },
  {
    name: 'deleted for one partition',
    code: /^OFFSETS_MISSING/,
    move: async (run, before) => {
      const [read] = readPartition(before, byLogins(run));
      await dropOffsets(run, before, (name) => name === read);
    },
  },
];

/**
 * One application, stopped: each case is refused, and put back for the next one. In the end all logins are counted,
 * each once.
 */
async function refusesMovedOffsets(
  name: string,
  cases: readonly MovedOffsets[],
  beforeEachCase: (run: LoginRun) => Promise<void>,
): Promise<void> {
  const run = await LoginRun.open({ connection: broker.connection, name });
  const offsets = (): Promise<Map<string, number>> => committedOffsets(broker.connection, run.applicationId);
  try {
    await run.publish({ seed: 1, count: LOGINS });
    const first = await run.start();
    await run.settled();
    expect((await first.stop()).code).toBe(0);
    for (const { name: of, code, move } of cases) {
      await beforeEachCase(run);
      const before = await offsets();
      await move(run, before);
      const after = await offsets();
      const moved = [...before].filter(([name, offset]) => after.get(name) !== offset);
      const refused = await run.start();
      const { exitCode, line } = await endOf(refused);
      expect({ of, line, exitCode }).toEqual({ of, line: expect.stringMatching(code), exitCode: 1 });
      expect(line).toContain(run.input);
      expect(line).toContain('reset the application');
      // Those that nobody moved go on meanwhile.
      const kept = await offsets();
      expect(moved.map(([name]) => [name, kept.get(name)])).toEqual(moved.map(([name]) => [name, after.get(name)]));
      await setOffsets(run, moved);
    }
    await run.publish({ seed: 3, count: LOGINS });
    await run.start();
    const { expected, found } = await run.outcome();
    expect(found).toEqual(expected);
  } finally {
    await run.close();
  }
}

test.concurrent(
  'logins: offsets of the input that were moved or lost are refused, and counting goes on when they are put back',
  () => refusesMovedOffsets('logins-input', MOVED_INPUT, async () => undefined),
);

test.concurrent('logins: the same of the repartition topic, on an empty disk', () =>
  refusesMovedOffsets('logins-repartition', MOVED_REPARTITION, (run) =>
    rm(run.stateDir, { recursive: true, force: true }),
  ),
);

test.concurrent('time-outs that the brokers do not take are refused with the limit and the setting', async () => {
  const run = await LoginRun.open({ connection: broker.connection, name: 'limits' });
  const refusedWith = async (env: Record<string, string>): Promise<string> => {
    const { exitCode, line } = await endOf(await run.start(env));
    return `${String(exitCode)} ${line}`;
  };
  try {
    expect(await refusedWith({ TRANSACTION_TIMEOUT_MS: '120000' })).toMatch(
      /^1 CONFIG_INVALID: .* no transaction time-out of 120000 ms \(.*=60000\): .* \(TRANSACTION_TIMEOUT_MS\)/,
    );
    expect(await refusedWith({ SESSION_TIMEOUT_MS: '400' })).toMatch(
      /^1 CONFIG_INVALID: the group limits takes no session time-out of 400 ms \(.*=500, .*\(SESSION_TIMEOUT_MS\)/,
    );
    const app = await run.start({ TRANSACTION_TIMEOUT_MS: '60000', SESSION_TIMEOUT_MS: '500' });
    await app.untilReady();
  } finally {
    await run.close();
  }
});

/** Makes the copy of a slot pass for the original: what a disk does whose locks do not hold between machines. */
function disguise(slot: string): void {
  const file = join(slot, 'process.sqlite');
  const database = new DatabaseSync(file);
  // The place is the machine since it was started, and the inode.
  const { place } = database.prepare('SELECT place FROM place').get() as { place: string };
  const machine = place.slice(0, place.lastIndexOf(' '));
  database.prepare('UPDATE place SET place = ?').run(`${machine} ${String(statSync(file).ino)}`);
  database.close();
}

test.concurrent(
  'a state directory copied: both processes run; passed off as the original: one exits and says ' +
    'why, the other counts all',
  async () => {
    const run = await LoginRun.open({ connection: broker.connection, name: 'twins' });
    const copies = [`${run.stateDir}-copy`, `${run.stateDir}-twin`] as const;
    const threads = { NUM_STREAM_THREADS: '2' };
    try {
      await run.publish({ seed: 1, count: LOGINS });
      const first = await run.start(threads);
      await run.settled();
      for (const copy of copies) await cp(run.stateDir, copy, { recursive: true });
      const copied = await run.start({ ...threads, STATE_DIR: copies[0] });
      await run.publish({ seed: 2, count: LOGINS });
      await copied.untilReady();
      await first.untilReady();
      expect([...first.logged('under the name'), ...copied.logged('under the name')]).toEqual([]);
      expect((await copied.stop()).code).toBe(0);

      disguise(join(copies[1], run.applicationId, '0'));
      const twin = await run.start({ ...threads, STATE_DIR: copies[1] });
      expect(await endOf(first)).toEqual({
        exitCode: 1,
        line: expect.stringMatching(
          /^INSTANCE_ID_IN_USE: another process is in the group twins as [-0-9a-f]+, .*STATE_DIR/,
        ),
      });
      await run.publish({ seed: 3, count: LOGINS });
      const { expected, found } = await run.outcome();
      expect(found).toEqual(expected);
      expect(twin.running).toBe(true);
    } finally {
      await run.close();
      for (const copy of copies) await rm(copy, { recursive: true, force: true });
    }
  },
);

/**
 * No broker takes a batch of an unknown codec, so it is put where a later release of Kafka would have put it: in the
 * log.
 */
async function packLastBatchAnew(topic: string, codec: number): Promise<void> {
  const BASE_BYTES = 12;
  const CRC_AT = 17;
  const ATTRIBUTES_AT = 21;
  const file = join(dirname(broker.logFile), 'log', `${topic}-0`, '00000000000000000000.log');
  const log = await readFile(file);
  let at = 0;
  for (let next = 0; next < log.length; next += BASE_BYTES + log.readInt32BE(next + 8)) at = next;
  const batch = log.subarray(at);
  batch.writeInt16BE((batch.readInt16BE(ATTRIBUTES_AT) & ~7) | codec, ATTRIBUTES_AT);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
  const handle = await open(file, 'r+');
  await handle.write(batch, 0, batch.length, at);
  await handle.close();
}

// Alone, after the others: it takes their broker away.
test('a batch of an unknown codec', async () => {
  const { run, running } = await openRun('codec');
  try {
    expect((await running.stop()).code).toBe(0);
    await run.publish(1);
    await broker.shutDown();
    await packLastBatchAnew(run.input, 5);
    await broker.restart();
    await admin.disconnect();
    await admin.connect();
    // Its coordinators take a moment.
    await found(() => offsetsOf(run), 'the coordinators answer');
    const refused = await refusedStart(run);
    expect(refused).toMatchObject({
      code: 1,
      changedOffsets: [],
      line: expect.stringMatching(
        /^COMPRESSION_UNKNOWN: codec-input-0 .*behind offset 1000 .*codec 5 is unknown.* Start a release that reads it/,
      ),
    });
    expectWithin(refused.afterMs, EXIT_WITHIN_MS);
  } finally {
    await run.close();
  }
});
