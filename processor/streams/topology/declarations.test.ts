import { expect, test } from '@jest/globals';
import {
  int32Serde,
  joinWindows,
  keyValueStore,
  StreamsBuilder,
  StreamsError,
  stringSerde,
  TopologyTestDriver,
  untilWindowCloses,
  windowStore,
  type KStream,
  type KTable,
  type ProcessorContext,
} from '../index.ts';

const texts = (builder: StreamsBuilder, topic = 'in'): KStream<string | null, string> =>
  builder.stream(topic, { value: stringSerde });
const rows = (builder: StreamsBuilder, topic = 'rows', options: object = {}): KTable<string, string> =>
  builder.table(topic, { value: stringSerde, ...options });
const either = (one: unknown, other: unknown): string => `${String(one)}+${String(other)}`;
const nothing = (): (() => void) => () => undefined;
const windows = joinWindows({ differenceMs: 1, graceMs: 0 });

/** What JavaScript may write; as it is refused, when it is declared or when the topology is built. */
test.each<[string, (builder: StreamsBuilder) => unknown, RegExp]>([
  [
    'a foreign-key join without a name',
    (b) => rows(b).join(rows(b, 'right'), either, { foreignKey: (value: string) => value } as never),
    /join\(\) of .* by a foreign key needs a name/,
  ],
  [
    'a foreign-key join with an empty name',
    (b) => rows(b).leftJoin(rows(b, 'right'), either, { foreignKey: (value) => value, name: '' }),
    /leftJoin\(\) of .* by a foreign key needs a name/,
  ],
  [
    'a foreign-key join whose name is a number',
    (b) => rows(b).join(rows(b, 'right'), either, { foreignKey: (value) => value, name: 5 as never }),
    /by a foreign key needs a name/,
  ],
  [
    'a join of streams with an empty name',
    (b) => texts(b).join(texts(b, 'right'), either, { windows, name: '', left: stringSerde, right: stringSerde }),
    /needs a name/,
  ],
  [
    'a join with a table that names its topic by a number',
    (b) =>
      texts(b)
        .selectKey((value) => value)
        .join(rows(b), either, { name: 5 as never }),
    /a grouping needs a name/,
  ],
  [
    'two processors of one name',
    (b) => {
      texts(b).process(nothing, { name: 'one' });
      texts(b, 'other').process(nothing, { name: 'one' });
    },
    /the name "one" of a processor is given twice, to KSTREAM-PROCESSOR-0*1 and to KSTREAM-PROCESSOR-0*3/,
  ],
  [
    'a value of a source that is no serde',
    (b) => b.stream('in', { value: 'x' as never }),
    /"in"\) needs a serde.*value/,
  ],
  ['a value of a table that is no serde', (b) => b.table('in', { value: 'x' as never }), /"in"\) needs a serde.*value/],
  [
    'a value of a global table that is no serde',
    (b) => b.globalTable('in', { value: 'x' as never }),
    /"in"\) needs a serde.*value/,
  ],
  [
    'a value of a join with a table that is no serde',
    (b) => texts(b).join(rows(b), either, { value: 'x' as never }),
    /join\(\) .*needs a serde.*value/,
  ],
  [
    'a right side of a foreign-key join that is no serde',
    (b) => rows(b).join(rows(b, 'right'), either, { foreignKey: (value) => value, name: 'f', right: 5 as never }),
    /needs a serde as its right/,
  ],
  ['a store of a table that is a number', (b) => rows(b, 'rows', { store: 5 }), /the store of table\("rows"\).*not 5/],
  [
    'a store of a table that is null',
    (b) => rows(b, 'rows', { store: null }),
    /the store of table\("rows"\).*not null/,
  ],
  ['a split without predicates', (b) => texts(b).split({}), /split\(\) of .* needs a predicate/],
  ['a split of nothing', (b) => texts(b).split(undefined as never), /split\(\) of .*/],
  [
    'stores of a processor that are text',
    (b) => texts(b).process(nothing, { stores: 'zz' as never }),
    /stores.*list.*"zz"/,
  ],
  [
    'options of a builder',
    () => Reflect.construct(StreamsBuilder, [{ zzz: 1 }]),
    /StreamsBuilder\(\) takes no options/,
  ],
  [
    'options of untilWindowCloses',
    () => Reflect.apply(untilWindowCloses, undefined, [{ maxRows: 1 }]),
    /untilWindowCloses\(\) takes no options/,
  ],
  [
    'duplicates of a window store',
    () => windowStore('w', { value: stringSerde, sizeMs: 1, retentionMs: 1, retainDuplicates: 'no' as never }),
    /retainDuplicates of windowStore\("w"\) is true or false, not "no"/,
  ],
  ['no topology for the driver', () => new TopologyTestDriver({} as never), /TopologyTestDriver takes what build\(\)/],
])('%s: refused', (_name, declare, words) => {
  const builder = new StreamsBuilder();
  let said = 'taken';
  try {
    declare(builder);
    builder.build();
  } catch (error) {
    said = error instanceof StreamsError ? `${error.code}: ${error.message}` : `no StreamsError: ${String(error)}`;
  }
  expect(said).toMatch(/^(?:CONFIG|TOPOLOGY)_INVALID: /);
  expect(said).toMatch(words);
});

const counting = (context: ProcessorContext<string, number>): ((value: string, key: string | null) => void) => {
  const counts = context.keyValueStore<number>('counts');
  return (_value, key) => {
    const count = (counts.get(String(key)) ?? 0) + 1;
    counts.put(String(key), count);
    context.forward(String(key), count);
  };
};

test('a store is one declaration where it is added and named by the same spec, and may be added twice', async () => {
  const builder = new StreamsBuilder();
  const counts = keyValueStore('counts', { value: int32Serde });
  builder.addStore(counts);
  builder.addStore(counts);
  texts(builder).process(counting, { stores: [counts] });
  texts(builder, 'other').process(counting, { stores: ['counts'] });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: 'a' });
  await driver.pipe('other', { key: 'k', value: 'a' });
  expect(driver.rows('counts')).toEqual([{ key: 'k', value: 2 }]);
});

test('another spec of that name is a second declaration', () => {
  const builder = new StreamsBuilder();
  builder.addStore(keyValueStore('counts', { value: int32Serde }));
  texts(builder).process(counting, { stores: [keyValueStore('counts', { value: int32Serde })] });
  expect(() => builder.build()).toThrow(/"counts" is declared twice, by addStore\(\) and by KSTREAM-PROCESSOR/);
});

test('a topic that a list names twice is read once', async () => {
  const builder = new StreamsBuilder();
  builder.stream(['in', 'other', 'in'], { value: stringSerde }).groupByKey({ name: 'g' }).count({ store: 'counts' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: 'a' });
  expect(driver.rows('counts')).toEqual([{ key: 'k', value: 1 }]);
});

test('a repartition hands on what has no key where a left join with a global table follows', async () => {
  const builder = new StreamsBuilder();
  const all = builder.globalTable('all', { value: stringSerde });
  texts(builder)
    .repartition({ name: 'r' })
    .leftJoin(all, either, { key: (value) => value })
    .to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('all', { key: 'a', value: 'A' });
  await driver.pipe('in', { value: 'a' }, { value: 'b' });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['a+A', 'b+null']);
  expect(driver.dropped()).toEqual({});
});

test('where a topic is a table and a stream, each of its records is in the table first', async () => {
  const builder = new StreamsBuilder();
  const stream = texts(builder);
  stream.join(rows(builder, 'in'), either).to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: 'a' }, { key: 'k', value: 'b' });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['a+a', 'b+b']);
});
