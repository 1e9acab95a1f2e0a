import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { loginGenerator } from '../../tools/producer/login-generator.ts';
import { publishLogins } from '../../tools/producer/login-publisher.ts';
import { AppProcess, killAll, LOGIN_PROCESSOR } from './app-process.ts';
import { committedOffsets, settled } from './group-progress.ts';
import { committedNumbers, deadLetterProblems, expectedNumbers, type LoginNumbers } from './login-results.ts';
import { quietLogger } from './quiet-logger.ts';
import { readTopic } from './topic-reader.ts';
import { createTopics } from './topics.ts';
import { until, DEADLINE_MS } from './until.ts';
import { publishOnce, testProducer } from './test-producer.ts';

export const LOGIN_API = 'schema/logins/main.ts';
const PARTITIONS = 4;
const HOUR_MS = 3_600_000;

export interface LoginRunOptions {
  readonly connection: KafkaConnectionConfig;
  /** Unique on the broker: application, topics and group are named after it. */
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PublishOptions {
  readonly seed: number;
  readonly count: number;
  readonly dirtyShare?: number;
  /** Null: as fast as the broker takes them. */
  readonly ratePerSecond?: number | null;
  /** Event times are spread evenly from here to `toMs`; by default over the six hours that end an hour ago. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** One run of the login application: its topics, its processes, and its numbers beside a recount. */
export class LoginRun {
  readonly applicationId: string;
  readonly input: string;
  readonly deadLetterTopic: string;
  readonly stateDir: string;
  readonly apps: AppProcess[] = [];
  readonly #options: LoginRunOptions;

  private constructor(options: LoginRunOptions, stateDir: string) {
    this.#options = options;
    this.applicationId = options.name;
    this.input = `${options.name}-input`;
    this.deadLetterTopic = `${options.name}-dlq`;
    this.stateDir = stateDir;
  }

  static async open(options: LoginRunOptions): Promise<LoginRun> {
    const run = new LoginRun(options, await mkdtemp(join(tmpdir(), 'tributary-logins-')));
    await createTopics(options.connection.brokers, { topic: run.input, partitions: PARTITIONS });
    return run;
  }

  get env(): Record<string, string> {
    const { connection, env } = this.#options;
    return {
      KAFKA_BROKERS: connection.brokers.join(','),
      APPLICATION_ID: this.applicationId,
      INPUT_TOPIC: this.input,
      DEAD_LETTER_TOPIC: this.deadLetterTopic,
      STATE_DIR: this.stateDir,
      ...env,
    };
  }

  /** Publishes seeded logins under random keys; answers when the broker has all of them. */
  async publish(options: PublishOptions): Promise<void> {
    const { seed, count, dirtyShare = 0.05, ratePerSecond = null } = options;
    const { fromMs = Date.now() - 7 * HOUR_MS, toMs = Date.now() - HOUR_MS } = options;
    const stepMs = (toMs - fromMs) / count;
    await publishLogins(
      {
        topic: this.input,
        generate: loginGenerator({ seed, dirtyShare }),
        eventTimeMs: (nth) => fromMs + nth * stepMs,
        count,
        ratePerSecond,
      },
      {
        kafka: { ...this.#options.connection, clientId: 'test-producer' },
        log: quietLogger,
        signal: new AbortController().signal,
        onProgress: () => undefined,
      },
    );
  }

  /** Publishes records as they stand, e.g. with headers. */
  async publishRaw(
    messages: { key: string | null; value: Buffer | null; headers?: Record<string, Buffer>; partition?: number }[],
  ): Promise<void> {
    await publishOnce(this.#options.connection, { topic: this.input, messages });
  }

  /** For tests that pace themselves: `send` hands clean logins of this moment over and returns at once. */
  async publisher(seed: number): Promise<{ send(count: number): void; close(): Promise<void> }> {
    const producer = await testProducer(this.#options.connection);
    const generate = loginGenerator({ seed });
    const sends: Promise<unknown>[] = [];
    return {
      send: (count) => {
        const messages = Array.from({ length: count }, () => {
          const { key, value } = generate(Date.now());
          return { key, value };
        });
        sends.push(producer.send({ topic: this.input, messages }));
      },
      close: async () => {
        await Promise.all(sends);
        await producer.disconnect();
      },
    };
  }

  async start(env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    const app = await AppProcess.start({ main: LOGIN_PROCESSOR, env: { ...this.env, ...env } });
    this.apps.push(app);
    return app;
  }

  /** An instance of the API over the results. */
  async startApi(env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    const api = await AppProcess.start({ main: LOGIN_API, env: { ...this.env, ...env } });
    await api.untilReady();
    return api;
  }

  wanted(): AppProcess[] {
    return this.apps.filter((app) => !app.endWanted);
  }

  /** Resolves when so many input records are committed. */
  async untilCommitted(records: number): Promise<void> {
    let committed = 0;
    const enough = async (): Promise<boolean> => {
      const offsets = await committedOffsets(this.#options.connection, this.applicationId).catch(
        () => new Map<string, number>(),
      );
      committed = [...offsets].reduce(
        (sum, [name, offset]) => (name.startsWith(`${this.input}-`) ? sum + offset : sum),
        0,
      );
      return committed >= records;
    };
    await until(
      enough,
      () =>
        `${String(records)} records are committed, there are ` +
        `${String(committed)}\n${this.apps.map((app) => app.log(10)).join('\n---\n')}`,
    );
  }

  async settled(boundMs = DEADLINE_MS): Promise<void> {
    await settled(
      {
        connection: this.#options.connection,
        applicationId: this.applicationId,
        inputTopics: [this.input],
        tasks: 2 * PARTITIONS,
        apps: () => this.wanted(),
      },
      boundMs,
    );
  }

  /** The same of processes of which some may end by themselves. */
  async settledBy(apps: readonly AppProcess[]): Promise<void> {
    await settled({
      connection: this.#options.connection,
      applicationId: this.applicationId,
      inputTopics: [this.input],
      tasks: 2 * PARTITIONS,
      apps: () => apps,
    });
  }

  /** Settles; answers the recount of the input, the committed numbers, and what is wrong with the dead letters. */
  async outcome(): Promise<{
    expected: LoginNumbers;
    found: LoginNumbers;
    late: number;
    deadLetterProblems: string[];
  }> {
    const { connection } = this.#options;
    await this.settled();
    const [input, letters, { late, ...found }] = await Promise.all([
      readTopic(connection, this.input),
      readTopic(connection, this.deadLetterTopic),
      committedNumbers(connection, this.applicationId),
    ]);
    const records = input.partitions.flat();
    const nowMs = Date.now();
    return {
      expected: expectedNumbers(records, nowMs),
      found,
      late,
      deadLetterProblems: deadLetterProblems(records, letters.partitions.flat(), nowMs),
    };
  }

  async close(): Promise<void> {
    await killAll(this.apps);
    await rm(this.stateDir, { recursive: true, force: true });
  }
}
