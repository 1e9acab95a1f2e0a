import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaConnectionConfig } from '@tributary/streams';
import {
  compress,
  CompressionCodec,
  createKafka,
  encodeBatch,
  isMisdirected,
  KafkaCluster,
  produceRequest,
  writeChecksum,
} from '@tributary/streams/operations';
import { loginGenerator } from '../tools/producer/login-generator.ts';
import { seededRandom } from '../tools/producer/seeded-random.ts';
import { quiet } from './quiet.ts';
import { progress } from './report.ts';

export interface BacklogOptions {
  readonly connection: KafkaConnectionConfig;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly compression?: keyof typeof CompressionCodec;
  /** Draws each login's device evenly from so many. Default: as many as there are distinct logins. */
  readonly devices?: number;
  /** Each device in turn in place of by chance: as many rows as records, up to `devices`. */
  readonly everyDevice?: boolean;
  /** Minutes of event time that the logins span. Default: as many as they take at 1,000 a second. */
  readonly minutes?: number;
}

const SEED = 1;
const DISTINCT_LOGINS = 40_000;
/** Of about 200 bytes: a batch stays below the broker's limit of 1 MiB. */
const LOGINS_PER_BATCH = 4_000;
/** In event time: five million logins span 83 minutes. */
const LOGINS_PER_SECOND = 1_000;
const SECONDS_DIGITS = 10;
const DEVICE_DIGITS = 8;
/** A device is a UUID. */
const REST_OF_DEVICE = '-0000-4000-8000-000000000000';
const ACKS_LEADER = 1;
const PRODUCE_TIMEOUT_MS = 20_000;
const ATTEMPTS = 50;
const RETRY_MS = 100;
const BATCH_HEAD_BYTES = 61;
const LENGTH_OVERHEAD = 12;
const DEVICE_FIELD = '"device_id":"';
const TIME_FIELD = '"timestamp":';

/**
 * Fills a new topic with logins of about 200 bytes that end now, in rotation over the partitions: the same batches of
 * distinct seeded logins again and again with the right times in them, since making each login anew costs more than
 * counting it. The same arguments give the same records, but for the time. Answers the mean bytes of a value.
 */
export async function makeBacklog({
  connection,
  topic,
  partitions,
  records,
  compression = 'none',
  devices,
  everyDevice = false,
  minutes,
}: BacklogOptions): Promise<{ meanBytes: number }> {
  const kafka = createKafka(connection, quiet);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: partitions, configEntries: [{ name: 'retention.ms', value: '-1' }] }],
  });
  await admin.disconnect();

  const stepMs = minutes === undefined ? 1_000 / LOGINS_PER_SECOND : (minutes * 60_000) / records;
  const fromMs = Date.now() - records * stepMs;
  const pool = batchPool(partitions);
  const random = seededRandom(SEED);
  const deviceOf = everyDevice
    ? (nth: number): number => nth % (devices ?? 1)
    : (): number => random.below(devices ?? 1);
  const cluster = new KafkaCluster({ ...connection, clientId: 'bench-backlog' }, quiet);
  try {
    await cluster.track([topic]);
    for (let sent = 0; sent < records;) {
      const due = new Map<number, { partition: number; batch: Buffer }[]>();
      const round = sent;
      for (const template of pool) {
        const count = Math.min(template.logins.length, Math.ceil((records - round) / partitions), records - sent);
        if (count === 0) break;
        const batch = count === template.logins.length ? template.bytes : template.first(count);
        for (const [index, { timestampAt, deviceAt }] of template.logins.slice(0, count).entries()) {
          // In rotation over the partitions.
          const atMs = fromMs + (round + index * partitions + template.partition) * stepMs;
          batch.write(String(Math.floor(atMs / 1_000)), timestampAt, SECONDS_DIGITS, 'latin1');
          if (devices !== undefined)
            batch.write(
              `${deviceOf(sent + index)
                .toString(16)
                .padStart(DEVICE_DIGITS, '0')}${REST_OF_DEVICE}`,
              deviceAt,
              'latin1',
            );
        }
        sent += count;
        const leader = cluster.leader(topic, template.partition) as number;
        const list = due.get(leader) ?? [];
        list.push({ partition: template.partition, batch: packed(batch, CompressionCodec[compression]) });
        due.set(leader, list);
      }
      for (const [leader, parts] of due) {
        await sendPatiently(cluster, leader, topic, parts);
      }
      progress(`making ${topic}`, sent, records);
    }
  } finally {
    await cluster.disconnect();
  }
  return { meanBytes: pool[0]?.meanBytes ?? 0 };
}

/**
 * A broker that has just made a topic may not know yet that it leads all of its partitions: it takes the others.
 * @throws when a batch is refused for any other reason.
 */
export async function sendPatiently(
  cluster: KafkaCluster,
  leader: number,
  topic: string,
  parts: readonly { partition: number; batch: Buffer }[],
): Promise<void> {
  let unsent = parts;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const request = produceRequest({
        transactionalId: null,
        acks: ACKS_LEADER,
        timeoutMs: PRODUCE_TIMEOUT_MS,
        topics: [{ topic, partitions: unsent }],
      });
      const answer = (await (await cluster.broker(leader)).connectionPool.send(request)) as ProduceAnswer;
      const refused = answer.topics.flatMap(({ partitions }) => partitions.filter(({ errorCode }) => errorCode !== 0));
      if (refused.length === 0) return;
      unsent = unsent.filter(({ partition }) => refused.some((one) => one.partition === partition));
      const [lasting] = refused.filter(({ errorCode }) => attempt === ATTEMPTS || !isMisdirected({ code: errorCode }));
      if (lasting !== undefined) throw new Error(`${topic} does not take a batch: ${JSON.stringify(lasting)}`);
    } catch (error) {
      if (!isMisdirected(error) || attempt === ATTEMPTS) throw error;
    }
    await delay(RETRY_MS);
  }
}

interface ProduceAnswer {
  readonly topics: readonly { readonly partitions: readonly { partition: number; errorCode: number }[] }[];
}

interface LoginPlace {
  readonly timestampAt: number;
  readonly deviceAt: number;
}

/** A batch of logins for one partition, and where in its bytes the time and the device of each stand. */
interface BatchTemplate {
  readonly partition: number;
  readonly bytes: Buffer;
  readonly logins: readonly LoginPlace[];
  readonly meanBytes: number;
  /** The same with only the first so many logins, of which there must be one. */
  first(count: number): Buffer;
}

/** One batch a partition, so that nothing but digits and the checksum changes from one send to the next. */
function batchPool(partitions: number): BatchTemplate[] {
  const generate = loginGenerator({ seed: SEED });
  const nowMs = Date.now();
  const each = Math.min(LOGINS_PER_BATCH, Math.ceil(DISTINCT_LOGINS / partitions));
  return Array.from({ length: partitions }, (_, partition) => {
    const values = Array.from({ length: each }, () => generate(nowMs).value as Buffer);
    const encode = (count: number): Buffer =>
      encodeBatch({
        records: values.slice(0, count).map((value) => ({ key: null, value })),
        timestampMs: nowMs,
        producerId: -1n,
        producerEpoch: -1,
        firstSequence: -1,
        isTransactional: false,
        codec: CompressionCodec.none,
      });
    const bytes = encode(each);
    const logins: LoginPlace[] = [];
    for (let at = 0; logins.length < each;) {
      const deviceAt = bytes.indexOf(DEVICE_FIELD, at) + DEVICE_FIELD.length;
      at = bytes.indexOf(TIME_FIELD, deviceAt) + TIME_FIELD.length;
      logins.push({ timestampAt: at, deviceAt });
    }
    // Records of a shorter batch lie in the same places: their lengths are before them, their number is in the head.
    return {
      partition,
      bytes,
      logins,
      meanBytes: Math.round(values.reduce((sum, value) => sum + value.length, 0) / each),
      first: encode,
    };
  });
}

function packed(batch: Buffer, codec: number): Buffer {
  if (codec === CompressionCodec.none) {
    writeChecksum(batch);
    return batch;
  }
  const whole = Buffer.concat([batch.subarray(0, BATCH_HEAD_BYTES), compress(codec, batch.subarray(BATCH_HEAD_BYTES))]);
  whole.writeInt32BE(whole.length - LENGTH_OVERHEAD, 8);
  whole.writeInt16BE(codec, 21);
  writeChecksum(whole);
  return whole;
}
