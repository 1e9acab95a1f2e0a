import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from 'kafkajs';
import { partitionOf } from '@tributary/streams/operations';
import { seededRandom, type SeededRandom } from '../../tools/producer/seeded-random.ts';
import { AppRun, type AppRunOptions, type Flow, type RunApplication } from './app-run.ts';
import { committedOffsets } from './group-progress.ts';
import { verifyOneOfEach } from './one-of-each-oracle.ts';
import {
  buildTopology,
  GRACE_MS,
  ROUND_MS,
  STREAMS_FROM_MS,
  topicsOf,
  type Action,
  type OneOfEachOptions,
  type OneOfEachTopics,
  type Order,
  type User,
  type Visit,
} from './one-of-each-topology.ts';
import { testAdmin } from './test-admin.ts';
import { createTopics } from './topics.ts';
import { until } from './until.ts';

export interface OneOfEachRunOptions extends AppRunOptions {
  /** How many different users there are, and orders; 60 by default. */
  readonly keys?: number;
  /** Of actions, and as many visits, in each round; 300 by default. */
  readonly perRound?: number;
}

const KEYS = 60;
const PER_ROUND = 300;
const BURSTS = 6;
const PAUSE_MS = 25;
const START_MS = 1_700_000_040_000;
/** The products' topic has another partition count than all others: a join by a foreign key does not mind. */
const PRODUCT_PARTITIONS = 2;
const COUNTRIES = ['AT', 'BE', 'CH', 'DE', 'ES'] as const;
const CITIES = ['Ulm', 'Bonn', 'Jena', 'Kiel', 'Trier', 'Worms'] as const;
/** Times are of the past: nothing is deleted for its age. */
const CONFIGS = { 'retention.ms': '-1' };

/**
 * One run of the application that has one of each. Its input comes in rounds, each with a minute of event time of its
 * own, and each read to its end before the next one begins:
 *
 *   tables  | changes of all tables, in any order
 *   streams | actions and visits, in any order of times within the round
 *
 * So a stream meets the rows of its round, whatever the commits are, and what is late by less than two rounds is not
 * late. After the last round a record far ahead in each partition of the streams closes all windows.
 */
export class OneOfEachRun extends AppRun {
  readonly topics: OneOfEachTopics;
  readonly #options: OneOfEachRunOptions;
  readonly #inputRandom: SeededRandom;
  #rounds = 0;
  #actions = 0;
  #records = 0;

  private constructor(options: OneOfEachRunOptions, stateDir: string) {
    super(options, stateDir);
    this.#options = options;
    this.topics = topicsOf(options.name);
    this.#inputRandom = seededRandom(options.seed + 1);
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
    // A global table is read to its end before anything is processed: what comes later has no moment of its own.
    await run.#send(
      run.topics.countries,
      COUNTRIES.slice(1).map((country) => ({ key: country, value: `in ${country}`, timestampMs: START_MS })),
    );
    return run;
  }

  /** Of the input, up to now. */
  get publishedRecords(): number {
    return this.#records;
  }

  get publishedRounds(): number {
    return this.#rounds;
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
    await this.#close();
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
    const fromMs = START_MS + this.#rounds * ROUND_MS;
    const { keys = KEYS, perRound = PER_ROUND } = this.#options;
    const random = this.#inputRandom;
    const rows = <V>(count: number, key: string, of: number, value: () => V): Sent[] =>
      Array.from({ length: count }, () => ({
        key: `${key}${String(random.below(of))}`,
        value: random.chance(0.15) ? null : JSON.stringify(value()),
        timestampMs: fromMs + random.below(STREAMS_FROM_MS),
      }));
    const changed = Math.ceil(keys / 2);
    await this.#send(
      users,
      rows<User>(changed, 'u', keys, () => ({ city: random.pick(CITIES), level: random.below(100) })),
    );
    await this.#send(profiles, rows(changed, 'u', keys, () => `profile ${String(random.below(1_000))}`).map(asText));
    await this.#send(
      orders,
      rows<Order>(changed, 'o', keys, () => ({ product: `p${String(random.below(keys))}`, amount: random.below(100) })),
    );
    await this.#send(
      products,
      rows(Math.ceil(changed / 2), 'p', keys, () => random.below(1_000)),
    );
    await this.#read([users, profiles, orders, products]);
    for (let burst = 0; burst < BURSTS && !this.closed; burst += 1) {
      const count = Math.ceil(perRound / BURSTS);
      const timeMs = (): number => fromMs + STREAMS_FROM_MS + random.below(ROUND_MS - STREAMS_FROM_MS);
      await this.#send(
        actions,
        Array.from({ length: count }, () => this.#action(`u${String(random.below(keys))}`, timeMs())),
      );
      await this.#send(
        visits,
        Array.from({ length: count }, () => this.#visit(`u${String(random.below(keys))}`, timeMs())),
      );
      await sleep(PAUSE_MS);
    }
    await this.#read([actions, visits]);
    this.#rounds += 1;
  }

  /** Moves the time of each partition of the streams past all that waits for it. */
  async #close(): Promise<void> {
    const { actions, visits } = this.topics;
    const timeMs = START_MS + this.#rounds * ROUND_MS + 10 * GRACE_MS;
    const closers = (key: string): string[] =>
      Array.from({ length: this.partitions }, (_, partition) => this.#keyOf(key, partition));
    await this.#send(
      actions,
      closers('closing-action').map((key) => this.#action(key, timeMs)),
    );
    await this.#send(
      visits,
      closers('closing-visit').map((key) => this.#visit(key, timeMs)),
    );
  }

  #keyOf(key: string, partition: number): string {
    for (let n = 0; ; n += 1) {
      const candidate = `${key}-${String(n)}`;
      if (partitionOf(Buffer.from(candidate), this.partitions) === partition) return candidate;
    }
  }

  #action(key: string, timestampMs: number): Sent {
    const random = this.#inputRandom;
    this.#actions += 1;
    const partition = partitionOf(Buffer.from(key), this.partitions);
    const action: Action = {
      id: `a${String(this.#actions)}`,
      number: random.below(100_000),
      group: `g${String(partition)}-${String(random.below(7))}`,
      country: random.pick(COUNTRIES),
      account: `account-${String(random.below(this.#options.keys ?? KEYS))}`,
    };
    return { key, value: JSON.stringify(action), timestampMs };
  }

  #visit(key: string, timestampMs: number): Sent {
    this.#actions += 1;
    const visit: Visit = { id: `v${String(this.#actions)}`, number: this.#inputRandom.below(1_000) };
    return { key, value: JSON.stringify(visit), timestampMs };
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

  async #send(topic: string, records: readonly Sent[]): Promise<void> {
    const partitions = topic === this.topics.products ? PRODUCT_PARTITIONS : this.partitions;
    await this.send(
      topic,
      records.map(({ key, value, timestampMs }): Message => ({
        key,
        value,
        partition: partitionOf(Buffer.from(key), partitions),
        timestamp: String(timestampMs),
        headers: { of: `${key} ${String(timestampMs)}` },
      })),
    );
    this.#records += records.length;
  }
}

interface Sent {
  readonly key: string;
  readonly value: string | null;
  readonly timestampMs: number;
}

/** The value of a topic of texts. */
const asText = (sent: Sent): Sent => ({ ...sent, value: sent.value === null ? null : String(JSON.parse(sent.value)) });
