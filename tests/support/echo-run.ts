import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf, repartitionTopic } from '@tributary/streams/operations';
import { seededRandom, type SeededRandom } from '../../tools/producer/seeded-random.ts';
import { AppRun, type AppRunOptions, type Flow, type RunApplication } from './app-run.ts';
import { BY_BUCKET, bucketsTopic, echoTopic, runningTopic, type EchoTopologyOptions } from './echo-topology.ts';
import { verifyEcho } from './oracle.ts';
import { createTopics } from './topics.ts';

export { CHAOS_BROKER, type Flow } from './app-run.ts';

export interface EchoRunOptions extends AppRunOptions {
  /** How many different keys the records have, 200 by default. */
  readonly keys?: number;
  readonly throwAt?: string;
}

const KEYS = 200;
const RECORDS_PER_SEND = 500;
const MOST_PER_BURST = 200;
const BURST_INTERVAL_MS = 30;

/** One run of the echo application: its topics, its input, and the oracle that knows it. */
export class EchoRun extends AppRun {
  readonly input: string;
  readonly #options: EchoRunOptions;
  readonly #published: number[];
  /** Of the records alone: what a test draws in the meantime does not change them, so that a seed repeats both. */
  readonly #inputRandom: SeededRandom;

  private constructor(options: EchoRunOptions, stateDir: string) {
    super(options, stateDir);
    this.#options = options;
    this.input = `${options.name}-input`;
    this.#inputRandom = seededRandom(options.seed + 1);
    this.#published = Array.from({ length: this.partitions }, () => 0);
  }

  static async open(options: EchoRunOptions): Promise<EchoRun> {
    const run = new EchoRun(options, await AppRun.stateDirOf(options));
    const topics = [run.input, echoTopic(run.input), runningTopic(run.input), bucketsTopic(run.input)];
    await createTopics(
      options.connection.brokers,
      ...topics.map((topic) => ({ topic, partitions: run.partitions, replicas: options.replicas ?? 1 })),
    );
    return run;
  }

  protected override get application(): RunApplication {
    const { throwAt } = this.#options;
    return {
      topologyModule: 'echo-topology.ts',
      topologyOptions: {
        input: this.input,
        ...(throwAt === undefined ? {} : { throwAt }),
      } satisfies EchoTopologyOptions,
      inputTopics: [this.input],
      flowTopic: this.input,
      tasks: 2 * this.partitions,
    };
  }

  /** Publishes records as fast as the broker takes them. Outlives a broker that is away. */
  async publish(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += RECORDS_PER_SEND)
      await this.#send(Math.min(RECORDS_PER_SEND, count - sent));
  }

  /**
   * Publishes in bursts of random size, so that there is input under way when a fault strikes: until it is told to
   * stop, or so many records spread over so long a time.
   */
  flow(limit?: { readonly records: number; readonly overMs: number }): Flow {
    let flowing = true;
    const averageBurst =
      limit === undefined ? MOST_PER_BURST / 2 : Math.max(1, (limit.records * BURST_INTERVAL_MS) / limit.overMs);
    const run = async (): Promise<void> => {
      for (let left = limit?.records ?? Infinity; flowing && !this.closed && left > 0;) {
        const burst = Math.min(left, 1 + this.#inputRandom.below(Math.ceil(2 * averageBurst)));
        await this.publish(burst);
        left -= burst;
        await sleep(BURST_INTERVAL_MS);
      }
    };
    const running = run();
    return {
      done: limit === undefined ? new Promise<void>(() => undefined) : running,
      stop: async () => {
        flowing = false;
        await running;
      },
    };
  }

  /** The partition that a task reads, as committed offsets name it. */
  inputOf(task: string): string {
    const [subTopology, partition] = task.split('_');
    return `${subTopology === '0' ? this.input : repartitionTopic(this.applicationId, BY_BUCKET)}-${String(partition)}`;
  }

  get publishedRecords(): number {
    return this.#published.reduce((sum, count) => sum + count, 0);
  }

  override verify(): Promise<string[]> {
    return verifyEcho({
      connection: this.#options.connection,
      applicationId: this.applicationId,
      input: this.input,
      stateDir: this.stateDir,
    });
  }

  async #send(count: number): Promise<void> {
    await this.send(
      this.input,
      Array.from({ length: count }, () => this.#record()),
    );
  }

  #record(): { partition: number; key: string; value: string } {
    const key = `key-${String(this.#inputRandom.below(this.#options.keys ?? KEYS))}`;
    const partition = partitionOf(Buffer.from(key), this.partitions);
    const index = this.#published[partition] as number;
    this.#published[partition] = index + 1;
    return {
      partition,
      key,
      value: `${String(partition)}/${String(index)}/${String(this.#inputRandom.below(100_000))}`,
    };
  }
}
