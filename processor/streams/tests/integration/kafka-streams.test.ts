import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  KafkaStreams,
  type FailedOutput,
  type FailedRecord,
  type RestoreEvent,
  type StreamsError,
  type Topology,
} from '@tributary/streams';
import { committedOffsets } from '../../../../tests/support/group-progress.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { found, stays, until } from '../../../../tests/support/until.ts';
import { ASKED_TOPICS, COUNTS, OLD_MS, OLD_WORD, topology } from '../support/queried-topology.ts';

/*
 * What an application asks of a running KafkaStreams: decisions about failures, a pause, rows of its stores and where
 * they are. Functions and stores are on different sides of a thread.
 */

const APPLICATION = 'asked';
/** As many as two instances have threads. */
const PARTITIONS = 4;
const { input: INPUT, output: OUTPUT, letters: LETTERS } = ASKED_TOPICS;
const BY_MODULE = {
  topologyModule: new URL('../support/queried-topology.ts', import.meta.url),
  topologyOptions: ASKED_TOPICS,
};
const WORDS = Array.from({ length: 40 }, (_, index) => `word-${String(index)}`);
const FAILING = ['bad-skip', 'bad-letter', 'unwritable-skip', 'unwritable-letter', 'ahead-skip', 'ahead-letter'];
const PUBLISHED = FAILING.length + WORDS.length;

let broker: SharedBroker;
let directory: string;
const running: KafkaStreams[] = [];
const asked: [string, FailedRecord | FailedOutput | undefined][] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  directory = await mkdtemp(join(tmpdir(), 'tributary-asked-'));
  await broker.createTopics({ topic: INPUT, partitions: PARTITIONS }, { topic: OUTPUT, partitions: 1 }, LETTERS);
});
afterAll(async () => {
  for (const streams of running.splice(0)) await streams.close();
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

function instance(declared: typeof BY_MODULE | { readonly topology: Topology }): KafkaStreams {
  const decide = (error: StreamsError, record: FailedRecord | FailedOutput | undefined): 'skip' | 'dead-letter' => {
    const source = record !== undefined && 'source' in record ? record.source : record;
    asked.push([`${error.code} ${(error.cause as Error | undefined)?.name ?? ''} ${String(source?.value)}`, record]);
    return String(source?.value).endsWith('skip') ? 'skip' : 'dead-letter';
  };
  const streams = new KafkaStreams({
    ...declared,
    connection: broker.connection,
    config: {
      applicationId: APPLICATION,
      stateDir: directory,
      numStreamThreads: 2,
      numStandbyReplicas: 1,
      statusIntervalMs: 100,
    },
    logger: quietLogger,
    onProcessingError: decide,
    onProductionError: decide,
  });
  running.push(streams);
  return streams;
}

const publish = (...words: readonly string[]): Promise<void> =>
  publishOnce(broker.connection, {
    topic: INPUT,
    messages: words.map((value) => ({ key: value, value })),
  });
const committed = async (applicationId = APPLICATION, input: string = INPUT): Promise<number> => {
  const offsets = await committedOffsets(broker.connection, applicationId);
  return Array.from({ length: PARTITIONS }).reduce<number>(
    (sum, _, partition) => sum + (offsets.get(`${input}-${String(partition)}`) ?? 0),
    0,
  );
};
const rowsOf = async (streams: KafkaStreams, staleStores: boolean): Promise<Map<string, number>> => {
  const rows = new Map<string, number>();
  for await (const [word, count] of streams.store<number>(COUNTS, { staleStores }).all()) rows.set(word, count);
  return rows;
};
/** Its threads have heard all that they were told: they hear and answer in the order in which they are asked. */
const heard = async (streams: KafkaStreams): Promise<unknown> => rowsOf(streams, true);

test('RUNNING is told when it is so, however seldom threads report', async () => {
  const seldom = 3_600_000;
  const streams = new KafkaStreams({
    ...BY_MODULE,
    connection: broker.connection,
    config: {
      applicationId: 'reports-seldom',
      stateDir: directory,
      numStreamThreads: 2,
      statusIntervalMs: seldom,
      threadHangTimeoutMs: 2 * seldom,
    },
    logger: quietLogger,
  });
  try {
    await streams.start();
    await until(() => streams.state === 'RUNNING', 'it runs');
    expect(new Set(streams.status().tasks.map(({ state }) => state))).toEqual(new Set(['RUNNING']));
  } finally {
    await streams.close();
  }
});

test('a pause holds for what arrives while a thread waits for records', async () => {
  const topics = { input: 'paused-words', output: 'paused-counts', letters: 'paused-letters' };
  await broker.createTopics(
    { topic: topics.input, partitions: PARTITIONS },
    { topic: topics.output, partitions: 1 },
    topics.letters,
  );
  const applicationId = 'paused-while-idle';
  const streams = new KafkaStreams({
    topologyModule: BY_MODULE.topologyModule,
    topologyOptions: topics,
    connection: broker.connection,
    config: { applicationId, stateDir: directory, numStreamThreads: 2, statusIntervalMs: 100 },
    logger: quietLogger,
  });
  try {
    await streams.start();
    await until(() => streams.state === 'RUNNING', 'it runs');
    const messages = WORDS.map((value) => ({ key: value, value }));
    for (let round = 1; round <= 3; round++) {
      streams.pause();
      await heard(streams);
      await publishOnce(broker.connection, { topic: topics.input, messages });
      const before = (round - 1) * messages.length;
      await stays(async () => (await committed(applicationId, topics.input)) === before, 'nothing is processed');
      streams.resume();
      await until(async () => (await committed(applicationId, topics.input)) === before + messages.length, 'all is');
    }
  } finally {
    await streams.close();
  }
});

test('handlers decide, a pause holds, and committed rows are read where they are', async () => {
  const first = instance(BY_MODULE);
  expect(() => first.store(COUNTS)).toThrow(expect.objectContaining({ code: 'STORE_NOT_HERE' }));
  // Before the start, too.
  first.pause();
  await first.start();
  await publish(...FAILING, ...WORDS);
  await until(() => first.state === 'RUNNING', 'it runs');
  await until(() => first.status().tasks.reduce((sum, { lag }) => sum + lag, 0) === PUBLISHED, 'what waits is told');
  await stays(async () => (await committed()) === 0 && first.state === 'RUNNING', 'nothing is processed');
  expect([first.isPaused, first.status().paused]).toEqual([true, true]);

  first.resume();
  await until(async () => (await committed()) === PUBLISHED, 'all is processed');
  expect([first.isPaused, first.status().paused]).toEqual([false, undefined]);
  expect(asked.map(([error]) => error).sort()).toEqual([
    'RECORD_TIME_REFUSED  ahead-letter',
    'RECORD_TIME_REFUSED  ahead-skip',
    'USER_CODE_FAILED RangeError bad-letter',
    'USER_CODE_FAILED RangeError bad-skip',
    'USER_CODE_FAILED TypeError unwritable-letter',
    'USER_CODE_FAILED TypeError unwritable-skip',
  ]);
  const places = asked.map(([, record]) => (record !== undefined && 'source' in record ? record.source : record));
  expect(places.map((record) => `${String(record?.topic)} ${String(record?.value)}`).sort()).toEqual(
    [...FAILING].sort().map((word) => `${INPUT} ${word}`),
  );
  const passed = (): number => Object.values(first.dropped()).reduce((sum, count) => sum + count, 0);
  await until(() => passed() >= FAILING.length, 'what was let pass is counted');
  expect(first.dropped()).toEqual({ 'processing-error': 2, 'production-error': 4 });
  const letters = (await readTopic(broker.connection, LETTERS)).partitions.flat();
  expect(letters.map(({ value }) => String(value)).sort()).toEqual(['ahead-letter', 'bad-letter', 'unwritable-letter']);
  const written = (await readTopic(broker.connection, OUTPUT)).partitions.flat();
  expect(written.map(({ value }) => String(value)).sort()).toEqual([...WORDS].sort());
  expect(written.find(({ value }) => String(value) === OLD_WORD)?.timestampMs).toBe(OLD_MS);

  const counted = [...WORDS, ...FAILING.filter((word) => !word.startsWith('bad'))].sort();
  await until(async () => (await rowsOf(first, false)).size === counted.length, 'behind the shuffle, too');
  expect([...(await rowsOf(first, false)).keys()].sort()).toEqual(counted);
  expect(await first.store<number>(COUNTS).get('word-3')).toBe(1);
  const { id } = first.status();
  expect(first.queryMetadata(COUNTS, 'word-3')).toEqual({ partition: expect.any(Number), active: id, standbys: [] });

  const second = instance({ topology });
  const restores: RestoreEvent[] = [];
  second.onRestore((event) => restores.push(event));
  const finished: string[] = [];
  second.onRestore({ finished: ({ store }) => finished.push(store) });
  await second.start();
  await until(() => running.every((streams) => streams.state === 'RUNNING'), 'both run');
  // Each has a part of the rows, and knows of the other's.
  const [one, other] = await found(async (): Promise<[Map<string, number>, Map<string, number>] | undefined> => {
    const [some, others] = await Promise.all([rowsOf(first, false), rowsOf(second, false)]);
    return some.size > 0 && others.size > 0 && some.size + others.size === counted.length ? [some, others] : undefined;
  }, 'the rows are shared');
  const [[here], [there]] = [one.keys(), other.keys()].map((words) => [...words]) as [string[], string[]];
  await expect(first.store(COUNTS).get(there as string)).rejects.toMatchObject({
    code: 'STORE_NOT_HERE',
    message: expect.stringContaining(`the instance ${second.status().id} has it`),
  });
  for (const { id: taskId } of second.status().tasks.filter(({ role }) => role === 'ACTIVE'))
    expect(restores.filter((event) => event.taskId === taskId).map(({ kind, store }) => `${kind} ${store}`)).toEqual(
      expect.arrayContaining([`started ${COUNTS}`, `finished ${COUNTS}`]),
    );
  expect(new Set(finished)).toEqual(new Set([COUNTS]));
  expect(first.metrics().find(({ name }) => name === 'tributary_task_state')?.values.length).toBeGreaterThan(0);
  for (const streams of running) {
    expect(streams.queryMetadata(COUNTS, there)).toEqual({
      partition: expect.any(Number),
      active: second.status().id,
      standbys: [id],
    });
    expect(await found(() => streams.store<number>(COUNTS, { staleStores: true }).get(here as string), 'copied')).toBe(
      1,
    );
  }
  // It has a copy, and nobody has asked for one.
  await expect(second.store(COUNTS).get(here as string)).rejects.toMatchObject({ code: 'STORE_NOT_HERE' });

  // One that stands still stays a member, through a rebalance, and has its rows.
  second.pause();
  await heard(second);
  await first.close();
  await publish(...WORDS);
  await until(
    async () => (await rowsOf(second, false).catch(() => new Map())).size === counted.length,
    'all is its own',
  );
  await stays(async () => (await committed()) === PUBLISHED, 'nothing is processed');
  second.resume();
  await until(async () => (await second.store(COUNTS).get('word-3')) === 2, 'it goes on');
});
