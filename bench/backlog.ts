import { createKafka } from '../processor/streams/consumer/kafka-cluster.ts';
import type { KafkaConnectionConfig } from '../processor/streams/kafka-connection-config.ts';
import { loginGenerator } from '../tools/login-generator.ts';
import { bench } from './report.ts';

export interface BacklogOptions {
  readonly connection: KafkaConnectionConfig;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly seed: number;
}

const DISTINCT_LOGINS = 40_000;
const MESSAGES_PER_SEND = 16_000;
/** Event times rise evenly over this long before now, as in a topic that has filled while nobody read it. */
const SPREAD_MS = 12 * 3_600_000;
const SECONDS_DIGITS = 10;
const ACKS_LEADER = 1;

/**
 * Fills a new topic with logins of about 200 bytes, in rotation over the partitions: a pool of distinct seeded logins
 * sent again and again, since making each one anew costs more than counting it. Answers the mean bytes of a value.
 */
export async function makeBacklog({ connection, topic, partitions, records, seed }: BacklogOptions): Promise<{ meanBytes: number }> {
  const kafka = createKafka(connection, bench.silent);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions, configEntries: [{ name: 'retention.ms', value: '-1' }] }] });
  await admin.disconnect();

  const generate = loginGenerator({ seed });
  const fromMs = Date.now() - SPREAD_MS;
  const pool = Array.from({ length: DISTINCT_LOGINS }, (_, nth) => {
    const value = Buffer.from(generate(fromMs).value ?? '');
    return { key: null, value, partition: nth % partitions, timestampAt: value.indexOf('"timestamp":') + '"timestamp":'.length };
  });
  const producer = kafka.producer({ createPartitioner: () => ({ message }) => message.partition ?? 0 });
  await producer.connect();
  try {
    for (let sent = 0; sent < records; ) {
      const from = sent % DISTINCT_LOGINS;
      const messages = pool.slice(from, from + Math.min(MESSAGES_PER_SEND, records - sent));
      for (const [index, { value, timestampAt }] of messages.entries()) {
        const atMs = fromMs + ((sent + index) * SPREAD_MS) / records;
        value.write(String(Math.floor(atMs / 1_000)), timestampAt, SECONDS_DIGITS, 'latin1');
      }
      await producer.send({ topic, acks: ACKS_LEADER, messages });
      sent += messages.length;
      bench.progress(`making ${topic}`, sent, records);
    }
  } finally {
    await producer.disconnect();
  }
  return { meanBytes: Math.round(pool.reduce((sum, { value }) => sum + value.length, 0) / pool.length) };
}

