import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  changelogTopic,
  type StoreName,
} from '../../processor/logins/names.ts';
import { decodeWindowKey } from '@tributary/streams';
import { loginGenerator } from '../../tools/producer/login-generator.ts';
import { AppProcess, ECHO_PROCESSOR, killAll } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { settled } from '../support/group-progress.ts';
import { LoginRun } from '../support/login-run.ts';
import type { LoginNumbers } from '../support/login-results.ts';
import { HOUR_MS, PER_HOUR } from '../support/merged-topics-topology.ts';
import { publishOnce } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';

/*
 * Stream time is a minimum over sources: a backlog whose partitions are of very different length, and days apart in
 * event time, loses nothing to lateness, although the minutes of the old ones are long out of retention by the newest
 * login.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const DAY_MS = 24 * HOUR_MS;
/** Of each partition: the longest is the oldest, so that all others are done while it is read. */
const BACKLOG = [
  { records: 40_000, fromDaysAgo: 12, toDaysAgo: 9.5 },
  { records: 6_000, fromDaysAgo: 7, toDaysAgo: 6 },
  { records: 1_500, fromDaysAgo: 4, toDaysAgo: 3.5 },
  { records: 500, fromDaysAgo: 1, toDaysAgo: 0.1 },
] as const;
const TOTAL = BACKLOG.reduce((sum, { records }) => sum + records, 0);
const PER_SEND = 2_000;

let broker: SharedBroker;
beforeAll(async () => {
  broker = await sharedBroker({ properties: { 'log.cleaner.enable': 'false' } });
});
afterAll(() => broker.leave());

async function publishBacklog(run: LoginRun): Promise<void> {
  const generate = loginGenerator({ seed });
  const nowMs = Date.now();
  for (const [partition, { records, fromDaysAgo, toDaysAgo }] of BACKLOG.entries()) {
    const fromMs = nowMs - fromDaysAgo * DAY_MS;
    const stepMs = ((fromDaysAgo - toDaysAgo) * DAY_MS) / records;
    const messages = Array.from({ length: records }, (_, nth) => ({ ...generate(fromMs + nth * stepMs), partition }));
    for (let at = 0; at < records; at += PER_SEND) await run.publishRaw(messages.slice(at, at + PER_SEND));
  }
}

/**
 * What each window held last in its changelog, whether or not it was deleted afterwards because its time was over. What
 * comes to a window in the very commit in which its time is over is in no changelog: there it may hold less, or not be
 * at all.
 */
async function windowsEver(
  run: LoginRun,
  store: StoreName,
): Promise<Record<string, { ios: number; android: number; other: number }>> {
  const { partitions } = await readTopic(broker.connection, changelogTopic(run.applicationId, store));
  const windows: Record<string, { ios: number; android: number; other: number }> = {};
  for (const { key, value } of partitions.flat()) {
    if (key === null || value === null || key[0] === '!'.charCodeAt(0)) continue;
    const { windowStartMs, key: state } = decodeWindowKey(key);
    const { ios, android, other } = JSON.parse(value.toString()) as { ios: number; android: number; other: number };
    windows[`${String(windowStartMs)} ${state}`] = { ios, android, other };
  }
  return windows;
}

type Counts = LoginNumbers['minutes'][string];
const DEVICES = ['ios', 'android', 'other'] as const;
const holdsMore = (counts: Counts, expected: Counts | undefined): boolean =>
  DEVICES.some((device) => counts[device] > (expected?.[device] ?? 0));
/** Minutes are kept for a day of stream time, which no login is ahead of. */
const isKept = (window: string): boolean => Number(window.split(' ')[0]) > Date.now() - DAY_MS;

test.each([1, 2])(`%i processors, one killed in the middle (seed ${String(seed)})`, async (processors) => {
  const run = await LoginRun.open({
    connection: broker.connection,
    name: `stream-time-${String(processors)}`,
    env: { COMMIT_INTERVAL_MS: '20' },
  });
  try {
    await publishBacklog(run);
    const crashing = await run.start({ CRASH_AT: 'afterCommit', CRASH_AFTER: '2' });
    crashing.expectEnd();
    for (let more = 1; more < processors; more += 1) await run.start();
    expect((await crashing.exited).code).toBe(137);
    await run.start();

    const { expected, found, late } = await run.outcome();
    expect({ seed, late, counted: found.counted }).toEqual({ seed, late: 0, counted: TOTAL });
    expect({
      seed,
      more: Object.entries(await windowsEver(run, COUNTS_BY_STATE_MINUTE)).filter(([window, counts]) =>
        holdsMore(counts, expected.minutes[window]),
      ),
    }).toEqual({ seed, more: [] });
    expect(found.minutes).toEqual(
      Object.fromEntries(
        Object.entries(expected.minutes).filter(([window]) => window in found.minutes || isKept(window)),
      ),
    );
    expect({ seed, windows: await windowsEver(run, COUNTS_BY_STATE_HOUR) }).toEqual({ seed, windows: expected.hours });
    expect(found.hours).toEqual(expected.hours);
    // Stream time did move on: minutes of the old partitions are being deleted, so many a commit.
    expect(Object.keys(found.minutes).length).toBeLessThan(Object.keys(expected.minutes).length);
  } finally {
    await run.close();
  }
});

/*
 * Within one task: orders of 2023 and customers of today wait in two topics at the start. Whichever the broker hands
 * out first, they are read in the order of their times, and a topic that nobody ever wrote to holds nothing back.
 */
test(
  'orders of years ago merged with customers of today: no window is late, through a kill -9, and an empty topic ' +
    'does not block',
  async () => {
    const applicationId = 'merged-topics';
    const inputs = ['merged-customers', 'merged-orders', 'merged-empty'];
    const [customers, orders] = inputs as [string, string];
    const partitions = 2;
    await broker.createTopics(...inputs.map((topic) => ({ topic, partitions })));
    const longAgoMs = Date.UTC(2023, 4, 1);
    const hours = 240;
    const ordersPerHour = 60;
    const nowMs = Date.now();
    const events = {
      [customers]: Array.from({ length: 500 }, (_, nth) => ({
        key: `key-${String(nth % 7)}`,
        value: String(nowMs + nth),
      })),
      [orders]: Array.from({ length: hours * ordersPerHour }, (_, nth) => ({
        key: `key-${String(nth % 7)}`,
        value: String(longAgoMs + nth * (HOUR_MS / ordersPerHour)),
      })),
    };
    for (const [topic, messages] of Object.entries(events))
      for (let at = 0; at < messages.length; at += PER_SEND)
        await publishOnce(broker.connection, { topic, messages: messages.slice(at, at + PER_SEND) });
    const expected: Record<string, number> = {};
    for (const { key, value } of Object.values(events).flat()) {
      const window = `${String(Math.floor(Number(value) / HOUR_MS) * HOUR_MS)} ${key}`;
      expected[window] = (expected[window] ?? 0) + 1;
    }

    const stateDir = await mkdtemp(join(tmpdir(), 'tributary-merged-'));
    const apps: AppProcess[] = [];
    const start = async (env: Readonly<Record<string, string>> = {}): Promise<AppProcess> => {
      const app = await AppProcess.start({
        main: ECHO_PROCESSOR,
        env: {
          KAFKA_BROKERS: broker.connection.brokers.join(','),
          CLIENT_ID: applicationId,
          TOPOLOGY_MODULE: './merged-topics-topology.ts',
          ECHO_TOPOLOGY: JSON.stringify({ inputs }),
          ECHO_CONFIG: JSON.stringify({
            applicationId,
            stateDir,
            internalReplicationFactor: 1,
            commitIntervalMs: 20,
            statusIntervalMs: 250,
            maxBytesPerPartition: 65_536,
          }),
          ...env,
        },
      });
      apps.push(app);
      return app;
    };
    try {
      const crashing = await start({ CRASH_AT: 'afterCommit', CRASH_AFTER: '3' });
      crashing.expectEnd();
      expect((await crashing.exited).code).toBe(137);
      const app = await start();
      await settled({
        connection: broker.connection,
        applicationId,
        inputTopics: inputs,
        tasks: partitions,
        apps: () => [app],
        statusIntervalMs: 250,
      });

      const told: Record<string, number> = {};
      for (const { key, value } of (
        await readTopic(broker.connection, `${applicationId}-${PER_HOUR}-changelog`)
      ).partitions.flat()) {
        if (key === null || value === null || key[0] === '!'.charCodeAt(0)) continue;
        const { windowStartMs, key: name } = decodeWindowKey(key);
        told[`${String(windowStartMs)} ${name}`] = Number(value.toString());
      }
      expect(told).toEqual(expected);
      const metrics = await fetch(`http://127.0.0.1:${String(app.port)}/metrics`);
      expect((await metrics.text()).match(/^tributary_task_dropped\{.*$/gm)).toBeNull();
    } finally {
      await killAll(apps);
      await rm(stateDir, { recursive: true, force: true });
    }
  },
);
