/*
 * An API instance dies, or is told to stop, under subscribers; they go on at another one with their cursors. What they
 * hold is at every moment what a query would have answered, and nothing is sent to them twice.
 */
import type { Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { STATE_CODES } from '../../processor/logins/states.ts';
import { eventually, postGraphql } from '../support/api-under-test.ts';
import { AppProcess, killAll } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { HandFedResults, TEST_PARTITIONS } from '../support/hand-fed-results.ts';
import { RawSocket, type SocketMessage } from '../support/raw-socket.ts';
import { expectWithin } from '../support/speed.ts';
import { testProducer } from '../support/test-producer.ts';

const SUBSCRIBERS = 50;
const RESUMED_WITHIN_MS = 2_000;
const LIVE =
  'subscription($after: Cursor) { states(after: $after, intervalMs: 50) { kind cursor states { code devices { ' +
  'ios } } totals { total } } }';

let broker: SharedBroker;
let producer: Producer;
let results: HandFedResults;
const apis: AppProcess[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  producer = await testProducer(broker.connection);
});
afterEach(() => killAll(apis.splice(0)));
afterAll(async () => {
  await producer?.disconnect();
  await broker?.leave();
});

async function startApis(applicationId: string, count: number): Promise<AppProcess[]> {
  results = new HandFedResults(applicationId);
  const names = [
    'counts-by-state-changelog',
    'counts-by-state-minute-changelog',
    'counts-by-state-hour-changelog',
    'data-quality-changelog',
    'status',
  ];
  await broker.createTopics(
    ...names.map((name) => ({
      topic: `${applicationId}-${name}`,
      partitions: name === 'status' ? 1 : TEST_PARTITIONS,
      configs: { 'cleanup.policy': 'compact' },
    })),
  );
  const started = await Promise.all(
    Array.from({ length: count }, () =>
      AppProcess.start({
        main: 'schema/logins/main.ts',
        env: { KAFKA_BROKERS: broker.brokers.join(), APPLICATION_ID: applicationId },
      }),
    ),
  );
  apis.push(...started);
  await Promise.all(started.map((api) => api.untilReady()));
  return started;
}

const urlOf = (api: AppProcess) => `http://127.0.0.1:${String(api.port)}`;

/** Publishes one new value after another, each of its state one more than the last, until it is stopped. */
function publishing(): { stop(): Promise<void> } {
  const counts = new Map<string, number>();
  let going = true;
  const done = (async () => {
    for (let nth = 0; going; nth++) {
      const messages = Array.from({ length: 3 }, (_, index) => {
        const code = STATE_CODES[(nth * 7 + index * 13) % STATE_CODES.length] as string;
        counts.set(code, (counts.get(code) ?? 0) + 1);
        return results.state(code, { ios: counts.get(code) as number });
      });
      for (const { topic, partition, key, value } of messages)
        await producer.send({ topic, messages: [{ partition, key, value }] });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    async stop() {
      going = false;
      await done;
    },
  };
}

interface Update {
  readonly kind: 'SNAPSHOT' | 'DELTA';
  readonly cursor: string;
  readonly states: readonly { readonly code: string; readonly devices: { readonly ios: number } }[];
  readonly totals: { readonly total: number };
}

/** Follows the states at one instance, and at the next when its connection ends; notes whatever should not be. */
class Follower {
  readonly held = new Map<string, number>();
  readonly faults: string[] = [];
  readonly closeCodes: number[] = [];
  snapshots = 0;
  updates = 0;
  resumedAtMs = 0;
  #cursor: string | null = null;
  #socket: RawSocket | null = null;
  #left = false;

  async follow(urls: readonly string[]): Promise<void> {
    const [url, ...rest] = urls;
    if (url === undefined) return;
    const socket = await new RawSocket(url).ready();
    this.#socket = socket;
    const resuming = this.#cursor !== null;
    socket.subscribe('live', LIVE, { after: this.#cursor });
    let first = true;
    void (async () => {
      for (;;) {
        const message = await socket.of('live').catch(() => null);
        if (message === null) return;
        this.#take(message, resuming && first);
        first = false;
      }
    })();
    void socket.closed.then((code) => {
      if (this.#left) return;
      this.closeCodes.push(code);
      void this.follow(rest);
    });
    if (!resuming) await eventually(() => this.updates > 0);
  }

  leave(): void {
    this.#left = true;
    this.#socket?.close();
  }

  #take({ payload }: SocketMessage, resumed: boolean): void {
    const { kind, cursor, states, totals } = (payload as { data: { states: Update } }).data.states;
    this.updates += 1;
    if (kind === 'SNAPSHOT') {
      this.snapshots += 1;
      if (this.updates > 1) this.faults.push('a snapshot where the cursor could be resumed');
    }
    if (resumed) this.resumedAtMs = performance.now();
    for (const { code, devices } of states) {
      const before = this.held.get(code) ?? 0;
      if (kind === 'DELTA' && devices.ios <= before)
        this.faults.push(`${code} came again, or stepped back: ${devices.ios} after ${before}`);
      this.held.set(code, devices.ios);
    }
    const sum = [...this.held.values()].reduce((all, one) => all + one, 0);
    if (sum !== totals.total) this.faults.push(`a gap: the rows make ${sum}, the totals ${totals.total}`);
    this.#cursor = cursor;
  }
}

async function newestAt(api: AppProcess): Promise<Map<string, number>> {
  const { data } = await postGraphql(urlOf(api), {
    query: '{ states(orderBy: { field: CODE, direction: ASC }) { nodes { code devices { ios } } } }',
  });
  return new Map(
    (data as { states: { nodes: Update['states'] } }).states.nodes.map(({ code, devices }) => [code, devices.ios]),
  );
}

test('killed under 50 subscribers: another takes over, without a gap and without a doubled row', async () => {
  const [first, second] = (await startApis('takeover', 2)) as [AppProcess, AppProcess];
  const publisher = publishing();
  const followers = Array.from({ length: SUBSCRIBERS }, () => new Follower());
  await Promise.all(followers.map((one) => one.follow([urlOf(first), urlOf(second)])));
  await eventually(() => followers.every(({ updates }) => updates > 5));

  const killedAt = performance.now();
  await first.kill();
  await eventually(() => followers.every(({ resumedAtMs }) => resumedAtMs > 0));
  const resumedMs = followers.map(({ resumedAtMs }) => resumedAtMs - killedAt).sort((a, b) => a - b);
  const resumedUpdates = followers.map(({ updates }) => updates);
  await eventually(() => followers.every(({ updates }, index) => updates > (resumedUpdates[index] as number) + 5));
  await publisher.stop();
  const total = results.records.length;
  await eventually(async () => [...(await newestAt(second)).values()].reduce((all, one) => all + one, 0) === total);
  const newest = JSON.stringify([...(await newestAt(second))]);
  await eventually(() => followers.every(({ held }) => JSON.stringify([...held].sort()) === newest)).catch(
    () => undefined,
  );

  process.stdout.write(
    `takeover: ${SUBSCRIBERS} subscribers resumed after ${(resumedMs[0] ?? NaN).toFixed(0)} to ` +
      `${(resumedMs.at(-1) ?? NaN).toFixed(0)} ms; ${followers.reduce((all, { updates }) => all + updates, 0)} ` +
      `updates of ${total} changes, ${followers.flatMap(({ faults }) => faults).length} faults\n`,
  );
  expect(followers.flatMap(({ faults }) => faults)).toEqual([]);
  for (const { held, snapshots } of followers)
    expect([JSON.stringify([...held].sort()), snapshots]).toEqual([newest, 1]);
  expectWithin(resumedMs.at(-1) as number, RESUMED_WITHIN_MS);
  for (const one of followers) one.leave();
});

test('told to stop with 100 open subscriptions: exit 0, a code to come back on, and they go on elsewhere', async () => {
  const [first, second] = (await startApis('farewell', 2)) as [AppProcess, AppProcess];
  const publisher = publishing();
  const followers = Array.from({ length: 50 }, () => new Follower());
  await Promise.all(followers.map((one) => one.follow([urlOf(first), urlOf(second)])));
  const streams = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const response = await fetch(`${urlOf(first)}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: LIVE }),
      });
      // In an object: awaiting the stream's end here would wait for the stop.
      return {
        whole: (async () => {
          const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
            .pipeThrough(new TextDecoderStream())
            .getReader();
          let text = '';
          for (;;) {
            const part = await reader.read().catch(() => null);
            if (part === null || part.done) return text;
            text += part.value;
          }
        })(),
      };
    }),
  );

  const startedAt = performance.now();
  const { code } = await first.stop();
  const tookMs = performance.now() - startedAt;
  process.stdout.write(`farewell: 100 subscriptions, exit ${String(code)} after ${tookMs.toFixed(0)} ms\n`);
  expect(code).toBe(0);
  expectWithin(tookMs, 5_000);
  for (const text of await Promise.all(streams.map(({ whole }) => whole))) {
    expect(text).toContain('SNAPSHOT');
    expect(text).not.toContain('event: complete');
  }
  await eventually(() => followers.every(({ resumedAtMs }) => resumedAtMs > 0));
  await publisher.stop();
  expect(followers.flatMap(({ closeCodes }) => closeCodes)).toEqual(followers.map(() => 1001));
  expect(followers.flatMap(({ faults }) => faults)).toEqual([]);
  expect(followers.every(({ snapshots }) => snapshots === 1)).toBe(true);
  for (const one of followers) one.leave();
});
