import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type GlobalTableState, KafkaStreams, stringSerde } from '@tributary/streams';
import {
  type EveryStoreOptions,
  HOUR_MS,
  type StoreCommand,
  type StoredNumber,
} from '../../../../tests/support/every-store-topology.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { testAdmin } from '../../../../tests/support/test-admin.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { until } from '../../../../tests/support/until.ts';
import { openTableFeed, type TableFeed } from '../../feed/table-feed.ts';
import { takeKeyApart } from '../../feed/take-key-apart.ts';
import type { DeclaredTable, TableShape, TableSource } from '../../tables/declared-table.ts';

/*
 * Where the rows of a table come from, whatever the store: what a feed hands on is what the stores have, from before
 * the application's first start, through another release, to another application under the same id.
 */

const PARTITIONS = 2;
const START_MS = Date.UTC(2026, 0, 2);
const TOPIC_RESOURCE = 2;
const KEY_VALUE: TableShape = { kind: 'key-value' };
const HOURS: TableShape = { kind: 'window', sizeMs: HOUR_MS, advanceMs: HOUR_MS, retentionMs: 2 * HOUR_MS };

let broker: SharedBroker;
let admin: Awaited<ReturnType<typeof testAdmin>>;
let directory: string;
const feeds: TableFeed[] = [];
const running: KafkaStreams[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  admin = await testAdmin(broker.connection);
  directory = await mkdtemp(join(tmpdir(), 'tributary-feed-'));
});
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.close()));
  for (const streams of running.splice(0)) await streams.close();
});
afterAll(async () => {
  await admin.disconnect();
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

function declared(name: string, source: TableSource, shape: TableShape): DeclaredTable {
  return { name, source, shape, key: { serde: stringSerde } } as unknown as DeclaredTable;
}
const ofStore = (store: string, shape: TableShape = KEY_VALUE): DeclaredTable =>
  declared(store, { kind: 'store', store }, shape);
const ofTopic = (topic: string): DeclaredTable => declared(topic, { kind: 'topic', topic }, KEY_VALUE);

/** The rows that a feed leads to: `hours DE 1000-2000` to a number. */
class Rows {
  readonly rows = new Map<string, number>();
  readonly feed: TableFeed;
  readonly states: GlobalTableState[] = [];
  /** Records that no such store has written. */
  foreign = 0;
  readonly #tables: readonly DeclaredTable[];
  readonly #places = new Map<string, string>();

  constructor(applicationId: string, ...tables: readonly DeclaredTable[]) {
    this.#tables = tables;
    this.feed = openTableFeed({
      connection: { ...broker.connection, clientId: 'feed' },
      applicationId,
      tables,
      logger: quietLogger,
      onSources: () => undefined,
      onChanges: (changes) => {
        for (const change of changes) {
          for (const { name, shape } of this.#tables) {
            const source = this.feed.sources().get(name);
            if (source?.topic !== change.topic) continue;
            const taken = takeKeyApart(source.layout, shape)(change);
            if (taken === null) {
              this.foreign += 1;
              continue;
            }
            const { key, startMs, endMs, value } = taken;
            const times =
              startMs === undefined ? '' : ` ${String(startMs - START_MS)}-${String((endMs ?? 0) - START_MS)}`;
            const row = `${name} ${key.toString()}${times}`;
            this.#places.set(row, `${change.topic}-${String(change.partition)}`);
            if (value === null) this.rows.delete(row);
            else this.rows.set(row, (JSON.parse(value.toString()) as StoredNumber).n);
          }
        }
      },
      onReset: (topic, partition) => {
        for (const [row, place] of this.#places) if (place === `${topic}-${String(partition)}`) this.rows.delete(row);
      },
      onState: (state) => void this.states.push(state),
      onFatal: (error) => {
        throw error;
      },
    });
    feeds.push(this.feed);
  }

  async become(expected: Readonly<Record<string, number>>): Promise<void> {
    const sorted = (rows: Iterable<readonly [string, number]>): string =>
      JSON.stringify([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
    const wanted = sorted(Object.entries(expected));
    await until(
      () => this.feed.state().complete && sorted(this.rows) === wanted,
      () => `the rows are\n${wanted}, and not\n${sorted(this.rows)}: ${JSON.stringify(this.feed.state())}`,
    );
    expect(this.foreign).toBe(0);
  }

  async waitsFor(reason: string | RegExp): Promise<void> {
    const isIt = (told: string): boolean => (typeof reason === 'string' ? told === reason : reason.test(told));
    await until(
      () => isIt(this.feed.state().reason ?? ''),
      () => `the feed says ${String(reason)}, and not ${JSON.stringify(this.feed.state())}`,
    );
  }
}

async function started(applicationId: string, options: EveryStoreOptions, disk = 'disk'): Promise<KafkaStreams> {
  const streams = new KafkaStreams({
    topologyModule: new URL('../../../../tests/support/every-store-topology.ts', import.meta.url),
    topologyOptions: options,
    connection: broker.connection,
    config: {
      applicationId,
      stateDir: join(directory, applicationId, disk),
      numStreamThreads: 1,
      statusIntervalMs: 100,
      commitIntervalMs: 50,
    },
    logger: quietLogger,
  });
  running.push(streams);
  await streams.start();
  return streams;
}

async function stopped(streams: KafkaStreams): Promise<void> {
  running.splice(running.indexOf(streams), 1);
  await streams.close();
}

/** One transaction's worth of records; `atMs` after the start is their event time. */
async function tell(
  topic: string,
  atMs: number,
  commands: readonly (readonly [string, StoreCommand])[],
): Promise<void> {
  await publishOnce(broker.connection, {
    topic,
    messages: commands.map(([key, command]) => ({
      key,
      value: JSON.stringify(command),
      timestamp: String(START_MS + atMs),
    })),
  });
}

/** Stream time goes on, in every partition. */
async function timePasses(topic: string, atMs: number): Promise<void> {
  await publishOnce(broker.connection, {
    topic,
    messages: Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      key: 'time',
      value: JSON.stringify({ store: 'none' }),
      timestamp: String(START_MS + atMs),
    })),
  });
}

const hour = (startMs: number, n: number | null): StoreCommand => ({ store: 'hours', startMs: START_MS + startMs, n });
const price = (atMs: number, n: number | null): StoreCommand => ({ store: 'prices', atMs: START_MS + atMs, n });
const total = (n: number | null): StoreCommand => ({ store: 'totals', n });
const visit = (startMs: number, endMs: number, n: number | null): StoreCommand => ({
  store: 'visits',
  startMs: START_MS + startMs,
  endMs: START_MS + endMs,
  n,
});

test('rows of stores of every kind, and of a compacted topic, are handed on from before the first start', async () => {
  const input = 'feed-all-input';
  await broker.createTopics(
    { topic: input, partitions: PARTITIONS },
    { topic: 'feed-countries', partitions: 3, configs: { 'cleanup.policy': 'compact' } },
  );
  const rows = new Rows(
    'feed-all',
    ofStore('totals'),
    ofStore('hours', HOURS),
    ofStore('visits', { kind: 'session' }),
    ofStore('prices'),
    ofTopic('feed-countries'),
  );
  await rows.waitsFor(
    'waiting for the application feed-all: feed-all-status has no record !application, which a processor writes at ' +
      'its first start',
  );
  await started('feed-all', { input, release: 'first' });
  await publishOnce(broker.connection, {
    topic: 'feed-countries',
    messages: [
      { key: 'DE', value: '{"n":49}' },
      { key: 'FR', value: '{"n":33}' },
      { key: 'DE', value: null },
    ],
  });
  await tell(input, 1_000, [
    ['a', total(1)],
    ['b', total(2)],
    ['a', hour(0, 3)],
    ['b', hour(0, 4)],
    ['b', hour(HOUR_MS, 5)],
    ['a', visit(0, 500, 6)],
    ['b', visit(0, 700, 7)],
    ['a', price(100, 8)],
    ['a', price(300, 9)],
    ['a', price(200, 10)],
    ['b', price(100, 11)],
    ['c', price(100, 12)],
  ]);
  await rows.become({
    'totals a': 1,
    'totals b': 2,
    'hours a 0-3600000': 3,
    'hours b 0-3600000': 4,
    'hours b 3600000-7200000': 5,
    'visits a 0-500': 6,
    'visits b 0-700': 7,
    'prices a': 9,
    'prices b': 11,
    'prices c': 12,
    'feed-countries FR': 33,
  });
  expect(Object.fromEntries(rows.feed.sources())).toMatchObject({
    totals: { topic: 'feed-all-totals-changelog', layout: 'key-value', partitions: 2, deleteRetentionMs: 86_400_000 },
    hours: { topic: 'feed-all-hours-changelog', layout: 'window' },
    visits: { topic: 'feed-all-visits-changelog', layout: 'session' },
    prices: { topic: 'feed-all-prices-changelog', layout: 'versioned' },
    'feed-countries': { topic: 'feed-countries', layout: 'key-value', partitions: 3, deleteRetentionMs: 86_400_000 },
  });
  expect(rows.feed.caughtUpAtMs('feed-countries')).toEqual(expect.any(Number));

  // A session that grew, deletions, a version that deletes, and one that is older than what deletes.
  await tell(input, 2_000, [
    ['a', total(null)],
    ['b', hour(0, null)],
    ['a', visit(0, 500, null)],
    ['a', visit(0, 900, 13)],
    ['b', price(400, null)],
    ['b', price(350, 14)],
    ['c', price(500, 15)],
  ]);
  const after = {
    'totals b': 2,
    'hours a 0-3600000': 3,
    'hours b 3600000-7200000': 5,
    'visits a 0-900': 13,
    'visits b 0-700': 7,
    'prices a': 9,
    'prices c': 15,
    'feed-countries FR': 33,
  };
  await rows.become(after);

  // Windows, sessions and versions are over, each with a tombstone: not those of the newest versions.
  await timePasses(input, 3 * HOUR_MS + 1);
  await tell(input, 3 * HOUR_MS + 1, [
    ['d', price(3 * HOUR_MS, 16)],
    ['a', price(3 * HOUR_MS, 17)],
  ]);
  const { 'prices c': c, 'totals b': b, 'hours b 3600000-7200000': lastHour, 'feed-countries FR': fr } = after;
  const over = { 'totals b': b, 'hours b 3600000-7200000': lastHour, 'prices c': c, 'feed-countries FR': fr };
  await rows.become({ ...over, 'prices a': 17, 'prices d': 16 });

  // One that begins now reads the same of the changelogs.
  const fresh = new Rows('feed-all', ofStore('totals'), ofStore('hours', HOURS), ofStore('prices'));
  const { 'feed-countries FR': _, ...ofStores } = { ...over, 'prices a': 17, 'prices d': 16 };
  await fresh.become(ofStores);
});

test('a store that a release adds is waited for, and then read', async () => {
  const input = 'feed-later-input';
  await broker.createTopics({ topic: input, partitions: PARTITIONS });
  const first = await started('feed-later', { input, release: 'first' });
  const rows = new Rows('feed-later', ofStore('extra'), ofStore('totals'));
  await rows.waitsFor(
    'waiting for the store extra, which the application feed-later does not have: there is "totals", "hours", ' +
      '"visits", "prices"',
  );
  await tell(input, 0, [['a', total(1)]]);
  await stopped(first);
  await started('feed-later', { input, release: 'second' });
  await tell(input, 0, [['a', { store: 'extra', n: 2 }]]);
  await rows.become({ 'totals a': 1, 'extra a': 2 });
});

test('a table that is declared as its store is not waits, and says what to write', async () => {
  const input = 'feed-wrong-input';
  await broker.createTopics({ topic: input, partitions: PARTITIONS });
  await started('feed-wrong', { input, release: 'first' });
  const rows = new Rows('feed-wrong', ofStore('hours'), ofStore('totals'));
  await rows.waitsFor(
    'the table hours cannot be read from the store hours: it has windows of 3600000 ms every 3600000 ms; write ' +
      'window: { sizeMs: 3600000, retentionMs: how long they are kept } in its place',
  );
  expect(rows.rows.size).toBe(0);
});

test('a topic alone needs no application, and must be compacted', async () => {
  const topic = 'feed-alone';
  const rows = new Rows('feed-nobody', ofTopic(topic));
  await rows.waitsFor('waiting for the topic feed-alone, which does not exist');
  await broker.createTopics({ topic, configs: { 'cleanup.policy': 'delete' } });
  await rows.waitsFor(/^the table feed-alone cannot be read from the topic feed-alone: it is not compacted/);
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: TOPIC_RESOURCE,
        name: topic,
        configEntries: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'delete.retention.ms', value: '5000' },
        ],
      },
    ],
  });
  await publishOnce(broker.connection, { topic, messages: [{ key: 'a', value: '{"n":1}' }] });
  await rows.become({ 'feed-alone a': 1 });
  expect(rows.feed.sources().get(topic)?.deleteRetentionMs).toBe(5_000);
});

test('another application under the same id is noticed, and nothing of the one before is shown', async () => {
  const input = 'feed-reset-input';
  const applicationId = 'feed-reset';
  await broker.createTopics({ topic: input, partitions: PARTITIONS });
  const first = await started(applicationId, { input, release: 'first' });
  const rows = new Rows(applicationId, ofStore('totals'));
  await tell(input, 0, [['a', total(1)]]);
  await rows.become({ 'totals a': 1 });

  await stopped(first);
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${applicationId}-`) && topic !== input);
  await admin.deleteTopics({ topics });
  await admin.deleteGroups([applicationId]);
  await started(applicationId, { input, release: 'other' }, 'another-disk');
  await rows.waitsFor(/^the table totals cannot be read from the store totals: it has windows of 3600000 ms/);
  expect(rows.feed.state().caughtUpOnce).toBe(false);
  expect([...rows.rows]).toEqual([]);
});
