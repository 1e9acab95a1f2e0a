import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type kafkajs from 'kafkajs';
import type { ConsumerRecord } from '@tributary/streams';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { LoginRun } from '../support/login-run.ts';
import { runTool, type ToolRun } from '../support/tool-run.ts';
import { readTopic } from '../support/topic-reader.ts';
import { ApiKey, startProxiedBroker, type ProxiedBroker } from '../support/wire-proxy.ts';
import { testProducer } from '../support/test-producer.ts';
import { until } from '../support/until.ts';
import { testAdmin } from '../support/test-admin.ts';

const TOOL = 'tools/dead-letters/dead-letters.ts';

let cluster: ProxiedBroker;
let admin: kafkajs.Admin;
let producer: kafkajs.Producer;
const runs: LoginRun[] = [];

beforeAll(async () => {
  cluster = await startProxiedBroker();
  [producer, admin] = await Promise.all([testProducer(cluster.connection), testAdmin(cluster.connection)]);
});
afterEach(async () => {
  for (const run of runs.splice(0)) await run.close();
});
afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  await cluster.stop();
});

async function openRun(name: string): Promise<LoginRun> {
  const run = await LoginRun.open({ connection: cluster.connection, name });
  runs.push(run);
  return run;
}

const tool = (run: LoginRun, ...args: string[]): Promise<ToolRun> => runTool(TOOL, args, run.env);
const inputOf = async (run: LoginRun): Promise<ConsumerRecord[]> =>
  (await readTopic(cluster.connection, run.input)).partitions.flat();

/** Dead letters without a processor: numbered values, as of the first partition of `origin`. */
async function writeDeadLetters(
  run: LoginRun,
  count: number,
  { origin = run.input, first = 0, bytes = 0 }: { origin?: string; first?: number; bytes?: number } = {},
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  await producer.send({
    topic: run.deadLetterTopic,
    messages: numbers.map((number) => ({
      key: `key-${String(number)}`,
      // Nothing packs these.
      value: `letter ${String(number)}${randomBytes(bytes / 2).toString('hex')}`,
      headers: {
        '__streams.errors.exception': 'NOT_JSON',
        '__streams.errors.message': 'no JSON',
        '__streams.errors.topic': origin,
        '__streams.errors.partition': String(number % 4),
        '__streams.errors.offset': String(number),
      },
    })),
  });
}

const valuesOf = (records: readonly ConsumerRecord[]): string[] => records.map(({ value }) => String(value)).sort();
const letters = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `letter ${String(index)}`).sort();

test('a record that could not be read is listed, shown, and sent again as it was, once', async () => {
  const run = await openRun('whole');
  const odd = {
    key: Buffer.from([0, 0, 0, 0]),
    value: Buffer.from('\u001b[31mno JSON'),
    headers: { trace: [Buffer.from('1'), Buffer.from([0, 255])], empty: Buffer.alloc(0) },
    partition: 2,
  };
  await producer.send({
    topic: run.input,
    messages: [odd, { key: null, value: null, partition: 3 }, { key: 'good', value: '{"locale":"CA"}', partition: 1 }],
  });
  await run.start();
  await run.settled();

  const list = await tool(run, 'list');
  expect([list.code, list.errors]).toEqual([0, '']);
  expect(list.output).toMatch(/^DEAD LETTER +ORIGIN +REASON +TIME +BYTES +REDRIVEN\n/);
  expect(list.output).toMatch(/0:\d+ +whole-input-2@0 +NOT_JSON +\d{4}-[^ ]+Z +12 +-\n/);
  expect(list.output).toMatch(/0:\d+ +whole-input-3@0 +NO_VALUE +\d{4}-[^ ]+Z +no value +-\n/);
  expect(list.output).toMatch(/2 dead letters in whole-dlq \(1 NO[^)]*\), 0 of them redriven\n$/);
  const lines = (await tool(run, 'list', '--json', '--reason', 'NOT_JSON')).output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; redrivenAt: string | null });
  expect(lines).toEqual([
    {
      id: expect.stringMatching(/^0:\d$/),
      origin: { topic: run.input, partition: 2, offset: 0 },
      reason: 'NOT_JSON',
      sizeBytes: 12,
      redrivenAt: null,
      time: expect.any(String),
    },
  ]);
  const id = lines[0]?.id as string;

  const shown = await tool(run, 'show', id);
  expect(shown.output).toContain(
    'key         4 bytes: \\u{0}\\u{0}\\u{0}\\u{0}\nheader      trace = 1 bytes: 1\nheader      trace = 2 ' +
      'bytes: \\u{0}\\xff\nheader      empty = 0 bytes: \nvalue       12 bytes: \\u{1b}[31mno JSON\n',
  );
  expect(shown.output).not.toContain('\u001b');

  expect(await tool(run, 'redrive', id, '--dry-run')).toEqual({
    code: 0,
    output: 'This would send 1 dead letters of whole-dlq to whole-input; nothing was sent (--dry-run)\n',
    errors: '',
  });
  expect(await tool(run, 'redrive', id)).toEqual({
    code: 2,
    output: '',
    errors: expect.stringMatching(/^Nothing was sent: there is no terminal to ask on; give --yes/),
  });
  expect(await inputOf(run)).toHaveLength(3);

  expect(await tool(run, 'redrive', id, '--yes')).toEqual({ code: 0, output: 'Redriven: 1\n', errors: '' });
  const again = (await inputOf(run)).filter(({ partition, offset }) => partition === 2 && offset > 0);
  expect(again.map(({ key, value, headerList }) => ({ key, value, headerList }))).toEqual([
    {
      key: odd.key,
      value: odd.value,
      headerList: [
        ['trace', Buffer.from('1')],
        ['trace', Buffer.from([0, 255])],
        ['empty', Buffer.alloc(0)],
      ],
    },
  ]);
  expect(await tool(run, 'redrive', id, '--yes')).toEqual({
    code: 0,
    output: '1 were redriven before and are not sent again\nNothing to redrive\n',
    errors: '',
  });

  // It still is no JSON: a dead letter of its own, which may be redriven in its turn.
  const { expected, found, deadLetterProblems } = await run.outcome();
  expect([found, deadLetterProblems]).toEqual([expected, []]);
  const listed = (await tool(run, 'list')).output;
  expect(listed).toMatch(new RegExp(`${id} +whole-input-2@0 +NOT_JSON +[^ ]+ +12 +\\d{4}-[^ ]+Z\n`));
  expect(listed).toMatch(/whole-input-2@1 +NOT_JSON +[^ ]+ +12 +-\n/);
  expect(listed).toMatch(/3 dead letters in whole-dlq \(2 NOT_JSON, 1 NO_VALUE\), 1 of them redriven\n$/);
  expect((await tool(run, 'redrive', '--all', '--yes')).output).toBe(
    '1 were redriven before and are not sent again\nRedriven: 2\n',
  );
});

describe('each at most once', () => {
  /** Starts a redrive of everything; it dies when told to. */
  function startRedrive(run: LoginRun): { kill: () => Promise<void> } {
    const child = spawn(process.execPath, [join(projectRoot, TOOL), 'redrive', '--all', '--yes'], {
      cwd: projectRoot,
      env: { ...childEnvironment(), ...run.env },
      stdio: 'ignore',
    });
    return {
      kill: async () => {
        const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
        child.kill('SIGKILL');
        await exited;
      },
    };
  }

  test.each([
    ['before its commit', 'request', 'discard', 'Redriven: 300\n'],
    [
      'when its commit is on its way',
      'request',
      'release',
      /^200 were redriven before and are not sent again\nRedriven: 100\n$/,
    ],
    [
      'after its commit, which it never heard of',
      'response',
      'discard',
      /^200 were redriven before and are not sent again\nRedriven: 100\n$/,
    ],
  ] as const)('killed %s', async (when, direction, fate, output) => {
    const run = await openRun(`killed-${when.replaceAll(/\W/g, '-')}`);
    await broker().createTopics(run.deadLetterTopic);
    await writeDeadLetters(run, 300);
    const held = cluster.proxy.hold({
      direction,
      apiKey: ApiKey.EndTxn,
      when: ({ clientId }) => clientId.endsWith('-redrive'),
      times: 1,
    });
    const redrive = startRedrive(run);
    await held.reached(1);
    await redrive.kill();
    held[fate]();
    if (fate === 'release') await until(async () => (await inputOf(run)).length === 200, 'the commit arrives');
    const next = await tool(run, 'redrive', '--all', '--yes');
    expect([next.code, next.errors]).toEqual([0, '']);
    expect(next.output).toMatch(output);
    expect(valuesOf(await inputOf(run))).toEqual(letters(300));
  });

  test('killed with the nth batch on its way, over and over', async () => {
    const run = await openRun('killed-often');
    await broker().createTopics({ topic: run.deadLetterTopic, partitions: 2 });
    await writeDeadLetters(run, 3_000);
    // One batch a transaction, and fifteen batches in all: 0, 1, 2, 3 and 4 of them are committed before it dies.
    for (let round = 0; round < 5; round += 1) {
      const batch = cluster.proxy.hold({
        direction: 'request',
        apiKey: ApiKey.Produce,
        when: ({ clientId }) => clientId.endsWith('-redrive') && (seen += 1) > round,
        times: 1,
      });
      let seen = 0;
      const redrive = startRedrive(run);
      await batch.reached(1);
      await redrive.kill();
      batch.release();
    }
    expect((await tool(run, 'redrive', '--all', '--yes')).code).toBe(0);
    expect(valuesOf(await inputOf(run))).toEqual(letters(3_000));
  });

  test('two at the same time: the later one goes on, the earlier one says so', async () => {
    const run = await openRun('two');
    await broker().createTopics(run.deadLetterTopic);
    await writeDeadLetters(run, 1_000);
    const held = cluster.proxy.hold({
      direction: 'request',
      apiKey: ApiKey.EndTxn,
      when: ({ clientId }) => clientId.endsWith('-redrive'),
      times: 1,
    });
    const first = tool(run, 'redrive', '--all', '--yes');
    await held.reached(1);
    const second = await tool(run, 'redrive', '--all', '--yes');
    held.release();
    expect([second.code, second.output]).toEqual([0, 'Redriven: 1000\n']);
    expect(await first).toEqual({
      code: 1,
      output: '',
      errors: 'another redrive of these dead letters has begun and goes on in place of this one\n',
    });
    expect(valuesOf(await inputOf(run))).toEqual(letters(1_000));
  });

  test('a dead-letter topic made anew has new dead letters at old offsets: none counts as redriven', async () => {
    const run = await openRun('anew');
    await broker().createTopics(run.deadLetterTopic);
    await writeDeadLetters(run, 3);
    expect((await tool(run, 'redrive', '--all', '--yes')).output).toBe('Redriven: 3\n');
    await admin.deleteTopics({ topics: [run.deadLetterTopic] });
    await broker().createTopics(run.deadLetterTopic);
    await writeDeadLetters(run, 3, { first: 3 });
    expect((await tool(run, 'redrive', '--all', '--yes')).output).toBe('Redriven: 3\n');
    expect(valuesOf(await inputOf(run))).toEqual(letters(6));
  });
});

const broker = (): ProxiedBroker['broker'] => cluster.broker;

describe('what is not sent', () => {
  test('dead letters of another topic, and records that are none', async () => {
    const run = await openRun('foreign');
    await broker().createTopics(run.deadLetterTopic);
    await writeDeadLetters(run, 2);
    await writeDeadLetters(run, 1, { origin: 'somebody-elses', first: 2 });
    await producer.send({ topic: run.deadLetterTopic, messages: [{ value: 'no headers' }] });

    expect(await tool(run, 'redrive', '0:0', '0:2', '--yes')).toEqual({
      code: 1,
      output: '',
      errors: 'not of foreign-input: 0:2 (somebody-elses-2@2); nothing was sent\n',
    });
    expect(await tool(run, 'redrive', '0:0', '0:9', '--yes')).toEqual({
      code: 1,
      output: '',
      errors: 'foreign-dlq has no dead letter 0:9; nothing was sent\n',
    });
    expect(await inputOf(run)).toHaveLength(0);
    const all = await tool(run, 'redrive', '--all', '--yes');
    expect([all.code, all.output]).toEqual([
      0,
      '2 are not of foreign-input and are left alone: 0:2 (somebody-elses-2@2), 0:3 (unknown)\nRedriven: 2\n',
    ]);
    expect(valuesOf(await inputOf(run))).toEqual(letters(2));
  });

  test('what the input topic does not take: the rest is', async () => {
    const run = await openRun('large');
    await broker().createTopics(run.deadLetterTopic);
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: run.input, configEntries: [{ name: 'max.message.bytes', value: '20000' }] }],
    });
    await writeDeadLetters(run, 1);
    await writeDeadLetters(run, 1, { first: 1, bytes: 60_000 });
    await writeDeadLetters(run, 1, { first: 2 });
    const { code, output, errors } = await tool(run, 'redrive', '--all', '--yes');
    expect([code, output, errors]).toEqual([
      1,
      'Redriven: 2\n',
      'Too large for large-input, and not sent: 0:1. Raise its max.message.bytes\n',
    ]);
    expect(valuesOf(await inputOf(run))).toEqual(['letter 0', 'letter 2']);
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: run.input, configEntries: [{ name: 'max.message.bytes', value: '100000' }] }],
    });
    expect((await tool(run, 'redrive', '--all', '--yes')).output).toBe(
      '2 were redriven before and are not sent again\nRedriven: 1\n',
    );
  });
});

describe('what cannot be done is one line', () => {
  test('no dead-letter topic, no such dead letter, no broker, a wrong word', async () => {
    const run = await openRun('lines');
    expect(await tool(run, 'list')).toEqual({ code: 1, output: '', errors: 'the topic lines-dlq does not exist\n' });
    await broker().createTopics(run.deadLetterTopic);
    expect(await tool(run, 'list')).toEqual({ code: 0, output: 'lines-dlq has no such dead letter\n', errors: '' });
    expect((await tool(run, 'show', '0:5')).errors).toBe(
      'lines-dlq has no dead letter 0:5: npm run dead-letters -- list shows those that there are\n',
    );
    const away = await runTool(TOOL, ['list'], { ...run.env, KAFKA_BROKERS: '127.0.0.1:9' });
    expect([away.code, away.errors]).toEqual([
      1,
      expect.stringMatching(/^Kafka at 127\.0\.0\.1:9 does not answer: .*\n$/),
    ]);
    const wrong = await tool(run, 'redrive', '--everything');
    expect([wrong.code, wrong.errors]).toEqual([2, expect.stringMatching(/^Unknown option '--everything'\nUsage: /)]);
  });

  test('of thousands the newest are shown, and how many there are', async () => {
    const run = await openRun('many');
    await broker().createTopics(run.deadLetterTopic);
    await writeDeadLetters(run, 1_500);
    const { output } = await tool(run, 'list');
    expect(output.trimEnd().split('\n')).toHaveLength(102);
    expect(output).toMatch(
      /\n0:1499 [^\n]*\n1500 dead letters in many-dlq \(1500 NOT_JSON\), 0 of them redriven; .* 100 .*\(--limit\)\n$/,
    );
    // More than a pipe holds at once.
    const all = (await tool(run, 'list', '--json', '--limit', '2000')).output.trimEnd().split('\n');
    expect([all.length, (JSON.parse(all.at(-1) as string) as { id: string }).id]).toEqual([1_500, '0:1499']);
  });
});
