import { expect, test } from '@jest/globals';
import { type Logger, stringSerde } from '@tributary/streams';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import type { TableKey, TableShape, TableSource } from '../tables/declared-table.ts';
import { resolveSources, type ResolveSourcesOptions, type SourceLookup } from './resolve-sources.ts';
import { TopicSettingsReader } from './topic-settings.ts';

type Declared = ResolveSourcesOptions['tables'][number];

const HOURS: TableShape = { kind: 'window', sizeMs: 3_600_000, advanceMs: 3_600_000, retentionMs: 86_400_000 };
const KEY_VALUE: TableShape = { kind: 'key-value' };

function declared(name: string, source: TableSource, shape = KEY_VALUE): Declared {
  return { name, source, shape, key: { serde: stringSerde } as unknown as TableKey };
}
const ofStore = (store: string, shape?: TableShape): Declared => declared(store, { kind: 'store', store }, shape);
const ofTopic = (topic: string): Declared => declared(topic, { kind: 'topic', topic });
const refused = (code: number): Error => Object.assign(new Error(`refused with ${String(code)}`), { code });

const TOTALS = { 'sub-topology 0 reads': 'orders', 'store totals': 'key-value, in sub-topology 0' };
const BOTH = { ...TOTALS, 'store hours': 'windows of 3600000 ms every 3600000 ms, in sub-topology 0' };

/** Brokers as they are at one look. */
interface Look {
  readonly record?: Readonly<Record<string, string>>;
  /** Settings by topic; a topic that is not here does not exist. */
  readonly topics?: Readonly<Record<string, Readonly<Record<string, string>> | Error>>;
  readonly failure?: unknown;
}

interface Looked {
  readonly reasons: string[];
  readonly warnings: string[];
  readonly sources: Record<string, unknown>;
  readonly looks: number;
}

/** Looks once at each state, and at the last one for ever. */
async function resolve(tables: readonly Declared[], looks: readonly Look[]): Promise<Looked> {
  let at = 0;
  let closed = 0;
  const reasons: string[] = [];
  const warnings: string[] = [];
  const logger: Logger = { ...quietLogger, warn: (_fields, message) => void warnings.push(message) };
  const look = (): Look => {
    const now = looks[Math.min(at, looks.length - 1)] ?? {};
    if (now.failure !== undefined) throw now.failure;
    return now;
  };
  const settingsOf = (topic: string): Readonly<Record<string, string>> => {
    const settings = look().topics?.[topic];
    if (settings === undefined) throw refused(3);
    if (settings instanceof Error) throw settings;
    return settings;
  };
  const lookup: SourceLookup = {
    readRecord: async () => look().record,
    settings: new TopicSettingsReader(
      { topicSettings: async (topic) => new Map(Object.entries(settingsOf(topic))) },
      logger,
    ),
    partitionCount: async (topic) => {
      if (!(look().topics?.[topic] instanceof Error)) settingsOf(topic);
      return 4;
    },
    refresh: async () => undefined,
    close: async () => void (closed += 1),
  };
  const ending = new AbortController();
  try {
    const found = await resolveSources({
      connection: { brokers: ['a:1'], clientId: 'api' },
      applicationId: 'shop',
      tables,
      logger,
      signal: ending.signal,
      onWaiting: (reason) => void reasons.push(reason),
      lookup,
      pause: async () => {
        if (at >= looks.length + 2) ending.abort(new Error(`waits: ${reasons.join(' | ')}`));
        at += 1;
      },
    });
    return { reasons, warnings, sources: Object.fromEntries(found), looks: at + 1 };
  } finally {
    expect(closed).toBe(1);
  }
}

const compacted = { 'cleanup.policy': 'compact', 'delete.retention.ms': '86400000' };
const changelog = (store: string): Record<string, typeof compacted> => ({ [`shop-${store}-changelog`]: compacted });

test('a store is waited for from before the first start of its application', async () => {
  const { reasons, sources } = await resolve(
    [ofStore('totals'), ofStore('hours', HOURS)],
    [
      {},
      {},
      { record: TOTALS, topics: changelog('totals') },
      { record: BOTH, topics: changelog('totals') },
      { record: BOTH, topics: { ...changelog('totals'), ...changelog('hours') } },
    ],
  );
  expect(reasons).toEqual([
    'waiting for the application shop: shop-status has no record !application, which a processor writes at its ' +
      'first start',
    'waiting for the store hours, which the application shop does not have: there is "totals"',
    'waiting for the topic shop-hours-changelog, which the processor creates',
  ]);
  expect(sources).toEqual({
    totals: {
      topic: 'shop-totals-changelog',
      layout: 'key-value',
      isChangelog: true,
      partitions: 4,
      deleteRetentionMs: 86_400_000,
      subTopology: 0,
    },
    hours: {
      topic: 'shop-hours-changelog',
      layout: 'window',
      isChangelog: true,
      partitions: 4,
      deleteRetentionMs: 86_400_000,
      subTopology: 0,
    },
  });
});

test('a wrong declaration waits for another topology, and says both', async () => {
  const { reasons, sources } = await resolve(
    [ofStore('hours')],
    [
      { record: BOTH, topics: changelog('hours') },
      { record: { ...TOTALS, 'store hours': 'key-value, in sub-topology 0' }, topics: changelog('hours') },
    ],
  );
  expect(reasons).toEqual([
    'the table hours cannot be read from the store hours: it has windows of 3600000 ms every 3600000 ms; write ' +
      'window: { sizeMs: 3600000, retentionMs: how long they are kept } in its place',
  ]);
  expect(sources).toMatchObject({ hours: { layout: 'key-value' } });
});

test('a topic needs no application; it must be there, and compacted', async () => {
  const { reasons, sources } = await resolve(
    [ofTopic('prices')],
    [
      {},
      { topics: { prices: { 'cleanup.policy': 'delete', 'delete.retention.ms': '1' } } },
      { topics: { prices: { 'cleanup.policy': 'compact,delete', 'delete.retention.ms': '1' } } },
    ],
  );
  expect(reasons).toEqual([
    'waiting for the topic prices, which does not exist',
    expect.stringMatching(
      /^the table prices cannot be read from the topic prices: it is not compacted .*-name prices .*=compact\)$/,
    ),
  ]);
  expect(sources).toEqual({
    prices: { topic: 'prices', layout: 'key-value', isChangelog: false, partitions: 4, deleteRetentionMs: 1 },
  });
});

test('where settings may not be read, tombstones may be gone at once, and that is said once', async () => {
  const { sources, warnings } = await resolve(
    [ofTopic('prices'), ofStore('totals')],
    [{ topics: { prices: refused(29) } }, { topics: { prices: refused(29), ...changelog('totals') }, record: TOTALS }],
  );
  expect(sources).toMatchObject({ prices: { deleteRetentionMs: 0 }, totals: { deleteRetentionMs: 86_400_000 } });
  expect(warnings.filter((warning) => warning.includes('DescribeConfigs'))).toHaveLength(1);
});

test('brokers that are away are waited for', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { name: 'KafkaJSConnectionError' });
  const { reasons } = await resolve([ofTopic('prices')], [{ failure: away }, { topics: { prices: compacted } }]);
  expect(reasons).toEqual(['Kafka is away: connect ECONNREFUSED']);
});

test('what no waiting mends is thrown', async () => {
  const failure = Object.assign(new Error('SASL failed'), { name: 'KafkaJSSASLAuthenticationError' });
  await expect(resolve([ofTopic('prices')], [{ failure }])).rejects.toMatchObject({
    code: 'BROKER_AUTHENTICATION_FAILED',
  });
});

test('many problems are one line, which says how many there are', async () => {
  const tables = Array.from({ length: 8 }, (_, index) => ofTopic(`t${String(index)}`));
  await expect(resolve(tables, [{}])).rejects.toThrow(
    'waiting for the topic t0, which does not exist; waiting for the topic t1, which does not exist; ' +
      'waiting for the topic t2, which does not exist; waiting for the topic t3, which does not exist; ' +
      'waiting for the topic t4, which does not exist; and 3 more',
  );
});

test('several tables of one store have one source each', async () => {
  const { sources } = await resolve(
    [ofStore('totals'), { ...ofStore('totals'), name: 'again' }],
    [{ record: TOTALS, topics: changelog('totals') }],
  );
  expect(sources['again']).toEqual(sources['totals']);
});
