import { setTimeout as sleep } from 'node:timers/promises';
import { AppRun, type AppRunOptions, type Flow, type RunApplication } from './app-run.ts';
import { committedOffsets } from './group-progress.ts';
import { OneOfEachInput, PRODUCT_PARTITIONS, type InputOptions, type Sending } from './one-of-each-input.ts';
import { verifyOneOfEach } from './one-of-each-oracle.ts';
import { buildTopology, topicsOf, type OneOfEachOptions, type OneOfEachTopics } from './one-of-each-topology.ts';
import { testAdmin } from './test-admin.ts';
import { createTopics } from './topics.ts';
import { until } from './until.ts';

export type OneOfEachRunOptions = AppRunOptions & Pick<InputOptions, 'keys' | 'perRound'>;

const PAUSE_MS = 25;
/** Times are of the past: nothing is deleted for its age. */
const CONFIGS = { 'retention.ms': '-1' };

/** One run of the application that has one of each, its input, and the oracle that knows it. */
export class OneOfEachRun extends AppRun {
  readonly topics: OneOfEachTopics;
  readonly #options: OneOfEachRunOptions;
  readonly #input: OneOfEachInput;
  #records = 0;

  private constructor(options: OneOfEachRunOptions, stateDir: string) {
    super(options, stateDir);
    this.#options = options;
    this.topics = topicsOf(options.name);
    const { topics, partitions } = this;
    this.#input = new OneOfEachInput({ ...options, seed: options.seed + 1, topics, partitions });
  }

  static async open(options: OneOfEachRunOptions): Promise<OneOfEachRun> {
    const run = new OneOfEachRun(options, await AppRun.stateDirOf(options));
    const { replicas = 1, connection } = options;
    await createTopics(
      connection.brokers,
      ...Object.values(run.topics).map((topic: string) => ({
        topic,
        partitions: topic === run.topics.products ? PRODUCT_PARTITIONS : run.partitions,
        replicas,
        configs: CONFIGS,
      })),
    );
    await run.#send(run.#input.countries());
    return run;
  }

  /** Of the input, up to now. */
  get publishedRecords(): number {
    return this.#records;
  }

  get publishedRounds(): number {
    return this.#input.rounds;
  }

  protected override get application(): RunApplication {
    const { actions, visits, users, profiles, orders, products } = this.topics;
    const topologyOptions: OneOfEachOptions = { name: this.applicationId };
    const { subTopologies } = buildTopology(topologyOptions);
    const partitions = subTopologies.map(({ sources }) =>
      sources.some((source) => 'topic' in source && source.topic === products) ? PRODUCT_PARTITIONS : this.partitions,
    );
    return {
      topologyModule: 'one-of-each-topology.ts',
      topologyOptions,
      inputTopics: [actions, visits, users, profiles, orders, products],
      flowTopic: actions,
      tasks: partitions.reduce((sum, count) => sum + count, 0),
    };
  }

  /** Rounds, one after another, until it is told to stop: then the one that is under way comes to its end. */
  flow(): Flow {
    let flowing = true;
    const run = async (): Promise<void> => {
      while (flowing && !this.closed) await this.#round();
    };
    const running = run();
    // Whoever stops it is told.
    running.catch(() => undefined);
    return {
      done: new Promise<void>(() => undefined),
      stop: async () => {
        flowing = false;
        await running;
      },
    };
  }

  /** So many rounds. Somebody must process them. */
  async publish(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) await this.#round();
  }

  override async verdict(boundMs?: number): Promise<string[]> {
    for (const sending of this.#input.last()) await this.#send(sending);
    return super.verdict(boundMs);
  }

  override verify(): Promise<string[]> {
    return verifyOneOfEach({
      connection: this.#options.connection,
      applicationId: this.applicationId,
      stateDir: this.stateDir,
    });
  }

  async #round(): Promise<void> {
    const { actions, visits, users, profiles, orders, products } = this.topics;
    for (const sending of this.#input.tables()) await this.#send(sending);
    await this.#read([users, profiles, orders, products]);
    for (const sending of this.#input.streams()) {
      await this.#send(sending);
      await sleep(PAUSE_MS);
    }
    await this.#read([actions, visits]);
  }

  /** Resolves when the group has committed all that these topics hold. */
  async #read(topics: readonly string[]): Promise<void> {
    if (this.closed) return;
    const { connection } = this.#options;
    const admin = await testAdmin(connection);
    try {
      let why = '';
      const isRead = async (): Promise<boolean> => {
        if (this.closed) return true;
        const committed = await committedOffsets(connection, this.applicationId).catch(() => new Map<string, number>());
        for (const topic of topics)
          for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
            const at = committed.get(`${topic}-${String(partition)}`) ?? 0;
            why = `${topic}-${String(partition)} stands at ${String(at)} of ${high}`;
            if (at < Number(high)) return false;
          }
        return true;
      };
      await until(isRead, () => `a round is read: ${why}\n${this.apps.map((app) => app.log(15)).join('\n---\n')}`);
    } finally {
      await admin.disconnect();
    }
  }

  async #send({ topic, records }: Sending): Promise<void> {
    await this.send(
      topic,
      records.map(({ timestampMs, headers, ...record }) => ({
        ...record,
        timestamp: String(timestampMs),
        headers: { ...headers },
      })),
    );
    this.#records += records.length;
  }
}
