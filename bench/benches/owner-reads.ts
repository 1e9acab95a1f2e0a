import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { API_NODE_FLAGS } from '../../tools/one-machine/api-node-flags.ts';
import { freePort } from '../../tools/local-kafka/ports.ts';
import { seededRandom } from '../../tools/producer/seeded-random.ts';
import { BenchProcess, cpuSeconds, peakRssMiB, rssMiB } from '../bench-process.ts';
import { changelogRows, untilCounted } from '../group-progress.ts';
import { makeKeyedBacklog } from '../keyed-backlog.ts';
import type { BenchOptions } from '../options.ts';
import { meanCores, OtherLoads, wasQuiet } from '../other-load.ts';
import type { EventWriterOptions } from '../processes/event-writer.ts';
import { untilReady } from '../product.ts';
import { save, say } from '../report.ts';
import { percentile } from '../statistics.ts';
import { startEventWriter, startTopology } from '../tributary-side.ts';

const TOPIC = 'bench-events';
const APPLICATION = 'bench-owners';
const TOKEN = 'a token of the bench';
const PARTITIONS = 4;
const PROCESSORS = 2;
const COMMIT_INTERVAL_MS = 100;
const CHANGES_PER_SECOND = 5_000;
const LOOKUPS_PER_SECOND = 2_000;
const KEYS_PER_REQUEST = 10;
/** Lookups before those that count: an API's first ones are slow until V8 has compiled what answers them. */
const WARM_UP_SECONDS = 3;
const SOCKETS = 50;
const SUBSCRIPTIONS_PER_SOCKET = 20;
const INTERVAL_MS = 250;
const SETTLED_AFTER_MS = 3_000;
/** So often an owner is killed, and another one started, under the subscriptions. */
const KILLS = 2;
const KEY_DIGITS = 8;
/** Processes that are not the bench's take less than so many cores where nothing but the bench runs. */
const QUIET_CORES = 0.1;
/** As a user gets it: what an application says of itself is a part of the load. */
const STATUS_INTERVAL_MS = 1_000;

const keyOf = (nth: number): string => `u${String(nth).padStart(KEY_DIGITS, '0')}`;

/**
 * A store of many keys over two processors, which no API copies: lookups by key at a fixed rate while rows change, and
 * a thousand subscriptions by key while owners are killed.
 */
export async function ownerReads(options: BenchOptions): Promise<undefined> {
  const { keys } = options;
  const broker = await startTestBroker({ heap: '1g' });
  const run = new OwnerReadsRun(broker, options);
  try {
    await makeKeyedBacklog({
      ...{ connection: broker.connection, topics: [TOPIC], partitions: PARTITIONS, records: keys, keys },
      ...{ everyKey: true, fromMs: 0, stepMs: 1 },
    });
    await run.start();
    const without = await run.changing(() => run.idle());
    await run.changing(() => run.lookups(WARM_UP_SECONDS));
    const lookups = await run.changing(() => run.lookups(options.seconds));
    const memory = { apiRssMiB: Math.round(run.apiRssMiB), apiPeakRssMiB: Math.round(run.apiPeakRssMiB) };
    say(
      `${String(keys)} keys over ${String(PROCESSORS)} processors, ${String(CHANGES_PER_SECOND)} changes/s: ` +
        `${String(lookups.result.perSecond)} lookups/s in requests of ${String(KEYS_PER_REQUEST)}, ` +
        `${inWords(lookups.result)}; others took ${lookups.result.othersCores.toFixed(2)} cores, and next to none ` +
        `while ${String(lookups.result.quiet.answers)} of ${String(lookups.result.answers)} were answered: ` +
        `${inWords(lookups.result.quiet)}; API ` +
        `${String(memory.apiRssMiB)} MiB; processors ${without.processedPerSecond.toFixed(0)}/s and ` +
        `${without.cpuSeconds.toFixed(1)} CPU s without, ${lookups.processedPerSecond.toFixed(0)}/s and ` +
        `${lookups.cpuSeconds.toFixed(1)} CPU s with them`,
    );
    const followed = await run.subscriptions();
    say(
      `${String(SOCKETS * SUBSCRIPTIONS_PER_SOCKET)} subscriptions by key, ${String(KILLS)} owners killed: ` +
        `${String(followed.updates)} updates, ${String(followed.gaps)} gaps, ${String(followed.stepsBack)} steps back`,
    );
    save('owner-reads', { keys, without, lookups, ...memory, followed });
    return undefined;
  } finally {
    await run.close();
    await broker.stop();
  }
}

interface AnswerTimes {
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface Looked extends AnswerTimes {
  readonly perSecond: number;
  readonly failed: number;
  /** Of the machine's, taken by processes that are not the bench's. */
  readonly othersCores: number;
  /** Of the answers in seconds in which others took next to nothing. */
  readonly quiet: AnswerTimes;
}

function timesOf(answered: readonly { readonly dueAt: number; readonly at: number }[]): AnswerTimes {
  const timesMs = answered.map(({ dueAt, at }) => at - dueAt);
  return {
    answers: timesMs.length,
    p50Ms: percentile(timesMs, 0.5),
    p99Ms: percentile(timesMs, 0.99),
    maxMs: percentile(timesMs, 1),
  };
}

function inWords({ p50Ms, p99Ms, maxMs }: AnswerTimes): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, at most ${maxMs.toFixed(1)} ms`;
}

/** What the processors did while rows changed at a fixed rate. */
interface Changed<T> {
  readonly processedPerSecond: number;
  /** Of all processors. */
  readonly cpuSeconds: number;
  readonly result: T;
}

class OwnerReadsRun {
  readonly #broker: TestBroker;
  readonly #options: BenchOptions;
  readonly #random = seededRandom(11);
  readonly #dirs: string[] = [];
  #processors: BenchProcess[] = [];
  #api: BenchProcess | undefined;
  #port = 0;
  #written = 0;
  #writers = 0;

  constructor(broker: TestBroker, options: BenchOptions) {
    this.#broker = broker;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#written = this.#options.keys;
    for (let nth = 0; nth < PROCESSORS; nth += 1) this.#processors.push(await this.#startProcessor());
    await this.#untilCounted();
    this.#port = await freePort();
    this.#api = new BenchProcess(process.execPath, [
      ...API_NODE_FLAGS,
      'bench/topologies/owner-reads-api.ts',
      this.#broker.brokers.join(','),
      ...[APPLICATION, TOKEN, String(this.#port)],
    ]);
    await untilReady(this.#port, this.#api);
    await delay(SETTLED_AFTER_MS);
  }

  get apiRssMiB(): number {
    return rssMiB(this.#api?.pid ?? 0);
  }

  get apiPeakRssMiB(): number {
    return peakRssMiB(this.#api?.pid ?? 0);
  }

  /** Rows change at the fixed rate for as long as `work` takes. */
  async changing<T>(work: () => Promise<T>): Promise<Changed<T>> {
    const cpu = (): number => this.#processors.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    const writer = await this.#startWriter({ below: this.#options.keys, digits: KEY_DIGITS });
    const [cpuBefore, writtenBefore, startedAt] = [cpu(), this.#written, performance.now()];
    const result = await work().finally(() => writer.stop());
    await this.#untilCounted();
    const seconds = (performance.now() - startedAt) / 1_000;
    return {
      processedPerSecond: (this.#written - writtenBefore) / seconds,
      cpuSeconds: cpu() - cpuBefore,
      result,
    };
  }

  idle(): Promise<void> {
    return delay(this.#options.seconds * 1_000);
  }

  /** Requests begin at their times whether those before have been answered or not. */
  async lookups(seconds: number): Promise<Looked> {
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const answered: { readonly dueAt: number; readonly at: number }[] = [];
    let failed = 0;
    const open: Promise<void>[] = [];
    const others = new OtherLoads();
    const wanted = (seconds * LOOKUPS_PER_SECOND) / KEYS_PER_REQUEST;
    const startedAt = performance.now();
    for (let nth = 0; nth < wanted; nth += 1) {
      const dueAt = startedAt + (nth * 1_000 * KEYS_PER_REQUEST) / LOOKUPS_PER_SECOND;
      const waitMs = dueAt - performance.now();
      if (waitMs > 1) await delay(waitMs);
      const keys = Array.from({ length: KEYS_PER_REQUEST }, () => keyOf(this.#random.below(this.#options.keys)));
      open.push(
        this.#lookUp(agent, keys).then((isRight) => {
          if (!isRight) failed += 1;
          answered.push({ dueAt, at: performance.now() });
        }),
      );
    }
    await Promise.all(open);
    const tookSeconds = (performance.now() - startedAt) / 1_000;
    const loads = others.stop();
    agent.destroy();
    if (failed > 0) throw new Error(`${String(failed)} of ${String(wanted)} lookups were not answered with every row`);
    return {
      perSecond: Math.round((wanted * KEYS_PER_REQUEST) / tookSeconds),
      ...timesOf(answered),
      failed,
      othersCores: meanCores(loads),
      quiet: timesOf(answered.filter(({ dueAt, at }) => wasQuiet(loads, dueAt, at, QUIET_CORES))),
    };
  }

  /** A thousand subscriptions by key, whose rows all change, while owners are killed and new ones begin. */
  async subscriptions() {
    const random = seededRandom(13);
    const drawn = new Set<number>();
    while (drawn.size < SOCKETS * SUBSCRIPTIONS_PER_SOCKET) drawn.add(random.below(this.#options.keys));
    const watched = [...drawn];
    const held = new Map<string, number>();
    const found = { updates: 0, stepsBack: 0 };
    const sockets: WebSocket[] = [];
    try {
      for (let at = 0; at < watched.length; at += SUBSCRIPTIONS_PER_SOCKET)
        sockets.push(await this.#follow(watched.slice(at, at + SUBSCRIPTIONS_PER_SOCKET).map(keyOf), held, found));
      const writer = await this.#startWriter({ these: watched.map(keyOf) });
      for (let kill = 0; kill < KILLS; kill += 1) {
        await delay((this.#options.seconds * 1_000) / (KILLS + 1));
        await this.#processors.shift()?.kill();
        this.#processors.push(await this.#startProcessor());
      }
      await delay((this.#options.seconds * 1_000) / (KILLS + 1));
      await writer.stop();
      await this.#untilCounted();
      await delay(4 * INTERVAL_MS);
      const rows = await changelogRows(this.#broker.connection, `${APPLICATION}-totals-changelog`);
      let gaps = 0;
      for (const key of watched.map(keyOf)) {
        const { events } = JSON.parse(String(rows.get(key))) as { readonly events: number };
        if (held.get(key) !== events) gaps += 1;
      }
      return { subscriptions: watched.length, ...found, gaps };
    } finally {
      for (const socket of sockets) socket.terminate();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#api?.stop(), ...this.#processors.map((one) => one.kill())]);
    for (const dir of this.#dirs) await rm(dir, { recursive: true, force: true });
  }

  async #startProcessor(): Promise<BenchProcess> {
    const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
    this.#dirs.push(stateDir);
    return startTopology('bench/topologies/totals-by-key.ts', {
      brokers: this.#broker.brokers.join(','),
      inputTopic: TOPIC,
      applicationId: APPLICATION,
      stateDir,
      guarantee: 'exactly_once',
      threads: 1,
      commitIntervalMs: COMMIT_INTERVAL_MS,
      statusIntervalMs: STATUS_INTERVAL_MS,
      queryToken: TOKEN,
    });
  }

  async #untilCounted(): Promise<void> {
    const [first] = this.#processors;
    if (first === undefined) return;
    const run = {
      ...{ connection: this.#broker.connection, applicationId: APPLICATION, topic: TOPIC, partitions: PARTITIONS },
      records: this.#written,
      committedBefore: -1,
    };
    await untilCounted(run, first, this.#processors);
  }

  /** Rows change from when it has begun; stopped, it says how many it has written. */
  async #startWriter(among: EventWriterOptions['among']): Promise<{ stop(): Promise<void> }> {
    this.#writers += 1;
    const writer = startEventWriter({
      ...{ brokers: this.#broker.brokers.join(','), topic: TOPIC, perSecond: CHANGES_PER_SECOND },
      ...{ seed: this.#writers, among },
    });
    const ended = writer.message(({ written }) => typeof written === 'number');
    ended.catch(() => undefined);
    await writer.message(({ writing }) => writing === true);
    return {
      stop: async () => {
        await writer.stop();
        this.#written += Number((await ended)['written']);
      },
    };
  }

  /** Whether each key's row has come. */
  #lookUp(agent: Agent, keys: readonly string[]): Promise<boolean> {
    const query = 'query ($keys: [String!]!) { totalsByKeys(keys: $keys) { events cents } }';
    const body = JSON.stringify({ query, variables: { keys } });
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ agent, port: this.#port, host: '127.0.0.1', path: '/graphql', method: 'POST' },
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          let text = '';
          response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve(text.split('"events"').length === keys.length + 1));
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Notes what each subscriber holds. @throws when the socket ends before each key has come. */
  async #follow(
    keys: readonly string[],
    held: Map<string, number>,
    found: { updates: number; stepsBack: number },
  ): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${String(this.#port)}/graphql`, 'graphql-transport-ws');
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const counts = new Map<string, number>();
    const begun = new Set<string>();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.on('message', (data: Buffer) => {
      const {
        type,
        id = '',
        payload,
      } = JSON.parse(data.toString()) as {
        readonly type: string;
        readonly id?: string;
        readonly payload?: {
          readonly data?: { readonly totals: { readonly rows: readonly { user: string; events: number }[] } };
          readonly errors?: unknown;
        };
      };
      if (type === 'connection_ack')
        for (const key of keys) {
          const args = `keys: ["${key}"], intervalMs: ${String(INTERVAL_MS)}`;
          const query = `subscription { totals(${args}) { rows { user events } } }`;
          socket.send(JSON.stringify({ id: key, type: 'subscribe', payload: { query } }));
        }
      if (type === 'error' || payload?.errors !== undefined) reject(new Error(data.toString()));
      if (type !== 'next' || payload?.data === undefined) return;
      found.updates += 1;
      for (const { user, events } of payload.data.totals.rows) {
        if (events < (counts.get(user) ?? 0)) found.stepsBack += 1;
        counts.set(user, events);
        held.set(user, events);
      }
      begun.add(id);
      if (begun.size === keys.length) resolve();
    });
    socket.once('close', (code: number) => reject(new Error(`a socket of subscriptions was closed: ${String(code)}`)));
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await promise;
    return socket;
  }
}
