/** An earlier version of the runtime and this one: on one disk one after the other, and side by side in one group. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { decodeWindowKey, isRuntimeRow } from '@tributary/streams';
import { changelogTopic } from '@tributary/streams/operations';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { publishOnce } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';
import { installInto, installPackages } from './installed-packages.ts';

type Version = 'earlier' | 'this';

const FOLDER = join(projectRoot, 'tests', 'packages');
const PARTITIONS = 4;
const WORDS = Array.from({ length: 40 }, (_, n) => `word-${String(n)}`);
/** The end of the line of a process that has its tasks. */
const RUNNING = '"text":"RUNNING"}';
const MINUTE_MS = 60_000;
const FIRST_MS = Date.UTC(2026, 0, 1);

let broker: TestBroker;
let root: string;
let remove: () => Promise<void>;
const folders = { earlier: '', this: '' };
const running: Application[] = [];

/** One process, and what it has said. */
interface Application {
  readonly name: string;
  readonly process: ChildProcess;
  readonly lines: string[];
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-mixed-'));
  const installed = await installPackages(join(FOLDER, 'mixed'));
  remove = installed.remove;
  folders.this = installed.root;
  folders.earlier = join(root, 'earlier');
  await mkdir(folders.earlier);
  await cp(join(FOLDER, 'mixed'), folders.earlier, { recursive: true });
  const [tarball = ''] = (await readdir(join(FOLDER, 'earlier'))).filter((name) => name.endsWith('.tgz'));
  await installInto(folders.earlier, [join(FOLDER, 'earlier', tarball)]);
});
beforeAll(async () => {
  broker = await startTestBroker({ heap: '384m' });
});
afterEach(() => {
  for (const { process } of running.splice(0)) process.kill('SIGKILL');
});
afterAll(async () => {
  await broker?.stop();
  await remove?.();
  await rm(root, { recursive: true, force: true });
});

/** What was sent to one application, counted by the test itself. */
class Sent {
  readonly #application: string;
  readonly counts = new Map<string, number>();
  readonly byMinute = new Map<string, number>();
  readonly keysByMinute = new Map<string, number>();
  total = 0;

  constructor(application: string) {
    this.#application = application;
  }

  async send(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      const number = this.total++;
      const word = WORDS[(number * 7) % WORDS.length] as string;
      const key = `key-${String(number % 40)}`;
      const timestampMs = FIRST_MS + Math.floor(number / 1_000) * MINUTE_MS;
      for (const [counts, name] of [
        [this.counts, word],
        [this.byMinute, `${word}@${String(timestampMs)}`],
        [this.keysByMinute, `${key}@${String(timestampMs)}`],
      ] as const)
        counts.set(name, (counts.get(name) ?? 0) + 1);
      return { key, value: word, timestamp: String(timestampMs) };
    });
    await publishOnce(broker.connection, { topic: `${this.#application}-words`, messages });
  }
}

async function sentTo(application: string): Promise<Sent> {
  await broker.createTopics(
    { topic: `${application}-words`, partitions: PARTITIONS },
    { topic: `${application}-out`, partitions: 2 },
  );
  return new Sent(application);
}

function start(application: string, version: Version, stateDir: string): Application {
  const app = spawn(process.execPath, ['application.mjs'], {
    cwd: folders[version],
    env: {
      PATH: process.env['PATH'],
      BROKERS: broker.brokers.join(','),
      APPLICATION: application,
      VERSION: version,
      STATE_DIR: join(root, stateDir),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [app.stdout, app.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(`${new Date().toISOString()} ${line}`));
  app.once('exit', (code, signal) => lines.push(`${new Date().toISOString()} ended: ${String(code ?? signal)}`));
  const started = { name: `${version} on ${stateDir}`, process: app, lines };
  running.push(started);
  return started;
}

/** What each process has said last, for the message of a failure. */
const said = (): string => running.map(({ name, lines }) => `--- ${name}\n${lines.slice(-30).join('\n')}`).join('\n');

/** By SIGTERM only one that runs: the earlier version ends with an error, or never, by a `close()` in its start. */
async function end({ name, process, lines }: Application, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const words = (what: string) => () => `${name} ${what}\n${said()}`;
  if (signal === 'SIGTERM') await until(() => lines.some((line) => line.endsWith(RUNNING)), words('runs'));
  process.kill(signal);
  await until(() => process.exitCode !== null || process.signalCode !== null, words(`ends by ${signal}`));
  if (signal === 'SIGTERM') expect({ name, code: process.exitCode }).toEqual({ name, code: 0 });
}

/** The newest rows of a store's changelog, by key, and by key and window. */
async function rowsOf(application: string, store: string, isWindowed: boolean): Promise<Map<string, number>> {
  const { partitions } = await readTopic(broker.connection, changelogTopic(application, store));
  const rows = new Map<string, number>();
  for (const { key, value } of partitions.flat()) {
    if (key === null || isRuntimeRow(key)) continue;
    let name = String(key);
    if (isWindowed) {
      const window = decodeWindowKey(key);
      name = `${window.key}@${String(window.windowStartMs)}`;
    }
    if (value === null) rows.delete(name);
    else rows.set(name, Number(JSON.parse(String(value))));
  }
  return rows;
}

const sum = (rows: ReadonlyMap<string, number>): number => [...rows.values()].reduce((all, count) => all + count, 0);
const sorted = (rows: ReadonlyMap<string, number>): object => Object.fromEntries([...rows].toSorted());

async function counted(application: string, { total }: Sent): Promise<void> {
  await until(
    async () => {
      for (const [store, isWindowed] of [
        ['counts', false],
        ['by-minute', true],
        ['keys-by-minute', true],
      ] as const)
        if (sum(await rowsOf(application, store, isWindowed).catch(() => new Map())) < total) return false;
      return true;
    },
    () => `${application} has counted all of ${String(total)}\n${said()}`,
  );
}

/** 0 differences: each row of each store is the count that the test has made itself. */
async function expectNoDifference(application: string, sent: Sent): Promise<void> {
  expect(sorted(await rowsOf(application, 'counts', false))).toEqual(sorted(sent.counts));
  expect(sorted(await rowsOf(application, 'by-minute', true))).toEqual(sorted(sent.byMinute));
  expect(sorted(await rowsOf(application, 'keys-by-minute', true))).toEqual(sorted(sent.keysByMinute));
}

/** The versions that have written results behind `offsets`, and where the results end now. */
async function writersSince(application: string, offsets: readonly number[]) {
  const { partitions, ends } = await readTopic(broker.connection, `${application}-out`);
  const records = partitions.flatMap((all, partition) =>
    all.filter(({ offset }) => offset >= (offsets[partition] ?? 0)),
  );
  return { writers: new Set(records.map(({ value }) => String(value).split(' ')[0])), ends };
}

/** Sends until processes of both versions have tasks, as their results show. */
async function sharedBy(application: string, sent: Sent): Promise<void> {
  const { ends } = await writersSince(application, []);
  let seen: ReadonlySet<string | undefined> = new Set();
  await until(
    async () => {
      await sent.send(100);
      seen = (await writersSince(application, ends)).writers;
      return seen.size === 2;
    },
    () => `processes of both versions write results, not ${JSON.stringify([...seen])}\n${said()}`,
  );
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'this version goes on on the disk of the earlier one, ended by %s',
  async (signal) => {
    const application = `disk-${signal.toLowerCase()}`;
    const sent = await sentTo(application);
    const earlier = start(application, 'earlier', application);
    await sent.send(3_000);
    await counted(application, sent);
    const more = sent.send(2_000);
    await end(earlier, signal);
    await more;
    const next = start(application, 'this', application);
    await counted(application, sent);
    await sent.send(1_000);
    await counted(application, sent);
    await end(next, 'SIGTERM');
    await expectNoDifference(application, sent);
  },
);

test('both count in one group, while processes die and come back as the other version', async () => {
  const application = 'one-group';
  const sent = await sentTo(application);
  const apps: { readonly version: Version; readonly disk: string; app: Application }[] = [];
  const add = (version: Version, disk: string): void => {
    apps.push({ version, disk, app: start(application, version, `${application}-${disk}`) });
  };
  add('earlier', 'a');
  await sent.send(2_000);
  await counted(application, sent);
  add('this', 'b');
  add('earlier', 'c');
  for (let round = 0; round < 4; round += 1) {
    await sharedBy(application, sent);
    const [oldest] = apps.splice(0, 1);
    if (oldest === undefined) throw new Error('no process runs');
    const more = sent.send(1_000);
    await end(oldest.app, round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    await more;
    add(oldest.version === 'earlier' ? 'this' : 'earlier', oldest.disk);
    await counted(application, sent);
  }
  for (const { app } of apps) await end(app, 'SIGTERM');
  await expectNoDifference(application, sent);
});
