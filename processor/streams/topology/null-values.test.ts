import { expect, test } from '@jest/globals';
import {
  joinWindows,
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type Aggregate,
  type KStream,
  type SourceStream,
} from '../index.ts';

/*
 * As Kafka Streams: count, reduce and aggregate without windows skip null values; a windowed count counts them.
 */

const texts: Aggregate<string | null, string> = {
  empty: () => '',
  add: (acc, value) => acc + String(value),
  serde: stringSerde,
};
const INPUT = ['x', null, 'y', null, null].map((value, at) => ({ key: 'k', value, timestampMs: at * 10 }));

test.each([
  { where: 'in the task of the source', local: true },
  { where: 'behind a shuffle', local: false },
])('null values $where: tables without windows skip them, a windowed count counts them', async ({ local }) => {
  const stream = () => {
    const source = builder.stream('in', { value: stringSerde, nulls: 'keep' });
    return local ? source : source.selectKey((_value, key) => key);
  };
  const builder = new StreamsBuilder();
  const grouped = stream().groupByKey({ name: 'all', value: stringSerde });
  grouped.count({ store: 'count' });
  grouped.windowedBy(tumbling({ sizeMs: 100, graceMs: 0 })).count({ store: 'windowed' });
  // Alone, and with tables that take partials.
  stream().groupByKey({ name: 'alone', value: stringSerde }).count({ store: 'count-alone' });
  const words = stream().groupByKey({ name: 'words', value: stringSerde });
  words.aggregate(texts, { store: 'aggregate' });
  words.reduce((a, b) => `${String(a)}-${String(b)}`, { store: 'reduce' });
  words.reduce((a, b) => (String(a) > String(b) ? a : b), { store: 'combined', combine: true });
  const driver = new TopologyTestDriver(builder.build());
  for (const record of INPUT) await driver.pipe('in', record);
  const rows = (store: string) => driver.rows(store).map(({ value }) => value);
  expect({
    count: rows('count'),
    windowed: rows('windowed'),
    'count-alone': rows('count-alone'),
    aggregate: rows('aggregate'),
    reduce: rows('reduce'),
    combined: rows('combined'),
  }).toEqual({
    count: [2],
    windowed: [5],
    'count-alone': [2],
    aggregate: ['xy'],
    reduce: ['x-y'],
    combined: ['y'],
  });
  expect(driver.dropped()).toEqual({});
});

test('a key that has nothing but null values has no row; its window has one', async () => {
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('in', { value: stringSerde, nulls: 'keep' })
    .groupBy((_value, key) => key, { name: 'g' });
  grouped.count({ store: 'count' });
  grouped.windowedBy(tumbling({ sizeMs: 100, graceMs: 0 })).count({ store: 'windowed' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: null, timestampMs: 5 });
  expect(driver.rows('count')).toEqual([]);
  expect(driver.rows('windowed')).toMatchObject([{ key: 'k', startMs: 0, value: 1 }]);
});

type Words = SourceStream<string | null, string>;
type Step = (words: Words, builder: StreamsBuilder) => KStream<string | null, string>;

/** Answers a text, but nothing for `x`. */
const orNothing = (value: string): string => (value === 'x' ? undefined : value) as string;

const STEPS: readonly (readonly [string, Step])[] = [
  ['mapValues', (words) => words.mapValues(orNothing)],
  ['map', (words) => words.map((value, key) => ({ key, value: orNothing(value) }))],
  ['flatMap', (words) => words.flatMap((value, key) => [{ key, value: orNothing(value) }])],
  ['flatMapValues', (words) => words.flatMapValues((value) => [orNothing(value)])],
  [
    'forward',
    (words) => words.process<string | null, string>((to) => (value, key) => to.forward(key, orNothing(value))),
  ],
  [
    'forward with headers',
    (words) =>
      words.process<string | null, string>(
        (to) => (value, key) => to.forward(key, orNothing(value), { headers: { h: Buffer.from('1') } }),
      ),
  ],
  ['forward of processValues', (words) => words.processValues<string>((to) => (value) => to.forward(orNothing(value)))],
  [
    'the joiner with a table',
    (words, builder) => words.leftJoin(builder.table('rows', { value: stringSerde }), (value) => orNothing(value)),
  ],
  [
    'the joiner with a global table',
    (words, builder) =>
      words.leftJoin(builder.globalTable('rows', { value: stringSerde }), (value) => orNothing(value), {
        key: (_value, key) => key,
      }),
  ],
  [
    'the joiner with a stream',
    (words, builder) =>
      words.leftJoin(builder.stream('rows', { value: stringSerde }), (value) => orNothing(value), {
        windows: joinWindows({ differenceMs: 0, graceMs: 0 }),
        name: 'joined',
      }),
  ],
];

test.each(STEPS)('undefined as the value of %s is null', async (_name, step) => {
  const builder = new StreamsBuilder();
  const values = step(builder.stream('in', { value: stringSerde }), builder);
  const seen: unknown[] = [];
  values.peek((value) => void seen.push(value)).to('out', { key: stringSerde, value: stringSerde });
  const grouped = values.groupByKey({ name: 'g', value: stringSerde });
  grouped.count({ store: 'counts' });
  grouped.reduce((a, b) => `${a}-${b}`, { store: 'reduced' });
  values.toTable({ store: 'table', key: stringSerde, value: stringSerde });
  values.repartition({ name: 'again', key: stringSerde, value: stringSerde }).to('again', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  for (const [at, value] of ['a', 'x', 'b', 'x', 'end'].entries())
    await driver.pipe('in', { key: 'k', value, timestampMs: at * 10 });
  const told = (topic: string): (string | null)[] =>
    driver.output(topic).map(({ value }) => (value === null ? null : String(value)));
  // Of a join of streams the last one still waits for its partner.
  const expected = ['a', null, 'b', null, 'end'].slice(0, seen.length);
  expect(seen.length).toBeGreaterThanOrEqual(4);
  expect(seen).toEqual(expected);
  expect(told('out')).toEqual(expected);
  expect(told('again')).toEqual(expected);
  const kept = expected.filter((value) => value !== null);
  expect(driver.rows('counts')).toEqual([{ key: 'k', value: kept.length }]);
  expect(driver.rows('reduced')).toEqual([{ key: 'k', value: kept.join('-') }]);
  expect(driver.rows('table')).toEqual(expected.at(-1) === null ? [] : [{ key: 'k', value: expected.at(-1) }]);
});

test('undefined as the answer of a joiner of tables is no row, by key and by foreign key', async () => {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { value: stringSerde });
  const right = builder.table('right', { value: stringSerde });
  const text = jsonSerde<string>();
  left.join(right, orNothing, { store: 'by-key', value: text }).toStream().to('by-key', { value: text });
  left
    .join(right, orNothing, { foreignKey: (_value, key) => key, name: 'f', store: 'by-foreign-key', value: text })
    .toStream()
    .to('by-foreign-key', { value: text });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('right', { key: 'k', value: 'r' });
  await driver.pipe('left', { key: 'k', value: 'a' });
  await driver.pipe('left', { key: 'k', value: 'x' });
  for (const topic of ['by-key', 'by-foreign-key']) {
    expect(driver.output(topic).map(({ value }) => value?.toString())).toEqual(['"a"', undefined]);
    expect(driver.rows(topic)).toEqual([]);
  }
});
