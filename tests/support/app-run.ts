import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, Producer } from 'kafkajs';
import type { KafkaConnectionConfig, StreamsConfigInput } from '@tributary/streams';
import { createKafka, hasCode, isBrokerAway } from '@tributary/streams/operations';
import { seededRandom, type SeededRandom } from '../../tools/producer/seeded-random.ts';
import type { TestBroker } from './broker.ts';
import { AppProcess, ECHO_PROCESSOR, killAll } from './app-process.ts';
import { committedOffsets, groupEmpty, settled } from './group-progress.ts';
import { quietLogger } from './quiet-logger.ts';
import { found, until, DEADLINE_MS } from './until.ts';

export interface AppRunOptions {
  readonly connection: KafkaConnectionConfig;
  /**
   * The application's alone. The test's own clients, the oracle's among them, wait as long as is usual: on a busy
   * machine an answer may take longer than an impatient application waits.
   */
  readonly requestTimeoutMs?: number;
  /** Unique on the broker: topics and group are named after it. */
  readonly name: string;
  readonly seed: number;
  readonly partitions?: number;
  /** Of all topics, the runtime's own among them; 1 by default. */
  readonly replicas?: number;
  /** Where the runtime's source is: a mutant's copy, or the project. */
  readonly root?: string;
  /** Over CHAOS_CONFIG. */
  readonly config?: Partial<StreamsConfigInput>;
  /** Time-outs and intervals as users get them, instead of CHAOS_CONFIG: for what is measured. */
  readonly productionDefaults?: boolean;
  /** Where the stores are: a directory of the caller's, which stays. Without it a new one, which does not. */
  readonly stateDir?: string;
}

/** What a run needs to know of the application that runs. */
export interface RunApplication {
  /** Beside echo-app.ts. */
  readonly topologyModule: string;
  readonly topologyOptions: unknown;
  /** What the group must have read to its end. */
  readonly inputTopics: readonly string[];
  /** The one whose records flow while a fault strikes. */
  readonly flowTopic: string;
  readonly tasks: number;
}

/** Short enough for tests to wait for; the broker of a chaos test must allow them (CHAOS_BROKER). */
const CHAOS_CONFIG = {
  commitIntervalMs: 40,
  sessionTimeoutMs: 1_500,
  heartbeatIntervalMs: 200,
  transactionTimeoutMs: 3_000,
  rebalanceTimeoutMs: 6_000,
  statusIntervalMs: 250,
  threadReplaceBackoffMs: 50,
} satisfies Partial<StreamsConfigInput>;

/** The default, said aloud: how old what a process says of itself may be. */
const PRODUCTION_STATUS = { statusIntervalMs: 1_000 } satisfies Partial<StreamsConfigInput>;

/** Broker properties under which a dead member is missed, and a dead transaction aborted, within seconds. */
export const CHAOS_BROKER: Readonly<Record<string, string>> = {
  'group.min.session.timeout.ms': '500',
  // The oracle replays changelogs as they were written.
  'log.cleaner.enable': 'false',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
};

/** Input that goes on while a fault strikes. */
export interface Flow {
  /** Resolves when all of a limited flow is published; never, when it has no limit. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}
const BROKER_AWAY_RETRY_MS = 100;
/** OUT_OF_ORDER_SEQUENCE_NUMBER, DUPLICATE_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID. */
const SEQUENCE_CODES = [45, 46, 59] as const;

/** One run of an application: its processes, what is sent to it, and the verdict at the end. */
export abstract class AppRun {
  readonly applicationId: string;
  readonly partitions: number;
  readonly apps: AppProcess[] = [];
  readonly random: SeededRandom;
  readonly stateDir: string;
  readonly #options: AppRunOptions;
  #producer: Producer | undefined;
  #closed = false;

  protected constructor(options: AppRunOptions, stateDir: string) {
    this.#options = options;
    this.applicationId = options.name;
    this.partitions = options.partitions ?? 3;
    this.random = seededRandom(options.seed);
    this.stateDir = stateDir;
  }

  protected static async stateDirOf({ stateDir }: AppRunOptions): Promise<string> {
    return stateDir ?? (await mkdtemp(join(tmpdir(), 'tributary-echo-')));
  }

  protected abstract get application(): RunApplication;

  /** The oracle alone. */
  abstract verify(): Promise<string[]>;

  protected get closed(): boolean {
    return this.#closed;
  }

  /**
   * Something has happened: each partition of the input is committed further than it is now. Under a flow this comes
   * about on however slow a machine, where a pause would let nothing happen at all.
   */
  async goesOn(): Promise<void> {
    const offsets = (): Promise<Map<string, number>> => committedOffsets(this.#options.connection, this.applicationId);
    // A broker that is away says nothing: whatever is committed would be further than that.
    const before = await found(offsets, 'the committed offsets are known');
    const names = Array.from(
      { length: this.partitions },
      (_, partition) => `${this.application.flowTopic}-${String(partition)}`,
    );
    const further = async (): Promise<boolean> => {
      const now = await offsets().catch(() => before);
      return names.every((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0));
    };
    await until(
      further,
      () => `each input partition is committed further\n${this.apps.map((app) => app.log(10)).join('\n---\n')}`,
    );
  }

  /** Another processor. `env`: CRASH_AT and the like. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    const { connection, requestTimeoutMs, config, replicas = 1, root } = this.#options;
    const { topologyModule, topologyOptions } = this.application;
    const app = await AppProcess.start({
      main: ECHO_PROCESSOR,
      ...(root === undefined ? {} : { root }),
      env: {
        KAFKA_BROKERS: connection.brokers.join(','),
        CLIENT_ID: this.applicationId,
        ...(requestTimeoutMs === undefined ? {} : { REQUEST_TIMEOUT_MS: String(requestTimeoutMs) }),
        TOPOLOGY_MODULE: `./${topologyModule}`,
        ECHO_TOPOLOGY: JSON.stringify(topologyOptions),
        ECHO_CONFIG: JSON.stringify({
          ...this.#baseConfig,
          applicationId: this.applicationId,
          stateDir: this.stateDir,
          internalReplicationFactor: replicas,
          ...config,
        }),
        ...env,
      },
    });
    this.apps.push(app);
    return app;
  }

  /** Starts a processor that is to kill itself at a crash point; answers when it has. */
  async crash(at: string, after: number): Promise<AppProcess> {
    const app = await this.start({ CRASH_AT: at, CRASH_AFTER: String(after) });
    app.expectEnd();
    await until(
      () => !app.running,
      () => `it crashes at ${at}\n${app.log()}`,
    );
    const { code } = await app.exited;
    if (code !== 137) throw new Error(`it did not crash at ${at}: exit code ${String(code)}\n${app.log()}`);
    return app;
  }

  /** The processes that should be alive. */
  wanted(): AppProcess[] {
    return this.apps.filter((app) => !app.endWanted);
  }

  /** All input is processed. */
  async settled(boundMs = DEADLINE_MS, apps: () => AppProcess[] = () => this.wanted()): Promise<void> {
    await settled(
      {
        connection: this.#options.connection,
        applicationId: this.applicationId,
        inputTopics: this.application.inputTopics,
        tasks: this.application.tasks,
        apps,
        statusIntervalMs: this.#baseConfig.statusIntervalMs,
      },
      boundMs,
    );
  }

  /** Settles, stops every process, and answers what is wrong: nothing, when the runtime kept its word. */
  async verdict(boundMs = DEADLINE_MS): Promise<string[]> {
    await this.settled(boundMs);
    const exits = await Promise.all(this.wanted().map((app) => app.stop()));
    const problems = exits.flatMap(({ code }) =>
      code === 0 ? [] : [`a processor ended its clean stop with exit code ${String(code)}`],
    );
    if (!(await groupEmpty(this.#options.connection, this.applicationId, 2_000)))
      problems.push('the group still has members after a clean stop');
    return [...problems, ...(await this.verify())];
  }

  /** What a failure is explained from: what the broker wrote, the stores, and every word of the processors. */
  async keepEvidence(broker: TestBroker, directory: string): Promise<void> {
    await killAll(this.apps);
    await broker.keepEvidence(join(directory, 'broker'));
    await cp(this.stateDir, join(directory, 'state'), { recursive: true });
    for (const [index, app] of this.apps.entries())
      await writeFile(join(directory, `processor-${String(index)}.log`), app.log(Infinity));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await killAll(this.apps);
    await this.#producer?.disconnect();
    if (this.#options.stateDir === undefined) await rm(this.stateDir, { recursive: true, force: true });
  }

  get #baseConfig(): typeof CHAOS_CONFIG | { readonly statusIntervalMs: number } {
    return this.#options.productionDefaults === true ? PRODUCTION_STATUS : CHAOS_CONFIG;
  }

  /** Sends once. Outlives a broker that is away. */
  protected async send(topic: string, messages: Message[]): Promise<void> {
    while (!this.#closed) {
      try {
        this.#producer ??= await this.#connectProducer();
        await this.#producer.send({ topic, messages });
        return;
      } catch (error) {
        // Whether it arrived is not known. It does not matter: the oracle reads the input from the topic.
        if (!isBrokerAway(error) && !hasCode(error, ...SEQUENCE_CODES)) throw error;
        // kafkajs took its sequence numbers back: if the batch did arrive, all that this producer sends is refused from
        // here on.
        await this.#producer?.disconnect().catch(() => undefined);
        this.#producer = undefined;
        await sleep(BROKER_AWAY_RETRY_MS);
      }
    }
  }

  async #connectProducer(): Promise<Producer> {
    const kafka = createKafka({ ...this.#options.connection, clientId: 'test-producer' }, quietLogger);
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    return producer;
  }
}
