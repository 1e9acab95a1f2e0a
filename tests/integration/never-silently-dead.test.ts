import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type ConsumerRecord, KafkaStreams, type Logger } from '@tributary/streams';
import { createKafka } from '@tributary/streams/operations';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { publishOnce } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';

const TOPIC = 'words';
let broker: SharedBroker;
let directory: string;
/** What a test that fails would leave running: closed twice is closed. */
const started: KafkaStreams[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  await broker.createTopics({ topic: TOPIC, partitions: 2 });
  directory = await mkdtemp(join(tmpdir(), 'tributary-hang-'));
});
afterEach(async () => {
  for (const streams of started.splice(0)) await streams.close();
});
afterAll(async () => {
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

test('a thread that hangs in user code is found out and replaced, and every record is counted once', async () => {
  const errors: string[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_fields, message) => errors.push(message),
  };
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/hanging-topology.ts', import.meta.url),
    topologyOptions: { topic: TOPIC, marker: join(directory, 'hung-once') },
    connection: broker.connection,
    config: { applicationId: 'hang', stateDir: directory, threadHangTimeoutMs: 4_000, sessionTimeoutMs: 6_000 },
    logger,
  });
  started.push(streams);
  await streams.start();
  const words = Array.from({ length: 200 }, (_, nth) => ({ key: String(nth), value: nth === 100 ? 'hang' : 'word' }));
  await publishOnce(broker.connection, { topic: TOPIC, messages: words });

  const counts = await countsOf({ streams, errors }, 'hang', 200);
  expect(errors.join()).toContain('it hangs in user code');
  expect(counts).toEqual(
    new Map([
      ['word', 199],
      ['hang', 1],
    ]),
  );
  await streams.close();
  expect(streams.state).toBe('NOT_RUNNING');
});

const HANGS = { threadHangTimeoutMs: 4_000, sessionTimeoutMs: 6_000 };
/** The place of the record in the message of an error. */
const PLACE = (topic: string): RegExp => new RegExp(`${topic}-[01] offset \\d+`);

async function startHanging(
  applicationId: string,
  deadLetterTopic?: string,
): Promise<{ streams: KafkaStreams; errors: string[] }> {
  await broker.createTopics({ topic: `${applicationId}-in`, partitions: 2 }, `${applicationId}-dlq`);
  const errors: string[] = [];
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/hanging-topology.ts', import.meta.url),
    topologyOptions: { topic: `${applicationId}-in`, ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }) },
    connection: broker.connection,
    config: { applicationId, stateDir: directory, numStreamThreads: 2, ...HANGS },
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (_fields, message) => errors.push(message),
    },
  });
  started.push(streams);
  await streams.start();
  await publishOnce(broker.connection, {
    topic: `${applicationId}-in`,
    messages: Array.from({ length: 200 }, (_, nth) => ({ key: String(nth), value: nth === 100 ? 'hang' : 'word' })),
  });
  return { streams, errors };
}

test('a record that a decoder never comes back from is dead-lettered after its second try, and named', async () => {
  const { streams, errors } = await startHanging('hang-ever', 'hang-ever-dlq');
  expect(await countsOf({ streams, errors }, 'hang-ever', 199)).toEqual(new Map([['word', 199]]));
  let letters: readonly ConsumerRecord[] = [];
  await until(
    async () => (letters = (await readTopic(broker.connection, 'hang-ever-dlq')).partitions.flat()).length > 0,
    'the dead letter is committed',
  );
  expect(
    letters.map(({ value, headers }) => [
      value?.toString(),
      headers['__streams.errors.exception']?.toString(),
      headers['__streams.errors.topic']?.toString(),
    ]),
  ).toEqual([['hang', 'PROCESSING_HANGS', 'hang-ever-in']]);
  const [named] = errors.filter((message) => message.includes('is dead-lettered without another try'));
  expect(named).toMatch(PLACE('hang-ever-in'));
  await streams.close();
});

test('where it cannot be dead-lettered it ends the application, and is named', async () => {
  const { streams } = await startHanging('hang-fatal');
  await until(() => streams.failure !== undefined, 'the application gives up');
  expect(streams.failure).toMatchObject({
    code: 'USER_CODE_FAILED',
    message: expect.stringMatching(PLACE('hang-fatal-in')),
  });
  await streams.close();
});

/** The newest counts of the changelog, once they add up to `total`. */
async function countsOf(
  { streams, errors }: { readonly streams: KafkaStreams; readonly errors: readonly string[] },
  applicationId: string,
  total: number,
): Promise<Map<string, number>> {
  const consumer = createKafka(broker.connection, {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  }).consumer({ groupId: `${applicationId}-reader` });
  const counts = new Map<string, number>();
  await consumer.connect();
  await consumer.subscribe({ topic: `${applicationId}-counts-changelog`, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      counts.set(String(message.key), Number(message.value));
    },
  });
  await until(
    () => streams.failure !== undefined || [...counts.values()].reduce((a, b) => a + b, 0) >= total,
    () => `all ${String(total)} are counted: ${JSON.stringify([...counts])}; ${streams.state}\n${errors.join('\n')}`,
  );
  await consumer.disconnect();
  return counts;
}
