import { setTimeout as delay } from 'node:timers/promises';
import type kafkajs from 'kafkajs';
import { type KafkaConnectionConfig, type Logger, StreamsError } from '@tributary/streams';
import {
  CODE,
  createKafka,
  fatalConnectionError,
  hasCode,
  isBrokerAway,
  waitingForKafka,
} from '@tributary/streams/operations';
import type { LoginGenerator } from './login-generator.ts';
import { Pace } from './pace.ts';

export interface PublishPlan {
  readonly topic: string;
  readonly generate: LoginGenerator;
  /** Event time of the nth login, from 0, epoch milliseconds. */
  readonly eventTimeMs: (nth: number) => number;
  /** Null: until it is stopped. */
  readonly count: number | null;
  /** Null: as fast as the broker takes them. */
  readonly ratePerSecond: number | null;
}

export interface PublishContext {
  readonly kafka: KafkaConnectionConfig;
  readonly log: Logger;
  /** Aborted: what is on its way is finished, nothing more is sent. */
  readonly signal: AbortSignal;
  /** After each acknowledged batch. */
  readonly onProgress: (published: number) => void;
}

type Message = kafkajs.Message;

/** Of four partitions' batches each stays far below the broker's limit of 1 MiB, and so does a single one's. */
const MOST_PER_SEND = 2_000;
/** Logins due within this time travel together. */
const LINGER_MS = 10;
const RETRY_MS = 1_000;
const LOG_EVERY_MS = 60_000;
const ACKS_ALL = -1;
const GIVE_UP_AFTER_ABORT_MS = 5_000;

/** The broker no longer knows this producer's sequence: only a new producer can go on. */
const SEQUENCE_LOST = [45, CODE.INVALID_PRODUCER_EPOCH, 59, CODE.PRODUCER_FENCED];

/**
 * Publishes logins until the plan is done or the signal is aborted; answers how many the broker acknowledged. A broker
 * that is away, and a topic that does not exist yet, are waited for, with one log line a minute. Each login is written
 * once: the producer is idempotent, one request is on its way at a time, and a failed one is repeated as it was.
 * @throws StreamsError at start: for a name that does not resolve, failed authentication, failed TLS.
 */
export async function publishLogins(plan: PublishPlan, context: PublishContext): Promise<number> {
  const { signal } = context;
  const link = new ProducerLink(plan.topic, context);
  try {
    if (!(await link.open())) return 0;
    const pace = plan.ratePerSecond === null ? null : new Pace(plan.ratePerSecond, performance.now());
    let published = 0;
    while (!signal.aborted && (plan.count === null || published < plan.count)) {
      const most = Math.min(MOST_PER_SEND, plan.count === null ? Infinity : plan.count - published);
      const due = pace === null ? most : pace.take(performance.now(), most);
      if (due > 0) {
        const first = published;
        const messages = Array.from({ length: due }, (_, i): Message => plan.generate(plan.eventTimeMs(first + i)));
        if (!(await link.send(messages))) break;
        published += due;
        context.onProgress(published);
      }
      if (pace !== null) await sleep(Math.max(LINGER_MS, pace.waitMs(performance.now())), signal);
    }
    return published;
  } finally {
    await link.close();
  }
}

/** A producer and what it takes to keep it going. */
class ProducerLink {
  readonly #topic: string;
  readonly #context: PublishContext;
  readonly #kafka: kafkajs.Kafka;
  #producer: kafkajs.Producer;
  #lastWaitLogMs = -Infinity;

  constructor(topic: string, context: PublishContext) {
    this.#topic = topic;
    this.#context = context;
    this.#kafka = createKafka(context.kafka, context.log);
    this.#producer = this.#newProducer();
  }

  /** Waits for the broker and the topic. False: aborted before both were there. */
  async open(): Promise<boolean> {
    const admin = this.#kafka.admin();
    let fatal = true;
    try {
      return await this.#persist(async () => {
        try {
          await admin.connect();
          await admin.fetchTopicMetadata({ topics: [this.#topic] });
          await this.#producer.connect();
          return true;
        } catch (error) {
          const cause = fatal ? await fatalConnectionError(error, this.#context.kafka.brokers) : undefined;
          if (cause !== undefined) throw cause;
          // Once a broker has been heard of, a name that does not resolve is a name server that is away.
          fatal = !isBrokerAway(error);
          throw error;
        }
      });
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  /** Sends until it is acknowledged. False: given up, because of the abort. */
  async send(messages: Message[]): Promise<boolean> {
    const { signal } = this.#context;
    return this.#persist(async () => {
      const sending = this.#producer.send({ topic: this.#topic, acks: ACKS_ALL, messages });
      if (!(await settlesBeforeGivingUp(sending, signal))) return false;
      await sending.catch(async (error: unknown) => {
        if (hasCode(error, ...SEQUENCE_LOST)) await this.#replaceProducer();
        throw error;
      });
      return true;
    });
  }

  async close(): Promise<void> {
    await Promise.race([
      this.#producer.disconnect().catch(() => undefined),
      delay(GIVE_UP_AFTER_ABORT_MS, undefined, { ref: false }),
    ]);
  }

  /** Repeats an action while what it needs is away. False: the action said so, or the wait was aborted. */
  async #persist(action: () => Promise<boolean>): Promise<boolean> {
    const { signal } = this.#context;
    while (!signal.aborted) {
      try {
        return await action();
      } catch (error) {
        if (error instanceof StreamsError || !(isBrokerAway(error) || hasCode(error, ...SEQUENCE_LOST))) throw error;
        this.#logWaiting(error);
      }
      await sleep(RETRY_MS, signal);
    }
    return false;
  }

  #logWaiting(error: unknown): void {
    const now = performance.now();
    if (now - this.#lastWaitLogMs < LOG_EVERY_MS) return;
    this.#lastWaitLogMs = now;
    const { kafka, log } = this.#context;
    if (hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION))
      log.warn(
        { topic: this.#topic },
        `waiting for the topic ${this.#topic}: the processor creates it at its first start`,
      );
    else log.warn({ brokers: kafka.brokers }, waitingForKafka(kafka.brokers, error));
  }

  #newProducer(): kafkajs.Producer {
    return this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: partitionByKey,
    });
  }

  async #replaceProducer(): Promise<void> {
    await this.#producer.disconnect().catch(() => undefined);
    this.#producer = this.#newProducer();
    await this.#producer.connect();
  }
}

/**
 * The partition of a random UUID, from its first eight digits: even, the same for the same key, and without the hash
 * that Kafka's own partitioner needs for keys that are not random. kafkajs takes a quarter of its time for that hash.
 */
function partitionByKey(): (args: kafkajs.PartitionerArgs) => number {
  return ({ message, partitionMetadata }) =>
    Number.parseInt(String(message.key).slice(0, 8), 16) % partitionMetadata.length;
}

/** Waits for a promise, however it ends, but not much longer than the signal. */
async function settlesBeforeGivingUp(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  if (signal.aborted) return Promise.race([settled, delay(GIVE_UP_AFTER_ABORT_MS, false, { ref: false })]);
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  const inTime = await Promise.race([
    settled,
    aborted.promise.then(() => delay(GIVE_UP_AFTER_ABORT_MS, false, { ref: false })),
  ]);
  signal.removeEventListener('abort', onAbort);
  return inTime;
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
