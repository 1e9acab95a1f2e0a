import kafkajs from '#kafkajs';
import { READ_COMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import { asAccessDenied, LeaderNotKnownError } from '../kafka/kafka-errors.ts';
import { RecordFetcher, type FetchCluster } from '../reading/record-fetcher.ts';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { APPLICATION_RECORD_KEY } from '../store/runtime-rows.ts';
import { statusTopic } from '../topology/topology.ts';
import { signatureMismatch, type TopologySignature } from '../topology/signature.ts';

/**
 * What the first instance found, written once: every later one compares before it touches anything, with or without
 * stores on its disk (docs/decisions/0010-the-application-record.md).
 */
export interface ApplicationRecord {
  readonly topology: TopologySignature;
  /** Of sources and internal topics: a topic that was made anew has another id. */
  readonly topicIds: Readonly<Record<string, string>>;
  /** Of what is written into each kind of topic, `TOPIC_FORMATS`; undefined: what the first releases wrote, all 1. */
  readonly formats?: Readonly<Record<string, number>> | undefined;
}

/**
 * Which form this release writes of each kind of topic. A form that a release before would read wrongly gets the next
 * number: that release is refused then, where it would have been wrong in silence (UPGRADING.md).
 */
export const TOPIC_FORMATS: Readonly<Record<string, number>> = { changelogs: 1, offsets: 1, repartition: 1, status: 1 };

const TAKE_TIMEOUT_MS = 250;
/** What is asked for is there: longer than that a start would wait for news behind it. */
const LAST_POLL_MS = 5;
const READ_TIMEOUT_MS = 10_000;

interface RecordCluster extends FetchCluster, Pick<KafkaCluster, 'offsetRange'> {}

/** What the status topic says of the application, as far as it has been read. */
class RecordHistory {
  /** In the order they were written. A tombstone takes back what was before it. */
  found: ApplicationRecord[] = [];
  /** The newest is none that a release has written. A record makes up for one before it that cannot be read. */
  #unreadableAt: number | undefined;
  #next = 0;

  /** Reads on up to the end of now; the topic must exist. */
  async readOn(cluster: RecordCluster, topic: string, logger: Logger): Promise<void> {
    await cluster.track([topic]);
    const { first, end } = await cluster.offsetRange(topic, 0, READ_COMMITTED);
    // Made anew, where the brokers have no ids for topics.
    if (end < this.#next) this.forget();
    const start = Math.max(first, this.#next);
    if (start >= end) return;
    const fetcher = new RecordFetcher(cluster, logger, {
      maxWaitMs: LAST_POLL_MS,
      isolationLevel: READ_COMMITTED,
    });
    try {
      const deadline = performance.now() + READ_TIMEOUT_MS;
      fetcher.seek(topic, 0, start);
      for (this.#next = start; this.#next < end;) {
        for (const { records, nextOffset } of await fetcher.take(TAKE_TIMEOUT_MS)) {
          for (const record of records) this.#take(record);
          this.#next = nextOffset;
        }
        if (this.#next < end && performance.now() > deadline) throw new LeaderNotKnownError(topic, 0);
      }
    } finally {
      await fetcher.close();
    }
  }

  forget(): void {
    this.found = [];
    this.#unreadableAt = undefined;
    this.#next = 0;
  }

  /** @throws StreamsError INTERNAL_TOPIC_INVALID when the newest is none that a release has written. */
  checkNewest(topic: string): void {
    if (this.#unreadableAt !== undefined) throw unreadableRecord(topic, this.#unreadableAt);
  }

  #take({ key, value, offset }: FetchedRecord): void {
    if (key?.toString() !== APPLICATION_RECORD_KEY) return;
    const record = value === null ? undefined : parseApplicationRecord(value);
    this.#unreadableAt = value !== null && record === undefined ? offset : undefined;
    if (value === null) this.found = [];
    if (record !== undefined) this.found.push(record);
  }
}

/**
 * All records of the application in the order they were written; the topic must exist.
 * @throws StreamsError INTERNAL_TOPIC_INVALID when the newest is none that a release has written; what the broker says.
 */
async function readRecords(
  cluster: RecordCluster,
  applicationId: string,
  logger: Logger,
): Promise<ApplicationRecord[]> {
  const topic = statusTopic(applicationId);
  const history = new RecordHistory();
  await history.readOn(cluster, topic, logger);
  history.checkNewest(topic);
  return history.found;
}

/**
 * Reads the record again and again, from outside: it is not there before the first start, and each release may add to
 * it. What has been read of the status topic is not read a second time.
 */
export class ApplicationRecordReader {
  readonly #cluster: RecordCluster & Pick<KafkaCluster, 'topicIds'>;
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #history = new RecordHistory();
  #topicId: string | undefined;

  constructor(cluster: RecordCluster & Pick<KafkaCluster, 'topicIds'>, applicationId: string, logger: Logger) {
    this.#cluster = cluster;
    this.#topic = statusTopic(applicationId);
    this.#logger = logger;
  }

  /**
   * The newest record; undefined before the first start. @throws StreamsError INTERNAL_TOPIC_INVALID when it cannot be
   * read, FORMAT_UNKNOWN of a newer release's; what the broker says, of a topic that is not there, too.
   */
  async read(): Promise<ApplicationRecord | undefined> {
    const id = (await this.#cluster.topicIds([this.#topic])).get(this.#topic);
    if (id !== this.#topicId) this.#history.forget();
    this.#topicId = id;
    await this.#history.readOn(this.#cluster, this.#topic, this.#logger);
    this.#history.checkNewest(this.#topic);
    const newest = this.#history.found.at(-1);
    if (newest !== undefined) refuseNewerFormats(newest, this.#topic);
    return newest;
  }
}

/** Undefined for what is no record of the application. */
export function parseApplicationRecord(value: Buffer): ApplicationRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('topology' in parsed) || !('topicIds' in parsed))
      return undefined;
    const { topology, topicIds } = parsed;
    const formats: unknown = 'formats' in parsed ? parsed.formats : undefined;
    if (!isTexts(topology) || !isTexts(topicIds) || (formats !== undefined && !isNumbers(formats))) return undefined;
    return formats === undefined ? { topology, topicIds } : { topology, topicIds, formats };
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isAllOf('string', value);
}

function isNumbers(value: unknown): value is Readonly<Record<string, number>> {
  return isAllOf('number', value);
}

function isAllOf(type: 'string' | 'number', value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === type)
  );
}

/** A release that knows less of it than the one that wrote the record would read the application's topics wrongly. */
export function refuseNewerFormats({ formats = {} }: ApplicationRecord, topic: string): void {
  for (const [kind, format] of Object.entries(formats)) {
    const known = TOPIC_FORMATS[kind] ?? 0;
    if (format <= known) continue;
    throw new StreamsError(
      'FORMAT_UNKNOWN',
      `a newer release has worked on this application: ${topic} says that its ${kind} have the format ` +
        `${String(format)}, and this release knows ${known === 0 ? 'none' : String(known)}. Start that release, or a ` +
        `newer one`,
      { topic },
    );
  }
}

/** This release writes something in a newer form than the record says, or the record says nothing of it. */
export function hasNewerFormats({ formats = {} }: ApplicationRecord): boolean {
  return Object.entries(TOPIC_FORMATS).some(([kind, format]) => (formats[kind] ?? 0) < format);
}

function unreadableRecord(topic: string, offset: number): StreamsError {
  const takeBack =
    `a record with the key ${APPLICATION_RECORD_KEY} and no value: the next start then writes it anew, and ` +
    `compares topology and topics only with the stores on its disk`;
  return new StreamsError(
    'INTERNAL_TOPIC_INVALID',
    `${topic}-0 offset ${String(offset)} does not say what this application is: something else has written it ` +
      `under the key ${APPLICATION_RECORD_KEY}. Stop that, and take the record back (${takeBack}) or, if ` +
      `starting over is meant, ${RESET_REMEDY}`,
    { topic, partition: 0, offset, remedy: 'reset' },
  );
}

/**
 * Undefined before the first start. @throws StreamsError INTERNAL_TOPIC_INVALID when it cannot be read; what the broker
 * says.
 */
export async function readApplicationRecord(
  cluster: RecordCluster,
  applicationId: string,
  logger: Logger,
): Promise<ApplicationRecord | undefined> {
  return (await readRecords(cluster, applicationId, logger)).at(-1);
}

/**
 * Writes the record; of two first instances that do so at the same moment the earlier one is right, and has the last
 * word.
 * @throws StreamsError TOPOLOGY_CHANGED when the other one has another topology.
 */
export async function writeApplicationRecord(
  kafka: kafkajs.Kafka,
  cluster: KafkaCluster,
  applicationId: string,
  record: ApplicationRecord,
  logger: Logger,
): Promise<void> {
  await send(kafka, applicationId, record);
  const [first] = await readRecords(cluster, applicationId, logger);
  if (first === undefined || signatureMismatch(first.topology, record.topology) === null) return;
  await send(kafka, applicationId, first);
  refuseOtherTopology(first, record.topology, applicationId);
}

/** @throws StreamsError TOPOLOGY_CHANGED */
export function refuseOtherTopology(
  record: ApplicationRecord,
  topology: TopologySignature,
  applicationId: string,
): void {
  const mismatch = signatureMismatch(record.topology, topology);
  if (mismatch === null) return;
  throw new StreamsError(
    'TOPOLOGY_CHANGED',
    `the application id ${applicationId} belongs to another topology, as ${statusTopic(applicationId)} says. ` +
      `${mismatch}. Use another applicationId, go back to the topology as it was or, if ` +
      `starting over is meant, ${RESET_REMEDY}`,
    { settings: ['applicationId'], remedy: 'reset' },
  );
}

async function send(kafka: kafkajs.Kafka, applicationId: string, record: ApplicationRecord): Promise<void> {
  const topic = statusTopic(applicationId);
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    await producer.send({
      topic,
      acks: -1,
      messages: [{ key: APPLICATION_RECORD_KEY, value: JSON.stringify(record) }],
    });
  } catch (error) {
    throw asAccessDenied(error, `writing to ${topic}`) ?? error;
  } finally {
    await producer.disconnect().catch(() => undefined);
  }
}
