import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type kafkajs from 'kafkajs';
import { parseEnvironment, type Environment } from '../../processor/logins/environment.ts';
import { applyReset } from '../../tools/reset/reset-application.ts';
import { takeLocalState } from '../../tools/reset/reset-local-state.ts';
import { internalTopics, planReset } from '../../tools/reset/reset-plan.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { sized } from '../support/chaos.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { LoginRun } from '../support/login-run.ts';
import { committedNumbers } from '../support/login-results.ts';
import { runTool, type ToolRun } from '../support/tool-run.ts';
import { readTopic } from '../support/topic-reader.ts';
import { testAdmin } from '../support/test-admin.ts';

const RESET = 'tools/reset/reset.ts';

let broker: SharedBroker;
let admin: kafkajs.Admin;
const runs: LoginRun[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  admin = await testAdmin(broker.connection);
});
afterEach(async () => {
  for (const run of runs.splice(0)) await run.close();
});
afterAll(async () => {
  await admin.disconnect();
  await broker.leave();
});

async function openRun(name: string): Promise<LoginRun> {
  const run = await LoginRun.open({ connection: broker.connection, name });
  runs.push(run);
  return run;
}

const environmentOf = (run: LoginRun): Environment => parseEnvironment(run.env, false);
const reset = (run: LoginRun, ...args: string[]): Promise<ToolRun> => runTool(RESET, args, run.env);

async function internalTopicsOf(run: LoginRun): Promise<string[]> {
  const existing = new Set(await admin.listTopics());
  return internalTopics(environmentOf(run)).filter((topic) => existing.has(topic));
}

/** What is in the slots besides their lock files. */
async function localState(run: LoginRun): Promise<string[]> {
  const root = join(run.stateDir, run.applicationId);
  const files = await Promise.all((await readdir(root)).map((slot) => readdir(join(root, slot))));
  return files.flat().filter((name) => !name.startsWith('process.sqlite'));
}

async function countAll(run: LoginRun): Promise<void> {
  const app = await run.start();
  const { expected, found } = await run.outcome();
  expect(found).toEqual(expected);
  expect((await app.stop()).code).toBe(0);
}

test('the next start counts the whole input again, and every number is the same', async () => {
  const run = await openRun('again');
  await run.publish({ seed: 1, count: 5_000 });
  await run.start();
  const second = await run.start({ NUM_STREAM_THREADS: '2' });
  const before = await run.outcome();
  expect(before.found).toEqual(before.expected);
  expect(before.deadLetterProblems).toEqual([]);
  await second.stop();
  await Promise.all(run.wanted().map((app) => app.stop()));

  const dry = await reset(run, '--dry-run', '--yes');
  expect([dry.code, dry.errors]).toEqual([0, '']);
  expect(dry.output).toMatch(
    /^Starting again over[^]*  internal topics:\n    again-by-state-repartition\n    again-counts-by-state-changelog\n/,
  );
  expect(dry.output).toMatch(
    /This stays:\n  again-input: the next start counts it again[^]*Nothing was changed \(--dry-run\)\n$/,
  );
  for (const [name, offset] of await committedOffsets(broker.connection, run.applicationId))
    expect(dry.output).toContain(`${name} at ${String(offset)}`);
  expect(await internalTopicsOf(run)).toHaveLength(7);

  const unasked = await reset(run);
  expect([unasked.code, unasked.errors]).toEqual([
    2,
    'Nothing was changed: there is no terminal to ask on; give --yes to delete this\n',
  ]);
  expect(await internalTopicsOf(run)).toHaveLength(7);
  expect((await localState(run)).length).toBeGreaterThanOrEqual(4);

  const done = await reset(run, '--yes');
  expect([done.code, done.errors]).toEqual([0, '']);
  expect(done.output).toMatch(/deleted the group again\nDone: the next start counts again-input from its beginning\n$/);
  expect(await internalTopicsOf(run)).toEqual([]);
  expect((await committedOffsets(broker.connection, run.applicationId)).size).toBe(0);
  expect(await localState(run)).toEqual([]);
  expect((await reset(run, '--yes')).output).toMatch(/^Nothing to reset: /);

  await run.start();
  const after = await run.outcome();
  expect(after.found).toEqual(before.expected);
  expect(after.found).toEqual(after.expected);
  // The first count's dead letters stay: each is there once more.
  const letters = await readTopic(broker.connection, run.deadLetterTopic);
  expect(letters.partitions.flat()).toHaveLength(2 * before.expected.deadLettered);
});

test('an application in use is left alone: its members and its slots are named', async () => {
  const run = await openRun('busy');
  await run.publish({ seed: 2, count: 500 });
  // The killed member is one still when a busy machine comes to look.
  const app = await run.start({ SESSION_TIMEOUT_MS: '60000' });
  await run.settled();
  const offsets = await committedOffsets(broker.connection, run.applicationId);

  const refused = await reset(run, '--yes');
  expect(refused.code).toBe(1);
  expect(refused.errors).toContain('busy is in use; nothing was changed:\n');
  expect(refused.errors).toMatch(
    / {2}the group busy has the member busy-[0-9a-f]{8}-StreamThread-1-group at 127\.0\.0\.1\n/,
  );
  expect(refused.errors).toContain(`  a running process has the state directory ${join(run.stateDir, 'busy', '0')}\n`);

  // Killed, it holds no slot any more and is a member still.
  await app.kill();
  const early = await reset(run, '--yes');
  expect([early.code, early.errors.includes('has the state directory')]).toEqual([1, false]);
  expect(await committedOffsets(broker.connection, run.applicationId)).toEqual(offsets);
  expect(await internalTopicsOf(run)).toHaveLength(7);
  await run.start();
  const { expected, found } = await run.outcome();
  expect(found).toEqual(expected);
});

/**
 * Does the first `steps` deletions of a reset, then stops as if it had been killed. Answers how many there were to do.
 */
async function resetUpTo(run: LoginRun, steps: number): Promise<number> {
  const state = await takeLocalState(run.stateDir, run.applicationId);
  let done = 0;
  try {
    await applyReset(admin, await planReset(admin, environmentOf(run), state), () => {
      if (++done === steps) throw new Error('cut off');
    });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'cut off') throw error;
  } finally {
    state.release();
  }
  return done;
}

/** A start on what a reset left: refused with a code, or right. */
async function startOnRemains(run: LoginRun): Promise<string> {
  const app = await run.start();
  app.expectEnd();
  const verdict = await Promise.race([
    app.exited.then(
      ({ code }) =>
        `exit ${String(code)}: ` +
        `${String(app.lines.find((line) => line['code'] !== undefined && line.level === 50)?.['code'])}`,
    ),
    app.untilReady().then(
      () => 'ready',
      () => 'never ready',
    ),
  ]);
  if (verdict !== 'ready') return verdict;
  const { committed, consumed } = await afterSettling(run, app);
  return committed === consumed ? 'right' : `wrong: ${String(committed)} of ${String(consumed)}`;
}

async function afterSettling(
  run: LoginRun,
  app: Awaited<ReturnType<LoginRun['start']>>,
): Promise<{ committed: number; consumed: number }> {
  const consumed = (await readTopic(broker.connection, run.input)).partitions.flat().length;
  // Beyond what is right it counts in the same breath: what is committed is looked at when the tasks have nothing left
  // to do.
  await run.settledBy([app]).catch((error: unknown) => {
    if (app.running) throw error;
  });
  const committed = (await committedNumbers(broker.connection, run.applicationId)).consumed;
  await app.stop();
  return { committed, consumed };
}

const REFUSED = /^exit 1: (INTERNAL_TOPIC_INVALID|OFFSETS_MISSING)$/;
/**
 * Of all deletions: the repartition topic, the last changelog, the offsets, the slot, the group. `npm test` takes those
 * that leave most apart.
 */
const CUTS = sized({ short: [5, 6, 8], full: [1, 5, 6, 8, 9] });

test.each([
  { name: 'cut', what: 'an application as it was', damage: async () => undefined, cuts: CUTS },
  {
    name: 'cut-expired',
    what: 'one whose offsets had expired',
    damage: async (run: LoginRun) => void (await admin.deleteGroups([run.applicationId])),
    cuts: sized({ short: [1], full: [1, 8] }),
  },
  {
    name: 'cut-moved',
    what: 'one whose disk had been lost too',
    damage: async (run: LoginRun) => {
      await admin.deleteGroups([run.applicationId]);
      await rm(join(run.stateDir, run.applicationId), { recursive: true });
    },
    cuts: sized({ short: [2], full: [2, 5] }),
  },
])(
  'cut off anywhere, a reset of $what leaves a start refused or right, and the next reset ends it',
  async ({ name, damage, cuts }) => {
    const run = await openRun(name);
    await run.publish({ seed: 3, count: 400 });
    const verdicts: string[] = [];
    for (const steps of cuts) {
      await countAll(run);
      await damage(run);
      expect(await resetUpTo(run, steps)).toBe(steps);
      verdicts.push(`cut off after ${String(steps)}: ${await startOnRemains(run)}`);
      expect((await reset(run, '--yes')).code).toBe(0);
    }
    expect(
      verdicts.filter((verdict) => !REFUSED.test(verdict.replace(/^.*?: /, '')) && !verdict.endsWith(': right')),
    ).toEqual([]);
    await countAll(run);
  },
);

test('offsets and disk lost beside whole changelogs are no first start: counting on top is refused', async () => {
  const run = await openRun('hollow');
  await run.publish({ seed: 6, count: 400 });
  await countAll(run);
  await admin.deleteGroups([run.applicationId]);
  await rm(join(run.stateDir, run.applicationId), { recursive: true });
  expect(await startOnRemains(run)).toBe('exit 1: OFFSETS_MISSING');
  expect((await reset(run, '--yes')).code).toBe(0);
  await countAll(run);
});

test(
  'an input topic that was made anew is not read on as if for the first time: refused, and ' +
    'counted alone after a reset',
  async () => {
    const run = await openRun('recreated');
    await run.publish({ seed: 7, count: 400 });
    await countAll(run);
    await admin.deleteTopics({ topics: [run.input] });
    await broker.createTopics({ topic: run.input, partitions: 4 });
    await run.publish({ seed: 8, count: 600 });
    expect(await startOnRemains(run)).toBe('exit 1: SOURCE_TOPIC_RECREATED');
    expect((await reset(run, '--yes')).code).toBe(0);
    await countAll(run);
  },
);

test('topics of another application, and of an older version, stay and are named', async () => {
  const run = await openRun('one');
  const foreign = ['one-more-counts-changelog', 'one-old-repartition', 'onerous-counts-changelog'];
  await broker.createTopics(...foreign);
  await mkdir(join(run.stateDir, 'one', 'notes'), { recursive: true });
  await run.publish({ seed: 4, count: 100 });
  await countAll(run);
  const done = await reset(run, '--yes');
  expect(done.code).toBe(0);
  expect(done.output).toMatch(/ {2}one-more-counts-changelog: it is named like[^\n]*\n {2}one-old-repartition: /);
  expect(done.output).not.toContain('onerous');
  expect(await admin.listTopics()).toEqual(expect.arrayContaining([...foreign, run.input, run.deadLetterTopic]));
  expect(await readdir(join(run.stateDir, 'one'))).toContain('notes');
});

test('a broker that is away is one line, and nothing on disk is touched', async () => {
  const run = await openRun('away');
  await run.publish({ seed: 5, count: 100 });
  await countAll(run);
  const { code, errors } = await runTool(RESET, ['--yes'], { ...run.env, KAFKA_BROKERS: '127.0.0.1:9' });
  expect([code, errors.split('\n').length]).toEqual([1, 2]);
  expect(errors).toMatch(/^Kafka at 127\.0\.0\.1:9 does not answer: /);
  expect((await localState(run)).length).toBeGreaterThan(0);
});
