import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaStreams } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { until } from '../../../../tests/support/until.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { USERS, type JoinsTopologyOptions } from '../support/joins-topology.ts';
import { ALL_CUSTOMERS, NOTED, REVENUE, TABLES_TOPICS, VISITS } from '../support/tables-topology.ts';

/*
 * Joins and retractions over a restart: what a change replaces, and what a record of a stream still may meet, is what
 * the stores have, wherever they came from: the disk, the changelogs, or a standby.
 */

const { orders, customers, notes, visits } = TABLES_TOPICS;
let broker: SharedBroker;
let directory: string;
const JOINS = { views: 'joins-views', clicks: 'joins-clicks', users: 'joins-users', results: 'joins-results' } as const;
const running: KafkaStreams[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  directory = await mkdtemp(join(tmpdir(), 'tributary-tables-'));
  await broker.createTopics(
    { topic: orders, partitions: 3 },
    { topic: notes, partitions: 3 },
    { topic: customers, partitions: 2 },
    { topic: visits, partitions: 4 },
    ...Object.values(JOINS).map((topic) => ({ topic, partitions: 1 })),
  );
});
afterAll(async () => {
  for (const streams of running.splice(0)) await streams.close();
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

async function started(): Promise<KafkaStreams> {
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/tables-topology.ts', import.meta.url),
    topologyOptions: TABLES_TOPICS,
    connection: broker.connection,
    config: {
      applicationId: 'tables',
      stateDir: directory,
      numStreamThreads: 2,
      numStandbyReplicas: 1,
      statusIntervalMs: 100,
      commitIntervalMs: 50,
    },
    logger: quietLogger,
  });
  running.push(streams);
  await streams.start();
  return streams;
}

const publish = (topic: string, rows: Readonly<Record<string, unknown>>): Promise<void> =>
  publishOnce(broker.connection, {
    topic,
    messages: Object.entries(rows).map(([key, value]) => ({
      key,
      value: value === null ? null : typeof value === 'string' ? value : JSON.stringify(value),
    })),
  });

async function rowsOf(streams: KafkaStreams, store: string): Promise<Record<string, unknown>> {
  const rows: Record<string, unknown> = {};
  for await (const [key, value] of streams.store<unknown>(store).all()) rows[key] = value;
  return rows;
}

/** One instance has all tasks, and their rows come to this. */
async function becomes(
  streams: KafkaStreams,
  expected: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<void> {
  let seen: unknown;
  await until(
    async () => {
      try {
        seen = Object.fromEntries(
          await Promise.all(Object.keys(expected).map(async (store) => [store, await rowsOf(streams, store)])),
        );
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'STORE_NOT_HERE') throw error;
        seen = error;
      }
      return sorted(seen) === sorted(expected);
    },
    () => `${sorted(expected)}, and not ${sorted(seen)}`,
  );
}

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

test('joins, foreign keys and retractions go on over a takeover and a restore', async () => {
  await publish(customers, { c1: 'DE', c2: 'FR' });
  // What waits is not joined before all of the global table is there.
  await publish(visits, { v1: 'c1', v2: 'c2', v3: 'c3' });
  const first = await started();
  await publish(orders, {
    o1: { customer: 'c1', amount: 10 },
    o2: { customer: 'c1', amount: 5 },
    o3: { customer: 'c2', amount: 7 },
    o4: { customer: 'c9', amount: 99 },
  });
  await publish(notes, { o1: 'gift', o9: 'nothing' });
  await becomes(first, {
    [ALL_CUSTOMERS]: { c1: 'DE', c2: 'FR' },
    [REVENUE]: { DE: 15, FR: 7 },
    [NOTED]: { o1: '10 gift', o2: '5 null', o3: '7 null', o4: '99 null' },
    [VISITS]: { v1: 'c1 DE', v2: 'c2 FR' },
  });

  // Another one takes over what it has followed as a standby.
  const second = await started();
  await until(() => running.every(({ state }) => state === 'RUNNING'), 'both run');
  await first.close();
  await publish(customers, { c1: 'IT', c9: 'FR' });
  await publish(orders, { o2: null, o3: { customer: 'c1', amount: 8 } });
  await publish(notes, { o1: null, o3: 'late' });
  await becomes(second, {
    [REVENUE]: { DE: 0, FR: 99, IT: 18 },
    [NOTED]: { o1: '10 null', o3: '8 late', o4: '99 null' },
  });
  await second.close();
  await publish(visits, { v1: 'c9', v2: 'c9', v3: 'c1', v4: 'c2' });

  // Nothing is left of the disks.
  await rm(directory, { recursive: true, force: true });
  const third = await started();
  await becomes(third, { [VISITS]: { v1: 'c9 FR', v2: 'c9 FR', v3: 'c1 IT', v4: 'c2 FR' } });
  await publish(customers, { c1: null });
  await publish(orders, { o4: { customer: 'c2', amount: 1 } });
  await becomes(third, {
    [ALL_CUSTOMERS]: { c2: 'FR', c9: 'FR' },
    [REVENUE]: { DE: 0, FR: 1, IT: 0 },
    [NOTED]: { o1: '10 null', o3: '8 late', o4: '1 null' },
    [VISITS]: { v1: 'c9 FR', v2: 'c9 FR', v3: 'c1 IT', v4: 'c2 FR' },
  });
  await until(() => third.state === 'RUNNING', 'it runs');
});

test('joins of streams: each result once, through a failing thread and a restore, with the time it had', async () => {
  const disk = join(directory, 'joins');
  await mkdir(directory, { recursive: true });
  const run = async (): Promise<KafkaStreams> => {
    const streams = new KafkaStreams({
      topologyModule: new URL('../support/joins-topology.ts', import.meta.url),
      topologyOptions: { ...JOINS, hasFailed: join(directory, 'has-failed') } satisfies JoinsTopologyOptions,
      connection: broker.connection,
      config: { applicationId: 'joins', stateDir: disk, numStreamThreads: 1, commitIntervalMs: 50 },
      logger: quietLogger,
    });
    running.push(streams);
    await streams.start();
    return streams;
  };
  const pipe = (topic: string, key: string | null, value: string, timestampMs: number): Promise<void> =>
    publishOnce(broker.connection, { topic, messages: [{ key, value, timestamp: String(timestampMs) }] });
  const results: string[] = [];
  const become = async (...expected: readonly string[]): Promise<void> => {
    results.push(...expected);
    let seen: readonly string[] = [];
    await until(
      async () => {
        const { partitions } = await readTopic(broker.connection, JOINS.results);
        seen = partitions
          .flat()
          .map(({ key, value, timestampMs }) => `${String(key)}: ${String(value)} at ${String(timestampMs)}`);
        return seen.length >= results.length;
      },
      () => `${JSON.stringify(results)}, and not ${JSON.stringify(seen)}`,
    );
    expect(seen).toEqual(results);
  };

  const first = await run();
  await pipe(JOINS.users, 'a', 'Ann', 1);
  await becomes(first, { [USERS]: { a: 'Ann' } });
  await pipe(JOINS.views, 'a', 'view', 1_000);
  await pipe(JOINS.views, 'b', 'alone', 2_000);
  await pipe(JOINS.clicks, 'a', 'click', 3_000);
  await become('a: view+click of Ann at 3000');
  await pipe(JOINS.clicks, 'a', 'fails', 4_000);
  await become('a: view+fails of Ann at 4000');
  // It closes the view that is alone, and leaves it to the next record.
  await pipe(JOINS.views, null, 'nobody', 12_500);
  await become('null: nobody+null of null at 12500');
  await first.close();

  // Nothing is left of the disk: the join has its time from the changelog, too.
  await rm(disk, { recursive: true, force: true });
  const second = await run();
  await pipe(JOINS.clicks, 'a', 'again', 5_000);
  await become('b: alone+null of null at 2000', 'a: view+again of Ann at 5000');
  await second.close();
});
