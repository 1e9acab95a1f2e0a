import { describe, expect, test } from '@jest/globals';
import { CompressionCodec } from '../consumer/compression.ts';
import type { KafkaCluster, ProtocolRequest } from '../consumer/kafka-cluster.ts';
import { decodeRecordSet } from '../consumer/record-batch.ts';
import { produce, toPartitionBatches } from './produce.ts';
import type { OutgoingRecord } from './streams-producer.ts';

const record = (topic: string, bytes: number, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({ topic, partition: 0, key: null, value: Buffer.alloc(bytes), ...more });

interface Asked {
  readonly codec: number;
  readonly topics: readonly string[];
  readonly sequences: readonly number[];
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
  let codec = 0;
  for (let t = int32(); t > 0; t -= 1) {
    topics.push(text());
    for (let p = int32(); p > 0; p -= 1) {
      const partition = int32();
      const batch = bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at));
      at += 4 + batch.length;
      expect(decodeRecordSet(batch, { topic: 't', partition, fromOffset: 0, abortedTransactions: [], readCommitted: true }).batches).toBe(1);
      codec = batch.readInt16BE(21) & 7;
      sequences.push(batch.readInt32BE(53));
    }
  }
  expect(at).toBe(bytes.length);
  return { codec, topics, sequences };
}

/** A leader of everything that acknowledges, or refuses with an error number. */
function clusterOf(code = 0): { cluster: KafkaCluster; asked: Asked[] } {
  const asked: Asked[] = [];
  const broker = {
    connectionPool: {
      send: async ({ request }: ProtocolRequest) => {
        const sent = read(((await request.encode()) as { buffer: Buffer }).buffer);
        asked.push(sent);
        if (code !== 0) throw Object.assign(new Error('refused'), { code });
        return { topics: sent.topics.map((topicName) => ({ topicName, partitions: [{ partition: 0, baseOffset: '7' }] })) };
      },
    },
  };
  return { asked, cluster: { leader: () => 1, broker: async () => broker } as unknown as KafkaCluster };
}

const IDENTITY = { transactionalId: 'a-0_0', producerId: '5', producerEpoch: 1 };

describe('batches', () => {
  test('count headers: a thousand small dead letters are more than their values', () => {
    const headers = [['__streams.errors.message', Buffer.alloc(900)]] as const;
    const [part] = toPartitionBatches(Array.from({ length: 1_000 }, () => record('dlq', 10, { headers })));
    expect(part?.batches.map((batch) => batch.length)).toEqual([695, 305]);
  });

  test('keep order and begin a new one before the limit, never an empty one', () => {
    const [part] = toPartitionBatches([record('t', 800_000), record('t', 400_000), record('t', 400_000), record('t', 1)]);
    expect(part?.batches.map((batch) => batch.length)).toEqual([1, 1, 2]);
  });
});

describe('what is sent', () => {
  test('is packed only where a record alone is larger than a batch: it may have come out of a packed one', async () => {
    const { cluster, asked } = clusterOf();
    const sequences = new Map<string, number>();
    const next = await produce(cluster, [record('a', 600_000), record('b', 700_000), record('a', 600_000)], { identity: IDENTITY, sequences });
    expect(asked).toEqual([
      { codec: CompressionCodec.gzip, topics: ['a', 'b'], sequences: [0, 0] },
      { codec: CompressionCodec.none, topics: ['a'], sequences: [1] },
    ]);
    expect([[...next], [...sequences]]).toEqual([[['a-0', 8], ['b-0', 8]], [['a-0', 2], ['b-0', 1]]]);
  });

  test('that no topic takes is an error that names the topic and the remedy', async () => {
    const { cluster } = clusterOf(10);
    await expect(produce(cluster, [record('logins', 5), record('dlq', 1_000_000)], { identity: undefined, sequences: new Map() })).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringMatching(/^a record for dlq is larger than the topic takes: raise its max\.message\.bytes/),
    });
    await expect(produce(clusterOf(5).cluster, [record('dlq', 1)], { identity: undefined, sequences: new Map() })).rejects.toMatchObject({ code: 5 });
  });
});
