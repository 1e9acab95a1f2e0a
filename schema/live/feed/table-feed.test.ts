import { afterEach, expect, test } from '@jest/globals';
import {
  type GlobalTable,
  type GlobalTableOptions,
  type GlobalTableState,
  type Logger,
  StreamsError,
  stringSerde,
  type TableChange,
} from '@tributary/streams';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { until } from '../../../tests/support/until.ts';
import type { DeclaredTable, TableSource } from '../tables/declared-table.ts';
import type { FeedSource } from './feed-source.ts';
import type { ResolveSourcesOptions } from './resolve-sources.ts';
import { openTableFeed, type TableFeed } from './table-feed.ts';

const COMPLETE: GlobalTableState = { caughtUpOnce: true, complete: true, reason: null };
const STATUS = 'shop-status';
const TOTALS = 'shop-totals-changelog';
const RUNTIME_ROW = Buffer.concat([Buffer.from([0x21, 0xff]), Buffer.from('stream-time')]);
const RECORD = { topology: { 'store totals': 'key-value, in sub-topology 0' }, topicIds: {} };

const totals: FeedSource = {
  topic: TOTALS,
  layout: 'key-value',
  isChangelog: true,
  partitions: 1,
  deleteRetentionMs: 7_000,
};
const prices: FeedSource = { ...totals, topic: 'prices', isChangelog: false, deleteRetentionMs: 0 };

function declared(name: string, source: TableSource): DeclaredTable {
  return {
    name,
    source,
    shape: { kind: 'key-value' },
    key: { serde: stringSerde },
  } as unknown as DeclaredTable;
}
const ofStore = declared('totals', { kind: 'store', store: 'totals' });
const ofTopic = declared('prices', { kind: 'topic', topic: 'prices' });

/** A global table that the test plays. */
class FakeTable implements GlobalTable {
  readonly options: GlobalTableOptions;
  started = false;
  closed = false;
  now: GlobalTableState = { caughtUpOnce: false, complete: false, reason: 'not started' };
  readonly at = new Map<string, number>();
  readonly caughtUp = new Map<string, number>();

  constructor(options: GlobalTableOptions) {
    this.options = options;
  }

  start(): void {
    this.started = true;
  }

  state(): GlobalTableState {
    return this.now;
  }

  positions(): ReadonlyMap<string, number> {
    return this.at;
  }

  caughtUpAtMs(topic: string): number | null {
    return this.caughtUp.get(topic) ?? null;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  has(topic: string, key: string | Buffer, value: string | null): void {
    const offset = this.at.get(`${topic}-0`) ?? 0;
    this.at.set(`${topic}-0`, offset + 1);
    this.options.onChanges([
      {
        topic,
        partition: 0,
        offset,
        timestampMs: 1,
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      },
    ]);
  }

  becomes(state: GlobalTableState): void {
    this.now = state;
    this.options.onState(state);
  }
}

class Fed {
  readonly tables: FakeTable[] = [];
  readonly told: string[] = [];
  readonly states: GlobalTableState[] = [];
  readonly fatal: StreamsError[] = [];
  readonly warnings: string[] = [];
  readonly asked: ResolveSourcesOptions[] = [];
  readonly feed: TableFeed;
  #answers: ((sources: readonly (readonly [string, FeedSource])[] | StreamsError) => void)[] = [];

  constructor(...tables: readonly DeclaredTable[]) {
    const logger: Logger = { ...quietLogger, warn: (_fields, message) => void this.warnings.push(message) };
    this.feed = openTableFeed({
      connection: { brokers: ['a:1'], clientId: 'api' },
      applicationId: 'shop',
      tables,
      logger,
      onSources: (sources) => void this.told.push(`sources ${[...sources.keys()].join(' ')}`),
      onChanges: (changes) => void this.told.push(...changes.map(textOf)),
      onReset: (topic, partition) => void this.told.push(`reset ${topic}-${String(partition)}`),
      onState: (state) => void this.states.push(state),
      onFatal: (error) => void this.fatal.push(error),
      createTable: (options) => {
        const table = new FakeTable(options);
        this.tables.push(table);
        return table;
      },
      findSources: (options) => {
        this.asked.push(options);
        return new Promise((resolve, reject) => {
          options.signal.addEventListener('abort', () => reject(new Error('aborted')));
          this.#answers.push((answer) => {
            if (answer instanceof StreamsError) reject(answer);
            else resolve(new Map(answer));
          });
        });
      },
    });
  }

  /** The sources are found, or never will be. */
  async found(answer: readonly (readonly [string, FeedSource])[] | StreamsError): Promise<void> {
    const open = this.tables.length;
    this.#answers.shift()?.(answer);
    await until(() => this.tables.length > open || this.fatal.length > 0, 'the feed goes on');
  }

  table(index = 0): FakeTable {
    const table = this.tables[index];
    if (table === undefined) throw new Error(`there is no table ${String(index)}`);
    return table;
  }
}

function textOf({ topic, key, value }: TableChange): string {
  return `${topic} ${key.toString('latin1')} ${String(value)}`;
}

let fed: Fed;
afterEach(() => fed.feed.close());

test('while its topics are looked for it says what is waited for', async () => {
  fed = new Fed(ofStore);
  expect(fed.feed.state()).toEqual({
    caughtUpOnce: false,
    complete: false,
    reason: 'looking for the topics of the tables',
  });
  fed.asked[0]?.onWaiting('waiting for the store totals');
  const waiting = { caughtUpOnce: false, complete: false, reason: 'waiting for the store totals' };
  expect(fed.states).toEqual([waiting]);
  expect(fed.feed.state()).toEqual(waiting);
  expect(fed.feed.positions().size).toBe(0);
  expect(fed.feed.caughtUpAtMs(TOTALS)).toBeNull();
});

test('it follows the topics of its tables, each once, and the status topic', async () => {
  fed = new Fed(ofStore);
  await fed.found([
    ['totals', totals],
    ['again', totals],
  ]);
  const table = fed.table();
  expect(table.options.topics).toEqual([TOTALS, STATUS]);
  expect([TOTALS, STATUS].map((topic) => table.options.deleteRetentionMs?.(topic))).toEqual([7_000, undefined]);
  expect(table.started).toBe(true);
  table.has(TOTALS, 'a', '1');
  table.has(TOTALS, RUNTIME_ROW, '2');
  table.has(STATUS, 'instance', '{}');
  expect(fed.told).toEqual(['sources totals again', `${TOTALS} a 1`, `${STATUS} instance {}`]);
  table.options.onReset(TOTALS, 0);
  expect(fed.told.at(-1)).toBe(`reset ${TOTALS}-0`);
  table.becomes(COMPLETE);
  expect(fed.states.at(-1)).toBe(COMPLETE);
  table.caughtUp.set(TOTALS, 5);
  expect(fed.feed.caughtUpAtMs(TOTALS)).toBe(5);
  expect([...fed.feed.positions()]).toEqual([
    [`${TOTALS}-0`, 2],
    [`${STATUS}-0`, 1],
  ]);
  expect(fed.feed.sources().get('totals')).toBe(totals);
});

test('tables of topics alone are complete without an application, whose status is followed when it comes', async () => {
  fed = new Fed(ofTopic);
  await fed.found([['prices', prices]]);
  await until(() => fed.tables.length === 2, 'the status topic is followed');
  const [rows, status] = [fed.table(0), fed.table(1)];
  expect([rows.options.topics, status.options.topics]).toEqual([['prices'], [STATUS]]);
  rows.becomes(COMPLETE);
  status.becomes({ caughtUpOnce: false, complete: false, reason: 'waiting for the topic' });
  expect(fed.states).toEqual([COMPLETE]);
  // In a topic of the user's any key is a row.
  rows.has('prices', RUNTIME_ROW, '1');
  status.has(STATUS, 'instance', '{}');
  status.options.onFatal(new StreamsError('BROKER_ACCESS_DENIED', 'may not be read'));
  expect(fed.told.slice(1)).toEqual([`prices ${RUNTIME_ROW.toString('latin1')} 1`, `${STATUS} instance {}`]);
  expect(fed.fatal).toEqual([]);
  expect(fed.warnings).toEqual([expect.stringContaining('status topic of the application is not followed')]);
  await fed.feed.close();
  expect([rows.closed, status.closed]).toEqual([true, true]);
});

test('what no waiting mends is told, and nothing is followed', async () => {
  fed = new Fed(ofStore);
  const error = new StreamsError('BROKER_TLS_FAILED', 'TLS failed');
  await fed.found(error);
  expect(fed.fatal).toEqual([error]);
  expect(fed.tables).toEqual([]);
});

test('a feed that is closed while it waits ends', async () => {
  fed = new Fed(ofStore);
  await fed.feed.close();
  expect([fed.tables, fed.fatal, fed.told]).toEqual([[], [], []]);
});

test('a versioned store hands on what is the newest of each key', async () => {
  fed = new Fed(ofStore);
  await fed.found([['totals', { ...totals, layout: 'versioned' }]]);
  const key = (ms: number): Buffer => Buffer.from([0, 0, 0, 1, 0x6b, 0, 0, 0, 0, 0, 0, 0, ms]);
  fed.table().has(TOTALS, key(2), '\u0001new');
  fed.table().has(TOTALS, key(1), '\u0001old');
  expect(fed.told.slice(1)).toEqual([`${TOTALS} ${key(2).toString('latin1')} \u0001new`]);
  fed.table().options.onReset(TOTALS, 0);
  fed.table().has(TOTALS, key(1), '\u0001old');
  expect(fed.told.at(-1)).toContain('old');
});

test('an application that has become another one has its sources looked up anew', async () => {
  fed = new Fed(ofStore);
  await fed.found([['totals', totals]]);
  const before = fed.table();
  // What older releases wrote comes first, and is not what it is.
  before.has(STATUS, '!application', JSON.stringify({ ...RECORD, topology: {} }));
  before.has(STATUS, '!application', JSON.stringify(RECORD));
  before.has(TOTALS, 'a', '1');
  before.caughtUp.set(STATUS, 1);
  before.becomes(COMPLETE);
  before.has(STATUS, '!application', JSON.stringify({ ...RECORD, topology: { ...RECORD.topology, more: 'x' } }));
  expect([before.closed, fed.asked.length]).toEqual([false, 1]);

  const windows = { 'store totals': 'windows of 10 ms every 10 ms, in sub-topology 0' };
  before.has(STATUS, '!application', JSON.stringify({ ...RECORD, topology: windows }));
  await until(() => fed.asked.length === 2, 'the sources are looked up anew');
  expect(before.closed).toBe(true);
  expect(fed.told.slice(-2)).toEqual([`reset ${STATUS}-0`, `reset ${TOTALS}-0`]);
  expect(fed.feed.state()).toMatchObject({ caughtUpOnce: false, reason: expect.stringContaining('another topology') });
  // One that is being closed is not listened to any more.
  const told = fed.told.length;
  before.has(TOTALS, 'b', '1');
  before.options.onReset(TOTALS, 0);
  expect(fed.told).toHaveLength(told);

  await fed.found([['totals', totals]]);
  fed.table(1).has(TOTALS, 'c', '1');
  expect(fed.told.slice(-2)).toEqual(['sources totals', `${TOTALS} c 1`]);
});

test('what a newer release writes in a form that nobody knows here is not read on', async () => {
  fed = new Fed(ofStore);
  await fed.found([['totals', totals]]);
  fed.table().caughtUp.set(STATUS, 1);
  fed.table().becomes(COMPLETE);
  fed.table().has(STATUS, '!application', JSON.stringify({ ...RECORD, formats: { changelogs: 1 } }));
  expect(fed.fatal).toEqual([]);
  fed.table().has(STATUS, '!application', JSON.stringify({ ...RECORD, formats: { changelogs: 2 } }));
  expect(fed.fatal).toMatchObject([{ code: 'FORMAT_UNKNOWN', message: expect.stringContaining('changelogs') }]);
});
