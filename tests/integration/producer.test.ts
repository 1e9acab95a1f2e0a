import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { KafkaCluster, RecordFetcher } from '@tributary/streams/operations';
import { loginGenerator } from '../../tools/producer/login-generator.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { testPort } from '../support/test-port.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { expectWithin } from '../support/speed.ts';
import { until, stays } from '../support/until.ts';

const PARTITIONS = 4;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Published {
  readonly key: string;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly partition: number;
}

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

let broker: TestBroker;
const runs: Run[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.stop());
afterEach(async () => {
  for (const { child, exited } of runs.splice(0)) {
    child.kill('SIGKILL');
    await exited;
  }
});

function produce(topic: string, flags: string, env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'tools/producer/producer.ts'), ...flags.split(' ').filter(Boolean)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...childEnvironment(),
        KAFKA_BROKERS: broker.brokers.join(','),
        INPUT_TOPIC: topic,
        LOG_FORMAT: 'json',
        ...env,
      },
    },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const run = {
    child,
    output: () => text,
    exited: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
  runs.push(run);
  return run;
}

/** All that is in a topic now. */
async function readAll(topic: string): Promise<Published[]> {
  const cluster = new KafkaCluster(broker.connection, quiet);
  await cluster.track([topic]);
  const fetcher = new RecordFetcher(cluster, quiet);
  const published: Published[] = [];
  let open = 0;
  try {
    const ends = new Map<number, number>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { end } = await cluster.offsetRange(topic, partition, 1);
      if (end === 0) continue;
      ends.set(partition, end);
      open += 1;
      fetcher.seek(topic, partition, 0);
    }
    while (open > 0) {
      for (const { partition, records, nextOffset } of await fetcher.take(1_000)) {
        for (const { key, value, timestampMs } of records)
          published.push({ key: String(key), value: value?.toString('latin1') ?? null, timestampMs, partition });
        if (nextOffset < (ends.get(partition) ?? 0)) continue;
        if (ends.delete(partition)) open -= 1;
      }
    }
    return published;
  } finally {
    await fetcher.close();
    await cluster.disconnect();
  }
}

/** What the producer is to publish with this seed, by key. */
function expected(
  count: number,
  options: { seed: number; dirtyShare?: number; eventTimeMs: (nth: number) => number },
): Map<string, string | null> {
  const next = loginGenerator(options);
  return new Map(
    Array.from({ length: count }, (_, nth) => {
      const { key, value } = next(options.eventTimeMs(nth));
      return [key, value?.toString('latin1') ?? null];
    }),
  );
}

const byKey = (published: readonly Published[]) => new Map(published.map(({ key, value }) => [key, value]));

const untilOutput = (run: Run, text: string): Promise<void> =>
  until(
    () => run.output().includes(text),
    () => `it says "${text}":\n${run.output()}`,
  );

/** So much is in the topic, while more is on its way. */
async function untilPublished(topic: string, atLeast: number): Promise<void> {
  const cluster = new KafkaCluster(broker.connection, quiet);
  try {
    await cluster.track([topic]);
    const published = async (): Promise<number> =>
      (
        await Promise.all(
          Array.from({ length: PARTITIONS }, (_, partition) => cluster.offsetRange(topic, partition, 1)),
        )
      ).reduce((sum, { end }) => sum + end, 0);
    await until(async () => (await published()) >= atLeast, `${String(atLeast)} logins are published`);
  } finally {
    await cluster.disconnect();
  }
}

test(
  '20,000 logins, dirty ones among them: each once, byte for byte those of the seed, over all partitions, timed ' +
    'by the wall clock',
  async () => {
    await broker.createTopics({ topic: 'counted', partitions: PARTITIONS });
    const beforeMs = Date.now();
    const run = produce(
      'counted',
      '--count 20000 --seed 42 --dirty 0.3 --from 2024-07-10T02:00:00Z --to 2024-07-10T04:00:00Z',
    );
    expect([await run.exited, run.output()]).toEqual([0, expect.stringContaining('published 20000 logins')]);

    const published = await readAll('counted');
    expect(published).toHaveLength(20_000);
    const fromMs = Date.UTC(2024, 6, 10, 2);
    expect(byKey(published)).toEqual(
      expected(20_000, { seed: 42, dirtyShare: 0.3, eventTimeMs: (nth) => fromMs + nth * 360 }),
    );
    for (const { timestampMs } of published)
      if (timestampMs < beforeMs || timestampMs > Date.now()) throw new Error(`a record of ${timestampMs}`);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      expect(Math.abs(published.filter((record) => record.partition === partition).length - 5_000)).toBeLessThan(400);
    }
  },
);

// That publishing follows the rate alone is held by tools/producer/pace.test.ts.
test('event time follows the rate and the speed', async () => {
  await broker.createTopics({ topic: 'replayed', partitions: PARTITIONS });
  const run = produce('replayed', '--count 200 --rate 100 --speed 60 --seed 1 --from 2024-07-10T02:00:00Z');
  expect(await run.exited).toBe(0);
  const fromMs = Date.UTC(2024, 6, 10, 2);
  expect(byKey(await readAll('replayed'))).toEqual(
    expected(200, { seed: 1, eventTimeMs: (nth) => fromMs + nth * 600 }),
  );
});

test('a topic that is not there yet is waited for, and never created', async () => {
  const run = produce('later', '--count 100 --seed 3');
  await untilOutput(run, 'waiting for the topic later: the processor creates it at its first start');
  // It looks again every second.
  await stays(() => run.output().match(/waiting for/g)?.length === 1, 'it says so once', 1_500);
  await broker.createTopics({ topic: 'later', partitions: PARTITIONS });
  expect(await run.exited).toBe(0);
  expect(await readAll('later')).toHaveLength(100);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s: what is on its way arrives, and it ends with 0', async (signal) => {
  const topic = `stopped-${signal}`;
  await broker.createTopics({ topic, partitions: PARTITIONS });
  const startedMs = Date.now();
  const run = produce(topic, '', { PRODUCER_RATE: '500' });
  await untilPublished(topic, 101);
  run.child.kill(signal);
  run.child.kill(signal);
  expect(await run.exited).toBe(0);
  const published = Number(/published (\d+) logins/.exec(run.output())?.[1]);
  expect(published).toBeGreaterThan(100);
  const records = await readAll(topic);
  expect(records).toHaveLength(published);
  // Live logins carry the time at which they are made.
  const times = records.map(({ value }) => (JSON.parse(value as string) as { timestamp: number }).timestamp * 1_000);
  expect(times.filter((time) => time < startedMs - 1_000 || time > Date.now())).toEqual([]);
});

test('a broker killed on the way and back again: each login once', async () => {
  await broker.createTopics({ topic: 'killed', partitions: PARTITIONS });
  const run = produce('killed', '--count 6000 --rate 2000 --seed 9 --from 2024-07-10T02:00:00Z');
  await untilPublished('killed', 500);
  await broker.kill();
  await untilOutput(run, 'waiting for Kafka at');
  await broker.restart();
  expect(await run.exited).toBe(0);
  const published = await readAll('killed');
  expect(published).toHaveLength(6_000);
  expect(byKey(published)).toEqual(
    expected(6_000, { seed: 9, eventTimeMs: (nth) => Date.UTC(2024, 6, 10, 2) + nth * 0.5 }),
  );
});

describe('what needs no broker', () => {
  test('a broker that is not there is waited for, and a signal ends the wait at once', async () => {
    const run = produce('any', '', { KAFKA_BROKERS: `127.0.0.1:${await testPort()}` });
    await untilOutput(run, 'waiting for Kafka at 127.0.0.1:');
    const startedMs = Date.now();
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expectWithin(Date.now() - startedMs, 3_000);
  });

  test('a name that does not resolve ends it', async () => {
    const run = produce('any', '', { KAFKA_BROKERS: 'no-such-host.invalid:9092' });
    expect([await run.exited, run.output()]).toEqual([
      1,
      expect.stringContaining('KAFKA_BROKERS no-such-host.invalid:9092: the name does not resolve'),
    ]);
  });

  test('an unknown flag is one line, the usage, and exit code 2', async () => {
    const run = produce('any', '--cout 5');
    expect([await run.exited, run.output()]).toEqual([
      2,
      expect.stringMatching(/^--cout is no flag of the producer\nUsage: /),
    ]);
  });

  test('a bad environment is one line and exit code 2', async () => {
    const run = produce('any', '', { PRODUCER_RATE: 'fast' });
    expect([await run.exited, run.output()]).toEqual([
      2,
      expect.stringMatching(/^PRODUCER_RATE="fast" cannot be used[^\n]*\n$/),
    ]);
  });

  test('a rate of 0 says so and ends with 0', async () => {
    const run = produce('any', '', { PRODUCER_RATE: '0' });
    expect([await run.exited, run.output()]).toEqual([
      0,
      expect.stringContaining('PRODUCER_RATE is 0: no synthetic logins'),
    ]);
  });
});
