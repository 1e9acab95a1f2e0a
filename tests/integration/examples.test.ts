/** The programs of the numbered examples on a real broker, as examples/README.md starts them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { postGraphql } from '../support/api-under-test.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { testPort } from '../support/test-port.ts';
import { publishOnce } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';
import { found, until } from '../support/until.ts';

const MINUTE_MS = 60_000;
/** Some hours ago: no broker refuses it. */
const START_MS = Date.now() - 6 * 60 * MINUTE_MS;

let broker: SharedBroker;
let folder: string;
const started: { readonly child: ChildProcess; readonly said: string[] }[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  folder = await mkdtemp(join(tmpdir(), 'tributary-examples-'));
});

afterAll(async () => {
  for (const { child } of started) child.kill('SIGINT');
  await until(() => started.every(({ child }) => child.exitCode !== null), 'the examples end');
  await rm(folder, { recursive: true, force: true });
  await broker.leave();
});

/** Starts an example in a folder of its own, which has its state. */
function start(example: string, flags: Readonly<Record<string, string>>): void {
  const main = join(projectRoot, 'examples', example, 'main.ts');
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { ...childEnvironment(), KAFKA_BROKERS: broker.brokers.join(',') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => said.push(text));
  started.push({ child, said });
}

type Sent = readonly [key: string, value: unknown, minute: number];

async function send(topic: string, partitions: number, ...records: readonly Sent[]): Promise<void> {
  await broker.createTopics({ topic, partitions });
  await publishOnce(broker.connection, {
    topic,
    messages: records.map(([key, value, minute]) => ({
      key,
      value: typeof value === 'string' ? value : JSON.stringify(value),
      timestamp: String(START_MS + minute * MINUTE_MS),
    })),
  });
}

/** The values of a topic, when there are so many of them. */
function received(topic: string, count: number): Promise<string[]> {
  return found(
    async () => {
      const { partitions } = await readTopic(broker.connection, topic);
      const values = partitions.flat().map(({ value }) => value?.toString() ?? '');
      return values.length < count ? undefined : values;
    },
    () => `${topic} has ${String(count)} records: ${started.map(({ said }) => said.join('')).join('\n')}`,
  );
}

test('5. the windows of the chart are rows of the API', async () => {
  const port = await testPort();
  await send('ex-logins', 2, ['', { app_version: '2.3.0', device_type: 'android' }, 0]);
  start('5-live-chart', { input: 'ex-logins', output: 'ex-chart', port: String(port) });
  const query = '{ barsPage(first: 5) { nodes { version logins androids } } }';
  const page = await found(
    async () => {
      const { data } = await postGraphql(`http://127.0.0.1:${String(port)}`, { query });
      const bars = data?.['barsPage'] as { readonly nodes: readonly unknown[] } | undefined;
      return bars === undefined || bars.nodes.length === 0 ? undefined : bars.nodes;
    },
    () => `a bar is served: ${started.map(({ said }) => said.join('')).join('\n')}`,
  );
  expect(page).toEqual([{ version: '2.3.0', logins: 1, androids: 1 }]);
});

test('6. an id passes once in an hour', async () => {
  await send('ex-events', 2, ['a', 'first', 0], ['a', 'again', 59], ['a', 'later', 61], ['b', 'other', 0]);
  start('6-deduplication', { input: 'ex-events', output: 'ex-once' });
  expect((await received('ex-once', 3)).toSorted()).toEqual(['first', 'later', 'other']);
});

test('7. a visit is told when it is over', async () => {
  await send('ex-views', 2, ['ann', { page: '/' }, 0], ['ann', { page: '/cart' }, 20], ['ann', { page: '/' }, 120]);
  start('7-sessions', { input: 'ex-views', output: 'ex-visits' });
  expect((await received('ex-visits', 1)).map((text) => JSON.parse(text) as unknown)).toEqual([
    { startMs: START_MS, lengthMs: 20 * MINUTE_MS, pages: 2, entry: '/', exit: '/cart' },
  ]);
});

test('8. a showing is joined with its click and its user', async () => {
  await send('ex-users', 4, ['ann', { country: 'NL' }, -1]);
  await send('ex-clicks', 4, ['s1', { x: 1, y: 2 }, 1]);
  await send('ex-shown', 4, ['s1', { ad: 'shoes', user: 'ann' }, 0.5]);
  start('8-join', { shown: 'ex-shown', clicks: 'ex-clicks', users: 'ex-users', output: 'ex-outcomes' });
  expect((await received('ex-outcomes', 1)).map((text) => JSON.parse(text) as unknown)).toEqual([
    { ad: 'shoes', clicked: true, country: 'NL' },
  ]);
});
