import { describe, expect, test } from '@jest/globals';
import {
  joinWindows,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  untilTimeLimit,
  versionedStore,
  type KStream,
  type ProcessorContext,
  type Windowed,
} from '../index.ts';
import type { TestRecord } from '../testing/topology-test-driver.ts';

/*
 * What joins, suppressions, closing windows and processors hand on may be older than the records that make them do so.
 * It is not late for that. Unless something else is said, what comes out is what Kafka Streams 4.4.0 gives.
 */

type Texts = KStream<string, string>;

const TEXT = { value: stringSerde };

/** `a@1`: key and value are one; of a partition `a@1/0`. */
function records(text: string): TestRecord[] {
  return text.split(' ').map((word) => {
    const [, key = '', timeMs, partition] = /^(\w+)@(\d+)(?:\/(\d))?$/.exec(word) ?? [];
    return {
      key,
      value: key,
      timestampMs: Number(timeMs),
      ...(partition === undefined ? {} : { partition: Number(partition) }),
    };
  });
}

interface Given {
  readonly build: (builder: StreamsBuilder) => Texts;
  /** Commits, each of one topic and its records. */
  readonly input: readonly string[];
  readonly partitions?: Readonly<Record<string, number>>;
}

/** Counts what a stream hands on in windows of 10 ms that take nothing late: its rows, and what was left out. */
async function counted({ build, input, partitions = {} }: Given, emit: 'on-update' | 'on-close'): Promise<string[]> {
  const builder = new StreamsBuilder();
  build(builder)
    .groupByKey({ name: 'last', value: stringSerde })
    .windowedBy(tumbling({ sizeMs: 10, graceMs: 0, retentionMs: 10_000 }), { emit })
    .count({ store: 'counts' })
    .toStream()
    .map((value, { key, startMs }: Windowed<string>) => ({ key: `${key}[${String(startMs)}]`, value: String(value) }))
    .to('out', TEXT);
  const driver = new TopologyTestDriver(builder.build(), { partitions });
  for (const step of input) {
    const [topic = '', ...rest] = step.split(' ');
    await driver.pipe(topic, ...records(rest.join(' ')));
  }
  const rows =
    emit === 'on-update'
      ? driver.rows('counts').map(({ key, startMs, value }) => `${String(key)}[${String(startMs)}]=${String(value)}`)
      : driver.output('out').map(({ key, value }) => `${String(key)}=${String(value)}`);
  const late = driver.dropped().late ?? 0;
  return [...rows.toSorted(), ...(late === 0 ? [] : [`late ${String(late)}`])];
}

/** All records of these tests have keys. */
const texts = (builder: StreamsBuilder, topic: string): Texts => builder.stream(topic, TEXT) as unknown as Texts;
const left = (builder: StreamsBuilder): Texts => texts(builder, 'l');
const right = (builder: StreamsBuilder): Texts => texts(builder, 'r');
const joined = { name: 'j', left: stringSerde, right: stringSerde };
const pair = (one: unknown, other: unknown): string => `${String(one)}+${String(other)}`;
const UNMATCHED = ['l a@1', 'r b@12', 'l c@30', 'l d@31', 'r c@60'];
const shuffled = (stream: Texts): Texts => stream.selectKey((_value, key) => key);

const leftJoin = (builder: StreamsBuilder): Texts =>
  left(builder).leftJoin(right(builder), pair, {
    windows: joinWindows({ differenceMs: 10, graceMs: 0 }),
    ...joined,
  });
const outerJoin = (builder: StreamsBuilder): Texts =>
  left(builder).outerJoin(right(builder), pair, {
    windows: joinWindows({ differenceMs: 10, graceMs: 0 }),
    ...joined,
  });
const innerJoin = (builder: StreamsBuilder): Texts =>
  left(builder).join(right(builder), pair, {
    windows: joinWindows({ differenceMs: 100, graceMs: 0 }),
    ...joined,
  });
const heldJoin = (builder: StreamsBuilder): Texts =>
  left(builder).join(
    builder.table('t', { store: versionedStore('versions', { value: stringSerde, historyMs: 1_000 }) }),
    pair,
    { graceMs: 20, name: 'h', value: stringSerde },
  );
const limited = (builder: StreamsBuilder): Texts =>
  builder
    .table('l', { ...TEXT, store: 'rows' })
    .suppress(untilTimeLimit(20))
    .toStream()
    .mapValues((value) => String(value));
/** Each record says at what time it goes on. */
const backdated = (builder: StreamsBuilder): Texts =>
  left(builder).process((context: ProcessorContext<string, string>) => (value) => {
    context.forward('k', value, { timestampMs: Number(value.slice(1)) });
  });

describe.each<[string, (stream: Texts) => Texts]>([
  ['in the same task', (stream) => stream],
  ['behind a shuffle', (stream) => shuffled(stream)],
])('%s', (_place: string, then: (stream: Texts) => Texts) => {
  test.each<[string, Given['build'], readonly string[], readonly string[]]>([
    ['what a left join hands on unmatched', leftJoin, UNMATCHED, ['a[0]=1', 'c[30]=1', 'd[30]=1']],
    ['what an outer join hands on unmatched', outerJoin, UNMATCHED, ['a[0]=1', 'b[10]=1', 'c[30]=1', 'd[30]=1']],
    [
      'a match of records that are older than others of one side',
      innerJoin,
      ['l a@1 z@50', 'r a@3', 'r z@51'],
      ['a[0]=1', 'z[50]=1'],
    ],
    [
      'what waits for the rows of a versioned table',
      heldJoin,
      ['t k@0', 'l k@1', 'l k@2', 'l k@15', 'l k@30', 'l k@60'],
      ['k[0]=2', 'k[10]=1', 'k[30]=1'],
    ],
    ['what a suppression has held', limited, ['l a@1', 'l b@15', 'l c@30', 'l d@60'], ['a[0]=1', 'b[10]=1', 'c[30]=1']],
    [
      'what a processor hands on with times of the past',
      backdated,
      ['l p1@1000', 'l p2@1001', 'l p3@1002', 'l p25@1003'],
      ['k[0]=3', 'k[20]=1'],
    ],
  ])('is not late: %s', async (_name, build, input, rows) => {
    const all = await counted({ build: (builder) => then(build(builder)), input }, 'on-update');
    expect(all).toEqual([...rows]);
  });

  test('windows close by the times that a processor hands on, also where these are ahead', async () => {
    const input = ['l p1001@1', 'l p1015@2', 'l p1035@3'];
    expect(await counted({ build: (builder) => then(backdated(builder)), input }, 'on-close')).toEqual([
      'k[1000]=1',
      'k[1010]=1',
    ]);
  });
});

/** What has closed, counted again. */
function twice(partitions: number, split: boolean): Given {
  return {
    build: (builder) => {
      const words = texts(builder, 'in');
      const grouped = split
        ? words.groupBy((value) => value, { name: 'first', value: stringSerde })
        : words.groupByKey();
      return grouped
        .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }), { emit: 'on-close' })
        .count({ store: 'first' })
        .toStream()
        .map((value) => ({ key: 'all', value: String(value) }));
    },
    input: [],
    partitions: { in: partitions },
  };
}

/** Kafka Streams' driver has one partition: of more, each record that closes is counted, whoever read it. */
test.each([
  [1, ['in a@1 b@2 c@3 d@4', 'in a@12', 'in a@25', 'in a@100']],
  [2, ['in a@1 b@2 c@3 d@4', 'in a@12', 'in a@25', 'in a@100']],
  [3, ['in a@1 b@2 c@3 d@4', 'in a@12', 'in a@25', 'in a@100']],
  [2, ['in a@1/0 b@2/1 c@3/0 d@4/1 a@12/0 b@12/1', 'in a@30/0 a@30/1 b@100/0 b@100/1']],
])('over two shuffles and %i partitions nothing is late of what closes at once', async (partitions, input) => {
  const given = { ...twice(partitions, true), input };
  const rows = await counted(given, 'on-update');
  expect(rows.filter((row) => row.startsWith('late'))).toEqual([]);
  expect(rows[0]).toBe('all[0]=4');
});
