import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { LoginRun } from '../support/login-run.ts';
import { expectWithin } from '../support/speed.ts';
import { until } from '../support/until.ts';

/*
 * From a login's publication to its arrival at a subscriber: each arrives, once. How soon is measured by bench/, and
 * held here where speed is judged.
 */

const MEDIAN_MS = 2 * 400;
const P99_MS = 2 * 1_000;
const SEND_EVERY_MS = 10;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(() => broker.leave());

test.each([
  { perSecond: 20, seconds: 5 },
  { perSecond: 1_000, seconds: 5 },
])('$perSecond logins a second arrive at a subscriber', async ({ perSecond, seconds }) => {
  const run = await LoginRun.open({ connection: broker.connection, name: `latency-${String(perSecond)}` });
  const app = await run.start();
  await app.untilReady();
  const api = await run.startApi();
  const client = createClient({ url: `ws://127.0.0.1:${String(api.port)}/graphql`, webSocketImpl: WebSocket });
  try {
    const arrivedAt: number[] = [];
    const subscribed = Promise.withResolvers<void>();
    client.subscribe<{ states: { totals: { total: number } } }>(
      { query: 'subscription { states { totals { total } } }' },
      {
        next: ({ data }) => {
          subscribed.resolve();
          for (const now = performance.now(); arrivedAt.length < (data?.states.totals.total ?? 0);) arrivedAt.push(now);
        },
        error: (error) => subscribed.reject(error),
        complete: () => undefined,
      },
    );
    await subscribed.promise;

    const { sentAt, done } = publishSteadily(run, perSecond, perSecond * seconds);
    await done;
    await until(
      () => arrivedAt.length >= sentAt.length,
      () => `all ${String(sentAt.length)} logins arrive: ${String(arrivedAt.length)} have`,
    );
    expect(arrivedAt).toHaveLength(sentAt.length);
    const latencies = arrivedAt.map((at, nth) => at - (sentAt[nth] as number)).sort((a, b) => a - b);
    const percentile = (share: number): number => latencies[Math.ceil(latencies.length * share) - 1] as number;
    expectWithin(percentile(0.5), MEDIAN_MS);
    expectWithin(percentile(0.99), P99_MS);
  } finally {
    await client.dispose();
    await api.kill();
    await run.close();
  }
});

/** Publishes at a steady rate over one connection; `sentAt[n]` is when the nth login was handed over. */
function publishSteadily(run: LoginRun, perSecond: number, count: number): { sentAt: number[]; done: Promise<void> } {
  const sentAt: number[] = [];
  const work = async (): Promise<void> => {
    const publisher = await run.publisher(perSecond);
    const startedAt = performance.now();
    while (sentAt.length < count) {
      const now = performance.now();
      const due = Math.min(count, Math.floor(((now - startedAt) * perSecond) / 1_000) + 1) - sentAt.length;
      for (let n = 0; n < due; n += 1) sentAt.push(now);
      if (due > 0) publisher.send(due);
      await sleep(SEND_EVERY_MS);
    }
    await publisher.close();
  };
  return { sentAt, done: work() };
}
