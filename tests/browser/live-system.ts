import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { statusTopic } from '../../processor/logins/names.ts';
import { buildClient } from '../../tools/development/client-build.ts';
import { testPort } from '../support/test-port.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { AppProcess, LOGIN_PROCESSOR } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import type { InstanceStatus } from '@tributary/streams';
import { publishOnce } from '../support/test-producer.ts';
import { found } from '../support/until.ts';

const API = 'schema/logins/main.ts';

const counts = z.object({ ios: z.number(), android: z.number(), other: z.number(), total: z.number() });
const answers = z.object({
  states: z.object({
    nodes: z.array(
      z.object({
        code: z.string(),
        name: z.string(),
        devices: counts,
        gdp: z.object({ millionsUsd: z.number(), class: z.string() }),
      }),
    ),
    totals: counts,
    unattributed: counts,
  }),
  dataQuality: z.object({
    consumed: z.number(),
    counted: z.number(),
    deadLettered: z.number(),
    deadLetters: z.array(z.object({ reason: z.string(), count: z.number() })),
    missing: z.array(z.object({ field: z.string(), count: z.number() })),
    invalid: z.array(z.object({ field: z.string(), count: z.number() })),
  }),
  insights: z.object({
    topState: z.object({ code: z.string() }).nullable(),
    moreIos: z.array(z.object({ code: z.string() })),
    moreAndroid: z.array(z.object({ code: z.string() })),
    byGdpClass: z.array(z.object({ class: z.string(), devices: counts })),
  }),
});
export type Answers = z.infer<typeof answers>;

const snapshot = z
  .object({ cursor: z.string(), totals: counts, states: z.array(z.object({ code: z.string(), devices: counts })) })
  .transform(({ totals: { ios, android, other, total }, ...rest }) => ({
    ...rest,
    totals: [ios, android, other, total],
  }));
/** `totals`: iOS, Android, other, all. */
export type StatesSnapshot = z.infer<typeof snapshot>;

const QUERY = `{
  states { nodes { code name devices { ...C } gdp { millionsUsd class } } totals { ...C } unattributed { ...C } }
  dataQuality {
    consumed counted deadLettered
    deadLetters { reason count } missing { field count } invalid { field count }
  }
  insights { topState { code } moreIos { code } moreAndroid { code } byGdpClass { class devices { ...C } } }
}
fragment C on DeviceCounts { ios android other total }`;

export interface PublishOptions {
  /** Logins a second; as fast as the broker takes them where it is not given. */
  readonly rate?: number;
  /** Share of dirty records, 0 to 1. */
  readonly dirty?: number;
  /** Event time of the first login and, exclusive, of the last: spread evenly. */
  readonly from?: Date;
  readonly to?: Date;
}

/** A broker, a processor and an API with the built dashboard: all real, all of this test file alone. */
export class LiveSystem {
  readonly url: string;
  readonly #broker: TestBroker;
  readonly #dir: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #apps = new Set<AppProcess>();
  #api: AppProcess | undefined;
  #published = 0;

  private constructor(broker: TestBroker, dir: string, port: number, extra: Readonly<Record<string, string>>) {
    this.#broker = broker;
    this.#dir = dir;
    this.url = `http://127.0.0.1:${port}`;
    this.#env = {
      KAFKA_BROKERS: broker.brokers.join(','),
      STATE_DIR: join(dir, 'state'),
      DATA_DIR: dir,
      PORT: String(port),
      LOG_LEVEL: 'warn',
      ...extra,
    };
  }

  /** Resolves when the API is ready. `env` goes to every part. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<LiveSystem> {
    await buildClient();
    const dir = await mkdtemp(join(tmpdir(), 'tributary-dashboard-'));
    const system = new LiveSystem(await startTestBroker(), dir, await testPort(), env);
    try {
      await (await system.startProcessor()).untilReady();
      await system.startApi();
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  async startProcessor(): Promise<AppProcess> {
    const app = await AppProcess.start({ main: LOGIN_PROCESSOR, env: this.#env });
    this.#apps.add(app);
    return app;
  }

  /** Starts the API, on the same port as before, and waits until it is ready. */
  async startApi(): Promise<void> {
    const app = await AppProcess.start({ main: API, env: this.#env });
    this.#apps.add(app);
    this.#api = app;
    await app.until(
      async () => (await fetch(`${this.url}/ready`).catch(() => null))?.status === 200,
      'the API is ready',
    );
  }

  /** kill -9. */
  async killApi(): Promise<void> {
    await this.#api?.kill();
  }

  /** Publishes that many logins, a fifth of them dirty unless said, and ends when the broker has them. */
  async publish(count: number, options: PublishOptions = {}): Promise<void> {
    this.#published += count;
    const { rate, dirty = 0.2, from, to } = options;
    const args = ['--count', String(count), '--seed', String(this.#published), '--dirty', String(dirty)];
    if (rate !== undefined) args.push('--rate', String(rate));
    if (from !== undefined) args.push('--from', from.toISOString());
    if (to !== undefined) args.push('--to', to.toISOString());
    await promisify(execFile)(process.execPath, [join(projectRoot, 'tools/producer/producer.ts'), ...args], {
      cwd: projectRoot,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_FORMAT: 'json', ...this.#env },
    });
  }

  /** What the API answers once it has counted all that was published. */
  async settled(): Promise<Answers> {
    let answer: Answers | undefined;
    const settled = async (): Promise<Answers | undefined> => {
      answer = await this.answers();
      return answer.dataQuality.consumed === this.#published ? answer : undefined;
    };
    return found(
      settled,
      () =>
        `published ${this.#published}, consumed ` +
        `${answer?.dataQuality.consumed ?? 'unknown'}\n${[...this.#apps].map((app) => app.log(10)).join('\n')}`,
    );
  }

  async answers(): Promise<Answers> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
    });
    const body = z.object({ data: answers }).parse(await response.json());
    return body.data;
  }

  /**
   * Writes what an instance reports of itself to the status topic: for states that a small real one passes in an
   * instant.
   */
  async report(status: InstanceStatus): Promise<void> {
    await publishOnce(this.#broker.connection, {
      topic: statusTopic(status.applicationId),
      messages: [{ key: status.id, value: JSON.stringify(status) }],
    });
  }

  /** All states and the cursor at which the API stands: the first update of a subscription, over SSE. */
  async snapshot(): Promise<StatesSnapshot> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query:
          'subscription { states { cursor totals { ios android other total } states { code devices { ios ' +
          'android other total } } } }',
      }),
    });
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const data = /^data: (.+)\n/m.exec(text)?.[1];
      if (data !== undefined)
        return z.object({ data: z.object({ states: snapshot }) }).parse(JSON.parse(data)).data.states;
    }
    throw new Error(`no update came: ${text}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#apps].map((app) => app.kill()));
    await this.#broker.stop();
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
