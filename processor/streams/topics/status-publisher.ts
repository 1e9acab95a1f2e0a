import kafkajs from '#kafkajs';
import { CODE, hasCode } from '../kafka/kafka-errors.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { InstanceStatus } from '../task/instance-status.ts';
import { statusTopic } from '../topology/topology.ts';

const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Publishes this instance's status once an interval, and a tombstone when it leaves: it is gone from `processor` at
 * once.
 */
export class StatusPublisher {
  readonly #producer: kafkajs.Producer;
  readonly #options: { applicationId: string; intervalMs: number; logger: Logger; status: () => InstanceStatus };
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #connected = false;
  /** The topic did not take a report as it is. */
  #packs = false;
  #reported = false;

  constructor(
    kafka: kafkajs.Kafka,
    options: { applicationId: string; intervalMs: number; logger: Logger; status: () => InstanceStatus },
  ) {
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    this.#options = options;
  }

  start(): void {
    const { intervalMs, status } = this.#options;
    const publish = (): void => {
      // A report that could not be sent is not queued: the next one says more.
      this.#sending ??= this.#send(JSON.stringify(status())).finally(() => {
        this.#sending = undefined;
      });
    };
    publish();
    this.#timer = setInterval(publish, intervalMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.race([this.#leave(), new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())]);
  }

  async #leave(): Promise<void> {
    await this.#sending;
    await this.#send(null);
    await this.#producer.disconnect().catch(() => undefined);
  }

  async #send(value: string | null): Promise<void> {
    const { applicationId, logger, status } = this.#options;
    try {
      if (!this.#connected) await this.#producer.connect();
      this.#connected = true;
      await this.#producer.send({
        topic: statusTopic(applicationId),
        acks: 1,
        compression: this.#packs ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None,
        messages: [{ key: status().id, value }],
      });
    } catch (error) {
      if (hasCode(error, CODE.MESSAGE_TOO_LARGE, CODE.RECORD_LIST_TOO_LARGE) && value !== null) {
        if (this.#packs && !this.#reported)
          logger.warn(
            { bytes: value.length },
            `the status of this instance is larger than ${statusTopic(applicationId)} takes, and is not ` +
              `published: raise its max.message.bytes`,
          );
        this.#reported = this.#packs;
        this.#packs = true;
      }
      logger.debug({ error: messageOf(error) }, 'the status could not be published');
    }
  }
}
