import { CompressionCodec, registerKafkajsCodecs } from '../processor/streams/consumer/compression.ts';
import { createKafka } from '../processor/streams/consumer/kafka-cluster.ts';
import type { KafkaConnectionConfig } from '../processor/streams/kafka-connection-config.ts';
import { loginGenerator } from '../tools/login-generator.ts';
import { seededRandom } from '../tools/seeded-random.ts';
import { progress, quiet } from './report.ts';

export interface BacklogOptions {
  readonly connection: KafkaConnectionConfig;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly compression?: keyof typeof CompressionCodec;
  /** Draws each login's device evenly from so many. Default: as many as there are distinct logins. */
  readonly devices?: number;
  /** Minutes of event time that the logins span. Default: as many as they take at 1,000 a second. */
  readonly minutes?: number;
}

const SEED = 1;
const DISTINCT_LOGINS = 40_000;
const MESSAGES_PER_SEND = 16_000;
/** In event time: five million logins span 83 minutes. */
const LOGINS_PER_SECOND = 1_000;
const SECONDS_DIGITS = 10;
const DEVICE_DIGITS = 8;
const ACKS_LEADER = 1;

/**
 * Fills a new topic with logins of about 200 bytes that end now, in rotation over the partitions: a pool of distinct seeded
 * logins sent again and again under the right time, since making each one anew costs more than counting it. The same
 * arguments give the same records, but for the time. Answers the mean bytes of a value.
 */
export async function makeBacklog({ connection, topic, partitions, records, compression = 'none', devices, minutes }: BacklogOptions): Promise<{ meanBytes: number }> {
  registerKafkajsCodecs();
  const kafka = createKafka(connection, quiet);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions, configEntries: [{ name: 'retention.ms', value: '-1' }] }] });
  await admin.disconnect();

  const generate = loginGenerator({ seed: SEED });
  const random = seededRandom(SEED);
  const stepMs = minutes === undefined ? 1_000 / LOGINS_PER_SECOND : (minutes * 60_000) / records;
  const fromMs = Date.now() - records * stepMs;
  const pool = Array.from({ length: DISTINCT_LOGINS }, (_, nth) => {
    const value = Buffer.from(generate(fromMs).value ?? '');
    const at = (field: string): number => value.indexOf(`"${field}":`) + field.length + 3;
    return { key: null, value, partition: nth % partitions, timestampAt: at('timestamp'), deviceAt: at('device_id') + 1 };
  });
  const producer = kafka.producer({ createPartitioner: () => ({ message }) => message.partition ?? 0 });
  await producer.connect();
  try {
    for (let sent = 0; sent < records; ) {
      const from = sent % DISTINCT_LOGINS;
      const messages = pool.slice(from, from + Math.min(MESSAGES_PER_SEND, records - sent));
      for (const [index, { value, timestampAt, deviceAt }] of messages.entries()) {
        const atMs = fromMs + (sent + index) * stepMs;
        value.write(String(Math.floor(atMs / 1_000)), timestampAt, SECONDS_DIGITS, 'latin1');
        if (devices !== undefined) value.write(random.below(devices).toString(16).padStart(DEVICE_DIGITS, '0'), deviceAt, DEVICE_DIGITS, 'latin1');
      }
      await producer.send({ topic, acks: ACKS_LEADER, compression: CompressionCodec[compression], messages });
      sent += messages.length;
      progress(`making ${topic}`, sent, records);
    }
  } finally {
    await producer.disconnect();
  }
  return { meanBytes: Math.round(pool.reduce((sum, { value }) => sum + value.length, 0) / pool.length) };
}
