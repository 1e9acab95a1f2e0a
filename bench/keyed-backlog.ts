import type { KafkaConnectionConfig } from '@tributary/streams';
import { CompressionCodec, createKafka, encodeBatch, KafkaCluster, partitionOf } from '@tributary/streams/operations';
import { seededRandom } from '../tools/producer/seeded-random.ts';
import { sendPatiently } from './backlog.ts';
import { quiet } from './quiet.ts';
import { progress } from './report.ts';

export interface KeyedBacklogOptions {
  readonly connection: KafkaConnectionConfig;
  /** Of equal partition counts: records of one key lie in equal partitions. */
  readonly topics: readonly string[];
  readonly partitions: number;
  /** Of each topic. */
  readonly records: number;
  readonly keys: number;
  /** Each key in turn in place of by chance. */
  readonly everyKey?: boolean;
  /** Event time of the first record, and from one to the next, epoch milliseconds. */
  readonly fromMs: number;
  readonly stepMs: number;
}

const SEED = 7;
const KEY_DIGITS = 8;
const PAGES = 500;
const RECORDS_PER_BATCH = 2_000;

/**
 * Fills new topics with events of about 120 bytes under text keys of 9, each in the partition that Kafka's own
 * partitioner gives it. The same arguments give the same records.
 */
export async function makeKeyedBacklog(options: KeyedBacklogOptions): Promise<void> {
  const { connection, topics, partitions, records, keys, everyKey = false, fromMs, stepMs } = options;
  const admin = createKafka(connection, quiet).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({
      topic,
      numPartitions: partitions,
      configEntries: [{ name: 'retention.ms', value: '-1' }],
    })),
  });
  await admin.disconnect();
  const texts = Array.from({ length: keys }, (_, nth) => `u${String(nth).padStart(KEY_DIGITS, '0')}`);
  const homes = texts.map((text) => partitionOf(Buffer.from(text), partitions));
  const cluster = new KafkaCluster({ ...connection, clientId: 'bench-backlog' }, quiet);
  try {
    await cluster.track(topics);
    for (const [index, topic] of topics.entries()) {
      const random = seededRandom(SEED + index);
      const waiting = Array.from(
        { length: partitions },
        (): { key: Buffer; value: Buffer; timestampMs: number }[] => [],
      );
      const flush = async (partition: number): Promise<void> => {
        const due = waiting[partition] ?? [];
        waiting[partition] = [];
        const batch = encodeBatch({
          records: due,
          timestampMs: due[0]?.timestampMs ?? fromMs,
          producerId: -1n,
          producerEpoch: -1,
          firstSequence: -1,
          isTransactional: false,
          codec: CompressionCodec.none,
        });
        await sendPatiently(cluster, cluster.leader(topic, partition) as number, topic, [{ partition, batch }]);
      };
      for (let nth = 0; nth < records; nth += 1) {
        const key = everyKey ? nth % keys : random.below(keys);
        const partition = homes[key] as number;
        const timestampMs = Math.floor(fromMs + nth * stepMs);
        const due = waiting[partition] as { key: Buffer; value: Buffer; timestampMs: number }[];
        due.push({
          key: Buffer.from(texts[key] as string),
          value: Buffer.from(
            `{"user":"${texts[key] as string}","page":"/shop/articles/${String(random.below(PAGES))}",` +
              `"cents":${String(random.below(100_000))},"at":${String(timestampMs)},"agent":"Mozilla/5.0 (X11)"}`,
          ),
          timestampMs,
        });
        if (due.length === RECORDS_PER_BATCH) await flush(partition);
        if (nth % RECORDS_PER_BATCH === 0) progress(`making ${topic}`, nth, records);
      }
      for (const [partition, due] of waiting.entries()) if (due.length > 0) await flush(partition);
      progress(`making ${topic}`, records, records);
    }
  } finally {
    await cluster.disconnect();
  }
}
