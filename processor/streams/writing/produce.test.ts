import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, jest, test } from '@jest/globals';
import kafkajs from '#kafkajs';
import { CompressionCodec } from '../kafka/compression.ts';
import type { ProtocolRequest } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { produceRequest } from '../kafka/produce-protocol.ts';
import { decodeRecordSet } from '../kafka/record-set.ts';
import { DeadLetter, type ConsumerRecord } from '../topology/record.ts';
import { deadLetterRecord, isCut } from './dead-letter.ts';
import type { StreamsError } from '../errors.ts';
import { ProduceLimits } from './produce-limits.ts';
import { produce, sendWithReplacements, toPartitionBatches } from './produce.ts';
import type { OutgoingRecord, RefuseRecord } from './streams-producer.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

const Encoder = createRequire(import.meta.url)('#kafkajs/src/protocol/encoder.js') as new () => {
  writeEncoder(encoder: unknown): { readonly buffer: Buffer };
  writeInt32(value: number): InstanceType<typeof Encoder>;
};

const record = (topic: string, bytes: number, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  topic,
  partition: 0,
  key: null,
  value: Buffer.alloc(bytes),
  ...more,
});

interface Asked {
  readonly codecs: readonly number[];
  readonly topics: readonly string[];
  readonly partitions: readonly number[];
  readonly sequences: readonly number[];
  readonly batches: readonly Buffer[];
}

/** Reads a Produce v7 request back: the batches and what they say of themselves. */
function read(bytes: Buffer): Asked {
  let at = 0;
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4);
  const text = (): string => {
    const length = Math.max(0, bytes.readInt16BE(at));
    at += 2 + length;
    return bytes.toString('utf8', at - length, at);
  };
  text();
  at += 6;
  const topics: string[] = [];
  const sequences: number[] = [];
  const codecs: number[] = [];
  const partitions: number[] = [];
  const batches: Buffer[] = [];
  for (let t = int32(); t > 0; t -= 1) {
    topics.push(text());
    for (let p = int32(); p > 0; p -= 1) {
      const partition = int32();
      const batch = bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at));
      at += 4 + batch.length;
      expect(
        decodeRecordSet(batch, { topic: 't', partition, fromOffset: 0, abortedTransactions: [], readCommitted: true })
          .batches,
      ).toBe(1);
      codecs.push(batch.readInt16BE(21) & 7);
      partitions.push(partition);
      batches.push(batch);
      sequences.push(batch.readInt32BE(53));
    }
  }
  expect(at).toBe(bytes.length);
  return { codecs, topics, partitions, sequences, batches };
}

/** What a topic takes, by its name, and what the broker answers for a partition in place of taking it. */
interface Limits {
  readonly maxBytes?: Readonly<Record<string, number>>;
  readonly requestBytes?: number;
  readonly code?: number;
  /** The newest time that it takes. */
  readonly newestMs?: number;
}

/** A leader of everything that acknowledges, or refuses; it takes sequences without a gap only, as brokers do. */
function clusterOf({ maxBytes = {}, requestBytes = Infinity, code = 0, newestMs = Infinity }: Limits = {}): {
  cluster: KafkaCluster;
  asked: Asked[];
  log: Map<string, string[]>;
} {
  const asked: Asked[] = [];
  const log = new Map<string, string[]>();
  const nextSequence = new Map<string, number>();
  const broker = {
    connectionPool: {
      send: async ({ request }: ProtocolRequest) => {
        // As kafkajs makes a request of it, and sends that: the batches themselves may be gone when it is answered.
        const bytes = new Encoder().writeEncoder(await request.encode()).buffer;
        if (bytes.length > requestBytes) throw new kafkajs.KafkaJSConnectionError('Connection error: write EPIPE');
        const sent = read(bytes);
        asked.push(sent);
        const answerOf = (topic: string, index: number): object => {
          const batch = sent.batches[index] as Buffer;
          const partition = sent.partitions[index] as number;
          const name = topicPartition(topic, partition);
          const taken = log.get(name) ?? [];
          if (code !== 0) return { partition, errorCode: code, baseOffset: '-1' };
          if (batch.length > (maxBytes[topic] ?? Infinity)) return { partition, errorCode: 10, baseOffset: '-1' };
          const { records } = decodeRecordSet(batch, {
            topic,
            partition,
            fromOffset: 0,
            abortedTransactions: [],
            readCommitted: true,
          });
          if (records.some(({ timestampMs }) => timestampMs > newestMs))
            return { partition, errorCode: 32, baseOffset: '-1' };
          const sequence = batch.readInt32BE(53);
          if (sequence >= 0 && sequence !== (nextSequence.get(name) ?? 0))
            return { partition, errorCode: 45, baseOffset: '-1' };
          nextSequence.set(name, sequence + records.length);
          log.set(name, [
            ...taken,
            ...records.map((record) =>
              JSON.stringify([
                record.valueText()?.slice(0, 20),
                record.value?.length,
                Object.fromEntries(Object.entries(record.headers).map(([header, value]) => [header, value.toString()])),
              ]),
            ),
          ]);
          return { partition, errorCode: 0, baseOffset: String(7 + taken.length) };
        };
        return {
          topics: sent.topics.map((topicName, index) => ({ topicName, partitions: [answerOf(topicName, index)] })),
        };
      },
    },
  };
  return { asked, log, cluster: { leader: () => 1, broker: async () => broker } as unknown as KafkaCluster };
}

const IDENTITY = { transactionalId: 'a-0_0', producerId: '5', producerEpoch: 1 };

describe('batches', () => {
  test('count headers: a thousand small dead letters are more than their values', () => {
    const headers = [['__streams.errors.message', Buffer.alloc(900)]] as const;
    const [part] = toPartitionBatches(Array.from({ length: 1_000 }, () => record('dlq', 10, { headers })));
    expect(part?.batches.map(({ records }) => records.length)).toEqual([695, 305]);
  });

  test('keep order and begin a new one before the limit, never an empty one', () => {
    const [part] = toPartitionBatches([
      record('t', 800_000),
      record('t', 400_000),
      record('t', 400_000),
      record('t', 1),
    ]);
    expect(part?.batches.map(({ records }) => records.length)).toEqual([1, 1, 2]);
  });
});

describe('what is sent', () => {
  test('is packed only where a record alone is larger than a batch, by the codec that it came with', async () => {
    const { cluster, asked } = clusterOf();
    const sequences = new Map<string, number>();
    const next = await produce(
      cluster,
      [
        record('a', 600_000),
        record('b', 700_000),
        record('c', 700_000, { codec: CompressionCodec.zstd }),
        record('a', 600_000),
      ],
      { identity: IDENTITY, sequences },
    );
    expect(asked.map(({ codecs, topics, sequences: firsts }) => ({ codecs, topics, firsts }))).toEqual([
      {
        codecs: [CompressionCodec.none, CompressionCodec.gzip, CompressionCodec.zstd],
        topics: ['a', 'b', 'c'],
        firsts: [0, 0, 0],
      },
      { codecs: [CompressionCodec.none], topics: ['a'], firsts: [1] },
    ]);
    expect([[...next], [...sequences]]).toEqual([
      [
        ['a-0', 9],
        ['b-0', 8],
        ['c-0', 8],
      ],
      [
        ['a-0', 2],
        ['b-0', 1],
        ['c-0', 1],
      ],
    ]);
  });

  test('is split to what its topic takes, in order, once, and what was learned is kept', async () => {
    const limits = new ProduceLimits();
    const { cluster, asked, log } = clusterOf({ maxBytes: { narrow: 10_000 } });
    const sequences = new Map<string, number>();
    const records = Array.from({ length: 20_000 }, (_, index) =>
      record(index % 2 === 0 ? 'narrow' : 'wide', 0, { value: Buffer.from(String(index)) }),
    );
    const next = await produce(cluster, records, { identity: IDENTITY, sequences, limits });
    for (const [remainder, topic] of ['narrow', 'wide'].entries()) {
      expect(log.get(`${topic}-0`)?.map((line) => Number((JSON.parse(line) as string[])[0]))).toEqual(
        Array.from({ length: 10_000 }, (_, index) => 2 * index + remainder),
      );
      expect([next.get(`${topic}-0`), sequences.get(`${topic}-0`)]).toEqual([10_007, 10_000]);
    }
    asked.length = 0;
    await produce(cluster, records.slice(0, 2_000), { identity: IDENTITY, sequences, limits });
    expect(
      asked
        .flatMap(({ batches, topics }) =>
          topics.flatMap((topic, index) => (topic === 'narrow' ? [(batches[index] as Buffer).length] : [])),
        )
        .every((bytes) => bytes <= 10_000),
    ).toBe(true);
  });

  test('goes in as many requests as one of them takes', async () => {
    const { cluster, asked, log } = clusterOf();
    const records = Array.from({ length: 40 }, (_, index) =>
      record(`t${String(index)}`, 0, { value: randomBytes(600_000) }),
    );
    await produce(cluster, records, { identity: IDENTITY, sequences: new Map() });
    const bytes = asked.map(({ batches }) => batches.reduce((sum, batch) => sum + batch.length, 0));
    expect([bytes.length > 1, bytes.every((size) => size <= 16 * 1024 * 1024), log.size]).toEqual([true, true, 40]);
  });

  test('and is too large alone, is packed; then an error names the topic and the remedy', async () => {
    const { cluster, log } = clusterOf({ maxBytes: { narrow: 10_000 } });
    await produce(cluster, [record('narrow', 1), record('narrow', 50_000), record('narrow', 2)], {
      identity: IDENTITY,
      sequences: new Map(),
    });
    expect(log.get('narrow-0')?.map((line) => (JSON.parse(line) as unknown[])[1])).toEqual([1, 50_000, 2]);
    await expect(
      produce(cluster, [record('narrow', 0, { value: randomBytes(50_000) })], {
        identity: undefined,
        sequences: new Map(),
      }),
    ).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringMatching(
        /^a record for narrow is larger than the topic takes, 50\d+ bytes .*: raise its max\.message\.bytes/,
      ),
    });
    await expect(
      produce(clusterOf({ code: 6 }).cluster, [record('dlq', 1)], { identity: undefined, sequences: new Map() }),
    ).rejects.toMatchObject({ code: 6 });
    await expect(
      produce(clusterOf({ code: 29 }).cluster, [record('dlq', 1)], { identity: undefined, sequences: new Map() }),
    ).rejects.toMatchObject({ code: 'BROKER_ACCESS_DENIED' });
  });
});

describe('a time', () => {
  test('is that of its record, and where it has none the wall clock', async () => {
    const { cluster, asked } = clusterOf();
    const before = Date.now();
    await produce(
      cluster,
      [record('t', 1, { timestampMs: 9_000 }), record('t', 1), record('t', 1, { timestampMs: 7 })],
      {
        identity: IDENTITY,
        sequences: new Map(),
      },
    );
    const { records } = decodeRecordSet(asked[0]?.batches[0] as Buffer, {
      topic: 't',
      partition: 0,
      fromOffset: 0,
      abortedTransactions: [],
      readCommitted: true,
    });
    const [own, clock, older] = records.map(({ timestampMs }) => timestampMs) as [number, number, number];
    expect([own, older, clock >= before && clock <= Date.now()]).toEqual([9_000, 7, true]);
  });

  const ahead = Date.now() + 7_200_000;

  test.each([
    [
      'ahead of its clock',
      { timestampMs: ahead },
      new RegExp(
        `^a record for t has the time ${new Date(ahead).toISOString()}, .*message\\.timestamp\\.after\\.max\\.ms`,
      ),
    ],
    [
      'older than it takes',
      { timestampMs: 1 },
      /^a record for t has the time 1970.*message\.timestamp\.before\.max\.ms/,
    ],
    ['of the wall clock', {}, /the clock of this machine/],
  ])('that the broker does not take, %s, names topic and remedy', async (_, more, message) => {
    await expect(
      produce(clusterOf({ newestMs: 0 }).cluster, [record('t', 1, more)], { identity: IDENTITY, sequences: new Map() }),
    ).rejects.toMatchObject({ code: 'RECORD_TIME_REFUSED', message: expect.stringMatching(message), topic: 't' });
  });

  test('that is refused is found among those of its batch', async () => {
    const records = Array.from({ length: 9 }, (_, index) =>
      record('t', 0, { value: Buffer.from(String(index)), timestampMs: index === 5 ? ahead : index }),
    );
    const { cluster, log } = clusterOf({ newestMs: ahead - 1 });
    await expect(produce(cluster, records, { identity: IDENTITY, sequences: new Map() })).rejects.toMatchObject({
      code: 'RECORD_TIME_REFUSED',
      message: expect.stringContaining(new Date(ahead).toISOString()),
    });
    expect(log.get('t-0')?.map((line) => (JSON.parse(line) as string[])[0])).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('a dead letter that its topic does not take', () => {
  const value = randomBytes(50_000);
  const letterOf = (more: Partial<ConsumerRecord> = {}): OutgoingRecord =>
    deadLetterRecord(
      {
        topic: 'logins',
        partition: 3,
        offset: 17,
        timestampMs: 0,
        key: Buffer.from('k'),
        value,
        headers: {},
        headerList: [['trace', Buffer.from('1')]],
        ...more,
      },
      new DeadLetter('NOT_JSON', 'no JSON'),
      'dlq',
      1,
    );
  const sha256 = createHash('sha256').update(value).digest('hex');
  const origin = {
    '__streams.errors.exception': 'NOT_JSON',
    '__streams.errors.message': 'no JSON',
    '__streams.errors.topic': 'logins',
    '__streams.errors.partition': '3',
    '__streams.errors.offset': '17',
  };

  test.each([
    [20_000, 16_384, { trace: '1' }],
    [1_000, 256, {}],
  ])('of %i bytes carries the beginning, the size and the hash of its value', async (maxBytes, kept, headers) => {
    const { cluster, log } = clusterOf({ maxBytes: { dlq: maxBytes } });
    await produce(cluster, [letterOf({ codec: CompressionCodec.zstd })], { identity: IDENTITY, sequences: new Map() });
    const [, bytes, found] = JSON.parse(log.get('dlq-0')?.[0] ?? '[]') as [string, number, object];
    expect([bytes, found]).toEqual([
      kept,
      {
        ...headers,
        ...origin,
        '__tributary.cut.value.bytes': '50000',
        '__tributary.cut.value.sha256': sha256,
        ...(kept === 256 ? { '__tributary.cut.headers': '1' } : {}),
      },
    ]);
    expect(isCut(Object.entries(found).map(([name, content]) => [name, Buffer.from(String(content))]))).toBe(true);
  });

  test('and takes no part of it either, is an error', async () => {
    await expect(
      produce(clusterOf({ maxBytes: { dlq: 200 } }).cluster, [letterOf()], {
        identity: IDENTITY,
        sequences: new Map(),
      }),
    ).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
  });
});

describe('what is sent with replacements', () => {
  const source: ConsumerRecord = {
    topic: 'in',
    partition: 0,
    offset: 3,
    timestampMs: 0,
    key: null,
    value: Buffer.from('in'),
    headers: {},
  };
  const send = async (records: readonly OutgoingRecord[], refuse?: RefuseRecord) => {
    const { cluster, log } = clusterOf({ maxBytes: { small: 500 } });
    const who = { identity: IDENTITY, sequences: new Map<string, number>() };
    const sending = sendWithReplacements(records, refuse, (some, onRefused) =>
      produce(cluster, some, { ...who, onRefused }),
    );
    return { offsets: await sending.catch((error: unknown) => error), log };
  };
  const large = (more: Partial<OutgoingRecord> = {}) => record('small', 0, { value: randomBytes(2_000), ...more });

  test('goes out in its order, and what replaces a refused one behind the others', async () => {
    const refuse = jest.fn<RefuseRecord>(() => [record('dlq', 7)]);
    const refused = [large({ origin: source }), large({ origin: null })];
    const { offsets, log } = await send([...refused, record('small', 1, { origin: source })], refuse);
    expect(refuse.mock.calls.map(([one, { code }]) => [one, code])).toEqual(
      refused.map((one) => [one, 'RECORD_TOO_LARGE']),
    );
    expect([...log].map(([name, lines]) => [name, lines.length])).toEqual([
      ['small-0', 1],
      ['dlq-0', 2],
    ]);
    expect(offsets).toEqual(
      new Map([
        ['small-0', 8],
        ['dlq-0', 9],
      ]),
    );
  });

  // A row of a changelog that is let pass would be lost.
  test('fails where the runtime itself wrote what is refused: nobody is asked about that', async () => {
    const refuse = jest.fn<RefuseRecord>(() => []);
    const { offsets } = await send([large()], refuse);
    expect([refuse.mock.calls, offsets]).toEqual([[], expect.objectContaining({ code: 'RECORD_TOO_LARGE' })]);
  });

  test('and where the application decides nothing', async () => {
    const { offsets } = await send([large({ origin: source })]);
    expect(offsets).toMatchObject({ code: 'RECORD_TOO_LARGE' });
  });
});

describe('a connection that ends on a request', () => {
  const cutOn = async (
    cluster: KafkaCluster,
    records: readonly OutgoingRecord[],
    limits: ProduceLimits,
  ): Promise<unknown> =>
    produce(cluster, records, { identity: undefined, sequences: new Map(), limits }).catch((error: unknown) => error);

  test('makes the next one smaller, until it is answered', async () => {
    const { cluster, log } = clusterOf({ requestBytes: 300_000 });
    const records = Array.from({ length: 40 }, () => record('t', 100_000));
    const limits = new ProduceLimits();
    let tries = 1;
    for (; tries <= 8 && !((await cutOn(cluster, records, limits)) instanceof Map); tries += 1) log.clear();
    expect([log.get('t-0')?.length, tries <= 8]).toEqual([40, true]);
  });

  test('that cannot be made smaller is RECORD_TOO_LARGE after the third time, and names what to raise', async () => {
    const { cluster } = clusterOf({ requestBytes: 30_000 });
    const limits = new ProduceLimits();
    const failures = [];
    for (let attempt = 0; attempt < 3; attempt += 1)
      failures.push(await cutOn(cluster, [record('t', 0, { value: randomBytes(50_000) })], limits));
    expect(failures).toMatchObject([
      {
        code: 'BROKER_AWAY',
        message: expect.stringMatching(/^broker 1 ended the connection on a request of 5\d+ bytes for t /),
      },
      { code: 'BROKER_AWAY' },
      {
        code: 'RECORD_TOO_LARGE',
        message: expect.stringMatching(
          /broker 1 closes the connection on a request of 5\d+ bytes, .*: raise its socket\.request\.max\.bytes/,
        ),
      },
    ]);
  });

  test('and is answered in between, is no matter of its size: the count begins anew', async () => {
    const narrow = clusterOf({ requestBytes: 30_000 }).cluster;
    const limits = new ProduceLimits();
    const large = [record('t', 0, { value: randomBytes(50_000) })];
    const seen: string[] = [];
    for (let round = 0; round < 3; round += 1)
      for (const cluster of [narrow, narrow, clusterOf().cluster]) {
        const end = await cutOn(cluster, large, limits);
        seen.push(end instanceof Map ? 'answered' : (end as StreamsError).code);
      }
    expect(seen).toEqual(Array(3).fill(['BROKER_AWAY', 'BROKER_AWAY', 'answered']).flat());
  });

  test('of a dead letter makes it shorter', async () => {
    const { cluster, log } = clusterOf({ requestBytes: 30_000 });
    const limits = new ProduceLimits();
    const letter = deadLetterRecord(
      { topic: 'logins', partition: 3, offset: 17, timestampMs: 0, key: null, value: randomBytes(50_000), headers: {} },
      new DeadLetter('NOT_JSON', 'no JSON'),
      'dlq',
      1,
    );
    for (let attempt = 0; attempt < 4; attempt += 1) await cutOn(cluster, [letter], limits);
    expect(log.get('dlq-0')).toHaveLength(1);
  });
});

test('a request goes behind what stands before it', async () => {
  const batch = Buffer.from('a batch');
  const topics = [{ topic: 't', partitions: [{ partition: 0, batch }] }];
  const { request } = produceRequest({ transactionalId: null, acks: -1, timeoutMs: 1, topics });
  const alone = new Encoder().writeEncoder(await request.encode()).buffer;
  const behind = new Encoder().writeInt32(7).writeEncoder(await request.encode()).buffer;
  expect(alone.subarray(-batch.length).equals(batch)).toBe(true);
  expect(behind.toString('hex')).toBe(`00000007${alone.toString('hex')}`);
});

test('a request that is answered gives back the memory of its batches, and of their copy', async () => {
  const batch = Buffer.alloc(100_000);
  const topics = [{ topic: 't', partitions: [{ partition: 0, batch }] }];
  const answered = produceRequest({ transactionalId: null, acks: -1, timeoutMs: 1, topics });
  const copy = new Encoder().writeEncoder(await answered.request.encode()).buffer;
  expect([batch.length, copy.length > batch.length]).toEqual([100_000, true]);
  answered.free();
  expect([batch.length, copy.length]).toEqual([0, 0]);
});
