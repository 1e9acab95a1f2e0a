import { describe, expect, test } from '@jest/globals';
import { CompressionCodec } from '../consumer/compression.ts';
import type { KafkaCluster } from '../consumer/kafka-cluster.ts';
import { produce, toPartitionBatches } from './produce.ts';
import type { OutgoingRecord } from './streams-producer.ts';

const record = (topic: string, bytes: number, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({ topic, partition: 0, key: null, value: Buffer.alloc(bytes), ...more });

interface Asked {
  readonly compression: number;
  readonly topicData: readonly { topic: string; partitions: readonly { firstSequence: number; messages: readonly object[] }[] }[];
}

/** A leader of everything that acknowledges, or refuses with an error number. */
function clusterOf(code = 0): { cluster: KafkaCluster; asked: Asked[] } {
  const asked: Asked[] = [];
  const broker = {
    produce: async (request: Asked) => {
      asked.push(request);
      if (code !== 0) throw Object.assign(new Error('refused'), { code });
      return { topics: request.topicData.map(({ topic }) => ({ topicName: topic, partitions: [{ partition: 0, errorCode: 0, baseOffset: '7' }] })) };
    },
  };
  return { asked, cluster: { leader: () => 1, broker: async () => broker } as unknown as KafkaCluster };
}

describe('batches', () => {
  test('count headers: a thousand small dead letters are more than their values', () => {
    const headers = [['__streams.errors.message', Buffer.alloc(900)]] as const;
    const [part] = toPartitionBatches(Array.from({ length: 1_000 }, () => record('dlq', 10, { headers })), 0);
    expect(part?.batches.map((batch) => batch.length)).toEqual([695, 305]);
  });

  test('keep order and begin a new one before the limit, never an empty one', () => {
    const [part] = toPartitionBatches([record('t', 800_000), record('t', 400_000), record('t', 400_000), record('t', 1)], 0);
    expect(part?.batches.map((batch) => batch.length)).toEqual([1, 1, 2]);
  });
});

describe('what is sent', () => {
  test('is packed only where a record alone is larger than a batch: it may have come out of a packed one', async () => {
    const { cluster, asked } = clusterOf();
    const sequences = new Map<string, number>();
    const next = await produce(cluster, [record('a', 600_000), record('b', 700_000), record('a', 600_000)], { identity: undefined, sequences });
    expect(asked.map(({ compression, topicData }) => [compression, topicData.map(({ topic }) => topic)])).toEqual([
      [CompressionCodec.gzip, ['a', 'b']],
      [CompressionCodec.none, ['a']],
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
