import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { CompressionCodec, registerKafkajsCodecs } from '../../kafka/compression.ts';
import type { RecordHeaders } from '../../topology/record.ts';
import { DIRTY_KINDS, dirtyOutcome, dirtyValue } from '../../../../tools/producer/dirty-logins.ts';
import { draftLogin } from '../../../../tools/producer/login-generator.ts';
import { seededRandom } from '../../../../tools/producer/seeded-random.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import type { AppProcess } from '../../../../tests/support/app-process.ts';
import { LoginRun } from '../../../../tests/support/login-run.ts';
import { committedNumbers, type LoginNumbers } from '../../../../tests/support/login-results.ts';
import { codeOf, RawKafka } from '../support/raw-kafka.ts';
import { runTool } from '../../../../tests/support/tool-run.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { testProducer } from '../../../../tests/support/test-producer.ts';
import { until } from '../../../../tests/support/until.ts';
import { testAdmin } from '../../../../tests/support/test-admin.ts';

/*
 * Every record becomes a count or a dead letter, exactly one of them, whatever it holds: no record stops a task,
 * restarts a thread, or is skipped.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const GOOD = 10_000;
const EACH_KIND = 3;
const TOPIC = 2;
/** A broker's `message.max.bytes`, by default. */
const LIMIT_BYTES = 1_048_588;
/** Of a batch of one record with neither key nor headers and a value of a megabyte. */
const BATCH_OVERHEAD_BYTES = 61 + 11;
const LARGEST_VALUE_BYTES = LIMIT_BYTES - BATCH_OVERHEAD_BYTES;
const ANY_TIME = { 'message.timestamp.after.max.ms': '9223372036854775807' };

let broker: SharedBroker;
let admin: kafkajs.Admin;
let producer: kafkajs.Producer;
const runs: LoginRun[] = [];

beforeAll(async () => {
  registerKafkajsCodecs();
  broker = await sharedBroker();
  [producer, admin] = await Promise.all([testProducer(broker.connection), testAdmin(broker.connection)]);
});
afterEach(async () => {
  for (const run of runs.splice(0)) await run.close();
});
afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  await broker.leave();
});

async function openRun(name: string): Promise<LoginRun> {
  const run = await LoginRun.open({ connection: broker.connection, name });
  runs.push(run);
  return run;
}

/** Replaces what was configured before. */
async function configure(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: TOPIC, name: topic, configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) },
    ],
  });
}

const send = (
  topic: string,
  messages: kafkajs.Message[],
  compression: number = CompressionCodec.none,
): Promise<unknown> => producer.send({ topic, messages, compression });

/** Without times: a login whose own time cannot stand has the time at which it was processed, which nobody knows. */
function timeless({ states, minutes: _minutes, hours: _hours, ...numbers }: LoginNumbers): object {
  return {
    ...numbers,
    states: Object.fromEntries(
      Object.entries(states).map(([state, { ios, android, other }]) => [state, { ios, android, other }]),
    ),
  };
}

function total(windows: LoginNumbers['minutes']): number {
  return Object.values(windows).reduce((sum, { ios, android, other }) => sum + ios + android + other, 0);
}

/** All numbers are right, and the processor noticed nothing. */
async function expectUndisturbed(run: LoginRun, app: AppProcess, records: number): Promise<LoginNumbers> {
  const { expected, found, late, deadLetterProblems } = await run.outcome();
  expect(deadLetterProblems).toEqual([]);
  expect({ seed, ...timeless(found) }).toEqual({ seed, ...timeless(expected) });
  expect([expected.consumed, found.counted + found.deadLettered]).toEqual([records, records]);
  expect(total(found.minutes) + late).toBe(found.counted);
  expect(app.lines.filter(({ level }) => level !== undefined && level >= 40)).toEqual([]);
  expect(app.running).toBe(true);
  return found;
}

test(`poison of every kind among ${String(GOOD)} good records (seed ${String(seed)})`, async () => {
  const run = await openRun('poison');
  await configure(run.input, ANY_TIME);
  const app = await run.start();
  await run.publish({ seed, count: GOOD / 2, dirtyShare: 0 });
  let records = GOOD;
  const pour = async (...messages: kafkajs.Message[]): Promise<void> => {
    await send(run.input, messages);
    records += messages.length;
  };

  // Every dirty kind, on every partition that chance gives it.
  const random = seededRandom(seed);
  const atMs = Date.now() - 2 * 3_600_000;
  const wanted: Record<string, number> = {};
  for (const kind of DIRTY_KINDS) {
    const values = Array.from({ length: EACH_KIND }, () => dirtyValue(kind, draftLogin(random, atMs), atMs));
    await pour(...values.map((value) => ({ key: random.uuid(), value })));
    const outcome = dirtyOutcome(kind);
    if (outcome !== 'COUNTED') wanted[outcome] = (wanted[outcome] ?? 0) + EACH_KIND;
  }

  // Keys mean nothing, whatever they look like: an abort marker's, for one.
  const login = '{"locale":"CA","device_type":"iOS"}';
  const keys = [
    null,
    Buffer.alloc(0),
    Buffer.alloc(4),
    Buffer.from([0, 0, 0, 1]),
    Buffer.from([0, 0]),
    Buffer.from([0xff, 0xfe]),
    Buffer.alloc(100_000, 'k'),
  ];
  for (const partition of [0, 1, 2, 3]) {
    await pour(...keys.map((key) => ({ key, value: login, partition })));
    await pour(...keys.map((key) => ({ key, value: null, partition })));
    await pour(...keys.map((key) => ({ key, value: 'no JSON', partition })));
  }
  wanted['NO_VALUE'] = (wanted['NO_VALUE'] ?? 0) + 4 * keys.length;
  wanted['NOT_JSON'] = (wanted['NOT_JSON'] ?? 0) + 4 * keys.length;

  // Kafka's own time stands in for a time that a login lacks, unless it is far off itself. Each in a batch of its own.
  const times = [
    -1,
    0,
    1,
    Date.UTC(1999, 11, 31),
    Date.UTC(2100, 0, 1),
    253_402_300_800_000,
    8_640_000_000_000_001,
    Number.MAX_SAFE_INTEGER,
  ];
  for (const [index, time] of times.entries()) {
    const place = { partition: index % 4, timestamp: String(time) };
    await pour(
      { ...place, value: login },
      { ...place, value: 'no JSON' },
      { ...place, value: `{"locale":"TX","timestamp":${String(Math.floor(atMs / 1000))}}` },
    );
  }
  wanted['NOT_JSON'] += times.length;

  await pour({
    key: 'h',
    value: 'no JSON',
    headers: { '': 'no name', a: ['1', '2'], ['__proto__']: 'p', control: Buffer.from([0, 1, 2]) },
  });
  wanted['NOT_JSON'] += 1;

  // What was never committed is not there at all.
  const doomed = await testProducer(broker.connection, { transactionalId: 'doomed' });
  const transaction = await doomed.transaction();
  await transaction.send({
    topic: run.input,
    messages: [0, 1, 2, 3].flatMap((partition) => [
      { partition, key: Buffer.alloc(4), value: login },
      { partition, value: 'no JSON' },
    ]),
  });
  await transaction.abort();
  await doomed.disconnect();

  await run.publish({ seed: seed + 1, count: GOOD / 2, dirtyShare: 0 });
  const found = await expectUndisturbed(run, app, records);
  expect(found.deadLetters).toEqual(wanted);
});

describe('a record as large as the broker takes', () => {
  const padded = (bytes: number): string => {
    const start = '{"locale":"NV","device_type":"android","padding":"';
    return `${start}${'x'.repeat(bytes - start.length - 2)}"}`;
  };

  test('is counted, or dead-lettered although its headers make it larger still', async () => {
    const run = await openRun('large');
    const app = await run.start();
    await run.publish({ seed, count: 100, dirtyShare: 0 });
    await expect(
      send(run.input, [{ value: Buffer.alloc(LARGEST_VALUE_BYTES + 1), partition: 0 }]),
    ).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' });
    for (const partition of [0, 1]) {
      await send(run.input, [{ value: padded(LARGEST_VALUE_BYTES), partition }]);
      // Nothing packs these bytes: the dead letter is larger than what the input topic takes.
      await send(run.input, [
        { value: Buffer.concat([Buffer.from([0xff]), randomBytes(LARGEST_VALUE_BYTES - 1)]), partition },
      ]);
    }
    const found = await expectUndisturbed(run, app, 104);
    expect(found.deadLetters).toEqual({ NOT_UTF8: 2 });
    expect(
      Math.max(
        ...(await readTopic(broker.connection, run.deadLetterTopic)).partitions
          .flat()
          .map(({ value }) => value?.length ?? 0),
      ),
    ).toBe(LARGEST_VALUE_BYTES);
  });

  test('and that its producer had packed to a thousandth of its size', async () => {
    const run = await openRun('packed');
    const app = await run.start();
    const blank = Buffer.alloc(30_000_000, ' ');
    for (const codec of [CompressionCodec.gzip, CompressionCodec.lz4, CompressionCodec.zstd]) {
      await send(run.input, [{ value: blank, partition: 0 }], codec);
      await send(run.input, [{ value: padded(12_000_000), partition: 1 }], codec);
    }
    await run.publish({ seed, count: 100, dirtyShare: 0 });
    const found = await expectUndisturbed(run, app, 106);
    expect(found.deadLetters).toEqual({ NOT_JSON: 3 });
  });

  test('goes into a dead-letter topic that takes less as beginning, size and hash; redriven it is whole', async () => {
    const run = await openRun('narrow');
    await broker.createTopics(run.deadLetterTopic);
    await run.publish({ seed, count: 100, dirtyShare: 0.1 });
    const value = Buffer.concat([Buffer.from([0xff]), randomBytes(LARGEST_VALUE_BYTES - 100)]);
    await send(run.input, [{ key: 'k', value, partition: 0, headers: { h: '1' } }]);
    const app = await run.start();
    await run.settled();
    const letter = (await readTopic(broker.connection, run.deadLetterTopic)).partitions
      .flat()
      .find(({ headers }) => headers['__tributary.cut.value.bytes'] !== undefined);
    expect([letter?.key?.toString(), letter?.value?.equals(value.subarray(0, 16_384)), textsOf(letter)]).toEqual([
      'k',
      true,
      {
        h: '1',
        '__streams.errors.exception': 'NOT_UTF8',
        '__streams.errors.message': expect.any(String),
        '__streams.errors.topic': run.input,
        '__streams.errors.partition': '0',
        '__streams.errors.offset': expect.any(String),
        '__tributary.cut.value.bytes': String(value.length),
        '__tributary.cut.value.sha256': createHash('sha256').update(value).digest('hex'),
      },
    ]);
    expect(app.lines.filter(({ level }) => level !== undefined && level >= 40)).toEqual([]);

    const id = `${String(letter?.partition)}:${String(letter?.offset)}`;
    expect((await runTool('tools/dead-letters/dead-letters.ts', ['redrive', id, '--yes'], run.env)).output).toBe(
      'Redriven: 1\n',
    );
    const redriven = (await readTopic(broker.connection, run.input)).partitions[0]?.at(-1);
    expect([redriven?.key?.toString(), redriven?.value?.equals(value), textsOf(redriven)]).toEqual([
      'k',
      true,
      { h: '1' },
    ]);
  });

  test(
    'and bombs: what unpacks to more than MAX_RECORD_BYTES is dead-lettered in part, whatever packed it, in ' +
      'bounded memory',
    async () => {
      const run = await openRun('bombs');
      const app = await run.start();
      const blank = Buffer.alloc(200_000_000, ' ');
      const json = padded(60_000_000);
      const whole = ['{"locale":"CA"}', padded(100_000)];
      for (const codec of [CompressionCodec.gzip, CompressionCodec.lz4, CompressionCodec.zstd]) {
        await send(
          run.input,
          [
            { value: whole[0] as string, partition: 2 },
            { value: codec === CompressionCodec.lz4 ? json : blank, partition: 2 },
            { value: whole[1] as string, partition: 2 },
          ],
          codec,
        );
        // Many packed batches in one answer.
        for (let batch = 0; batch < 20; batch += 1)
          await send(
            run.input,
            Array.from({ length: 10 }, () => ({ value: padded(500_000), partition: 3 })),
            codec,
          );
      }
      await run.settled();
      const letters = (await readTopic(broker.connection, run.deadLetterTopic)).partitions.flat();
      const cut = (value: Buffer | string): object => ({
        value: Buffer.from(value).subarray(0, 16_384).toString(),
        bytes: String(value.length),
        sha256: createHash('sha256').update(value).digest('hex'),
      });
      expect(
        letters.map(({ value, headers }) => ({
          value: value?.toString(),
          bytes: headers['__tributary.cut.value.bytes']?.toString(),
          sha256: headers['__tributary.cut.value.sha256']?.toString(),
        })),
      ).toEqual([cut(blank), cut(json), cut(blank)]);
      expect(letters.map(({ headers }) => headers['__streams.errors.exception']?.toString())).toEqual(
        Array(3).fill('RECORD_TOO_LARGE_TO_READ'),
      );
      const { deadLettered, counted } = await committedNumbers(broker.connection, run.applicationId);
      expect([counted, deadLettered]).toEqual([606, 3]);
      expect(app.lines.filter(({ level }) => level !== undefined && level >= 40)).toEqual([]);
      expect(await peakMemoryMib(app.pid)).toBeLessThan(1_200);
    },
  );

  test('and that only its own codec packs small enough', async () => {
    const run = await openRun('zstd');
    const app = await run.start();
    // Gzip does not see so far back.
    const values = [900_000, 700_000].map((bytes) =>
      Buffer.concat([Buffer.from([0xff]), ...Array<Buffer>(11).fill(randomBytes(bytes))]),
    );
    for (const value of values) await send(run.input, [{ value, partition: 0 }], CompressionCodec.zstd);
    await run.publish({ seed, count: 100, dirtyShare: 0 });
    const found = await expectUndisturbed(run, app, 102);
    expect(found.deadLetters).toEqual({ NOT_UTF8: 2 });
    expect(
      (await readTopic(broker.connection, run.deadLetterTopic)).partitions.flat().map(({ value }) => value?.length),
    ).toEqual(values.map(({ length }) => length));
  });
});

test('topics that take little are written in batches that they take', async () => {
  const run = await openRun('small-batches');
  const app = await run.start();
  await run.publish({ seed, count: 100, dirtyShare: 0.2 });
  await run.settled();
  const topics = (await admin.listTopics()).filter(
    (topic) => topic.startsWith(`${run.applicationId}-`) && topic !== run.input && topic !== run.deadLetterTopic,
  );
  expect(topics.length).toBeGreaterThan(3);
  for (const topic of [...topics, run.deadLetterTopic]) {
    const isTable = /-(changelog|offsets|status)$/.test(topic);
    await configure(topic, {
      'max.message.bytes': '3000',
      ...(isTable ? { 'cleanup.policy': 'compact' } : { 'cleanup.policy': 'delete', 'retention.ms': '-1' }),
    });
  }
  await run.publish({ seed: seed + 1, count: 20_000, dirtyShare: 0.2 });
  await expectUndisturbed(run, app, 20_100);
});

/** The most that the process has held in memory; 0 where the system does not tell. */
async function peakMemoryMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_024;
}

const textsOf = (record: { readonly headers: RecordHeaders } | undefined): object =>
  Object.fromEntries(Object.entries(record?.headers ?? {}).map(([name, value]) => [name, value.toString()]));

describe('compressed records', () => {
  const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

  test('packed by a client or by Kafka itself, with any codec, are all read', async () => {
    const run = await openRun('codecs');
    await broker.createTopics('codecs-probe');
    const app = await run.start();
    const raw = await RawKafka.open(broker.connection);
    try {
      const random = seededRandom(seed);
      const atMs = Date.now() - 3_600_000;
      const batch = (): kafkajs.Message[] =>
        Array.from({ length: 500 }, (_, index) => ({
          partition: 0,
          key: random.uuid(),
          value: index % 50 === 0 ? 'no JSON' : JSON.stringify(draftLogin(random, atMs)),
        }));
      const packing = async (topic = run.input): Promise<number> => {
        const { end } = await raw.range(topic);
        const { recordSet } = await raw.fetch(topic, end - 1);
        return (recordSet[22] ?? 0) & 7;
      };
      const seen: [string, number][] = [];
      for (const codec of codecs) {
        await send(run.input, batch(), CompressionCodec[codec]);
        seen.push([`client ${codec}`, await packing()]);
      }
      for (const codec of codecs) {
        // The broker has acknowledged it, and its logs hear of it a moment later, one after the other.
        for (const topic of [run.input, 'codecs-probe']) await configure(topic, { 'compression.type': codec });
        await until(async () => {
          await send('codecs-probe', [{ value: 'x'.repeat(1_000) }]);
          return (await packing('codecs-probe')) === CompressionCodec[codec];
        }, `Kafka packs with ${codec}`);
        await send(run.input, batch());
        seen.push([`Kafka ${codec}`, await packing()]);
      }
      expect(seen).toEqual(
        ['client', 'Kafka'].flatMap((who) => codecs.map((codec) => [`${who} ${codec}`, CompressionCodec[codec]])),
      );
    } finally {
      await raw.close();
    }
    const found = await expectUndisturbed(run, app, 4_000);
    expect(found.deadLetters).toEqual({ NOT_JSON: 80 });
  });

  test('a codec that does not exist is refused by the broker: none can reach the processor', async () => {
    await broker.createTopics('no-such-codec');
    (kafkajs.CompressionCodecs as unknown as Record<number, () => object>)[5] = () => ({
      compress: async ({ buffer }: { buffer: Buffer }) => buffer,
    });
    expect(await codeOf(send('no-such-codec', [{ value: 'x' }], 5))).toBe(-1);
  });
});
