import { expect, test } from '@jest/globals';
import {
  DeadLetter,
  jsonSerde,
  StreamsBuilder,
  StreamsError,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type Aggregate,
  type KStream,
  type Processor,
  type StoreSpec,
} from '../index.ts';

const text = (builder: StreamsBuilder, topic = 'words'): KStream<string | null, string> =>
  builder.stream(topic, { decode: ({ value }) => String(value) });
const nothing = (): Processor<unknown, never> => ({ process: () => undefined });
const sum: Aggregate<string, number> = {
  empty: () => 0,
  add: (acc, value) => acc + Number(value),
  merge: (a, b) => a + b,
  serde: jsonSerde<number>(),
};
const spec = (name: string, serde = jsonSerde<unknown>()): StoreSpec<unknown> => ({ name, kind: 'key-value', serde });

/** What building says: `CODE: message`, or that nothing is wrong. */
function said(declare: (builder: StreamsBuilder) => void): string {
  try {
    const builder = new StreamsBuilder();
    declare(builder);
    builder.build();
  } catch (error) {
    return error instanceof StreamsError ? `${error.code}: ${error.message}` : `no StreamsError: ${String(error)}`;
  }
  return 'nothing is wrong';
}

const invalid = (...words: RegExp[]): RegExp =>
  new RegExp(`^TOPOLOGY_INVALID: ${['', ...words.map((word) => word.source)].join('.*')}`, 's');

test.each<[string, (builder: StreamsBuilder) => void, RegExp]>([
  [
    'two aggregations',
    (b) => {
      const grouped = text(b).groupBy((word) => word, { name: 'by-word' });
      grouped.count({ store: 'c' });
      grouped.aggregate(sum, { store: 'c' });
    },
    invalid(/store "c"/, /KSTREAM-AGGREGATE-\d+/, /KSTREAM-AGGREGATE-\d+/),
  ],
  [
    'two aggregations of two streams',
    (b) => {
      text(b, 'a').groupByKey({ name: 'x' }).count({ store: 'c' });
      text(b, 'b')
        .groupBy((word) => word, { name: 'y' })
        .count({ store: 'c' });
    },
    invalid(/store "c"/, /AGGREGATE/, /AGGREGATE/),
  ],
  [
    'two kinds',
    (b) => {
      const grouped = text(b).groupBy((word) => word, { name: 'by-word' });
      grouped.count({ store: 'c' });
      grouped.windowedBy(tumbling({ sizeMs: 10, retentionMs: 10 })).count({ store: 'c' });
    },
    invalid(/store "c"/),
  ],
  [
    'an aggregation and a processor',
    (b) => {
      text(b)
        .groupBy((word) => word, { name: 'by-word' })
        .count({ store: 'c' });
      text(b).process(nothing, { stores: [spec('c')] });
    },
    invalid(/store "c"/, /AGGREGATE/, /PROCESSOR/),
  ],
  [
    'two processors with other serdes',
    (b) => {
      text(b).process(nothing, { stores: [spec('c')] });
      text(b).process(nothing, { stores: [spec('c', { ...jsonSerde<unknown>(), format: 'other' })] });
    },
    invalid(/store "c"/, /KSTREAM-PROCESSOR-0000000001/, /KSTREAM-PROCESSOR-0000000003/),
  ],
  [
    'one processor, twice',
    (b) => {
      text(b).process(nothing, { stores: [spec('c'), spec('c')] });
    },
    invalid(/store "c"/),
  ],
])('one store name declared by %s is refused, and both places are named', (_name, declare, words) => {
  expect(said(declare)).toMatch(words);
});

test('one spec that several processors share is one declaration; so is a name, declared before or after', () => {
  const shared = spec('c');
  expect(
    said((b) => {
      const words = text(b);
      words.process(nothing, { stores: [shared] });
      words.process(nothing, { stores: [shared] });
      words.process(nothing, { stores: ['c', 'later'] });
      words.groupByKey({ name: 'by-key' }).count({ store: 'later' });
    }),
  ).toBe('nothing is wrong');
});

test.each<[string, (builder: StreamsBuilder) => void, RegExp]>([
  [
    'a store that nobody declares',
    (b) => void text(b).process(nothing, { stores: ['seen'] }),
    invalid(/KSTREAM-PROCESSOR-\d+/, /"seen"/),
  ],
  [
    'a store of another builder',
    (b) => {
      text(new StreamsBuilder()).process(nothing, { stores: [spec('seen')] });
      text(b).process(nothing, { stores: ['seen'] });
    },
    invalid(/"seen"/),
  ],
  [
    'an illegal store name',
    (b) => void text(b).process(nothing, { stores: [spec('a/b')] }),
    invalid(/"a\/b"/, /PROCESSOR/),
  ],
  [
    'an illegal store name of a table',
    (b) => void text(b).groupByKey({ name: 'k' }).count({ store: '.c' }),
    invalid(/"\.c"/, /AGGREGATE/),
  ],
  [
    'a store without a name',
    (b) =>
      void text(b)
        .groupByKey({ name: 'k' })
        .count({} as never),
    invalid(/store/),
  ],
  [
    'a store without a serde',
    (b) => void text(b).process(nothing, { stores: [{ name: 'c', kind: 'key-value' } as never] }),
    invalid(/"c"/, /serde/),
  ],
  [
    'a store of no kind',
    (b) => void text(b).process(nothing, { stores: [{ ...spec('c'), kind: 'sorted' } as never] }),
    invalid(/"c"/, /sorted/),
  ],
  [
    'a store whose changelog is a text',
    (b) => void text(b).process(nothing, { stores: [{ ...spec('c'), changelog: 'no' } as never] }),
    invalid(/changelog of the store "c" .* is true or false, not "no"/),
  ],
  [
    'a window store without a size',
    (b) => void text(b).process(nothing, { stores: [{ ...spec('c'), kind: 'window' }] }),
    invalid(/"c"/, /windowSizeMs/),
  ],
  [
    'a window store without retention',
    (b) => void text(b).process(nothing, { stores: [{ ...spec('c'), kind: 'window', windowSizeMs: 5 }] }),
    invalid(/"c"/, /retentionMs/),
  ],
  [
    'an aggregate without a serde',
    (b) =>
      void text(b)
        .groupByKey({ name: 'k' })
        .aggregate({ ...sum, serde: undefined } as never, { store: 'c' }),
    invalid(/"c"/, /serde/),
  ],
  [
    'an aggregate without add',
    (b) =>
      void text(b)
        .groupBy((w) => w, { name: 'k' })
        .aggregate({ ...sum, add: undefined } as never, { store: 'c' }),
    invalid(/"c"/, /add/),
  ],
  [
    'a reduce without a serde',
    (b) =>
      void text(b)
        .groupByKey({ name: 'k' })
        .reduce((a) => a, { store: 'c' } as never),
    invalid(/"c"/, /serde/),
  ],
  ['a sink without a serde', (b) => text(b).to('out', undefined as never), invalid(/out/, /serde/)],
  [
    'two starts of one topic',
    (b) => (text(b), b.stream('words', { decode: String, startAt: 'latest' })),
    invalid(/SOURCE-0000000000 starts "words" at the earliest, KSTREAM-SOURCE-0000000001 at the latest/),
  ],
  ['a sink without a topic', (b) => text(b).to(undefined as never, { value: stringSerde }), invalid(/topic/)],
  ['an illegal topic', (b) => void text(b, 'a b'), invalid(/"a b"/)],
  [
    'a grouping without a name',
    (b) =>
      void text(b)
        .groupBy((w) => w, {} as never)
        .count({ store: 'c' }),
    invalid(/grouping/),
  ],
  [
    'a grouping with an illegal name',
    (b) =>
      void text(b)
        .groupBy((w) => w, { name: 'a b' })
        .count({ store: 'c' }),
    invalid(/"a b"/),
  ],
  [
    "a dead-letter topic that is the stream's own",
    (b) => void b.stream('in', { decode: String, deadLetterTopic: 'in' }),
    invalid(/"in"/, /dead/),
  ],
  [
    'a dead-letter topic without a legal name',
    (b) => void b.stream('in', { decode: String, deadLetterTopic: '' }),
    invalid(/""/),
  ],
  [
    'a stream of another builder',
    (b) => void text(b).merge(text(new StreamsBuilder(), 'lost')),
    invalid(/merge/, /KSTREAM-SOURCE-0000000000/, /another StreamsBuilder/),
  ],
  [
    'a stream of another builder, the other way round',
    (b) => {
      text(b);
      const other = new StreamsBuilder();
      text(other).merge(text(b));
      other.build();
    },
    invalid(/another StreamsBuilder/),
  ],
  [
    'a grouping of another builder',
    (b) => {
      const aggregate = { empty: () => 0, add: (sum: number) => sum + 1, serde: jsonSerde<number>() };
      const lost = text(new StreamsBuilder(), 'lost').groupByKey();
      text(b).groupByKey().cogroup(aggregate).cogroup(lost, aggregate).aggregate({ store: 's' });
    },
    invalid(/cogroup\(\) of KSTREAM-SOURCE-0000000000 and KSTREAM-SOURCE-0000000000/, /another StreamsBuilder/),
  ],
  ['no stream at all', (b) => void text(b).merge(undefined as never), invalid(/merge/)],
  [
    'late() of a table without windows',
    (b) =>
      void text(b)
        .groupBy((w) => w, { name: 'k' })
        .count({ store: 'c' })
        .late(),
    invalid(/late\(\)/),
  ],
  ['branch() into nothing', (b) => void text(b).branch(), invalid(/branch/)],
  ['nothing', () => undefined, invalid(/empty/)],
])('%s is refused when the topology is built', (_name, declare, words) => {
  expect(said(declare)).toMatch(words);
});

test('what is added to a topology that is built already would be in none: refused', () => {
  const builder = new StreamsBuilder();
  const words = text(builder);
  builder.build();
  expect(() => builder.build()).not.toThrow();
  expect(() => words.to('out', { value: stringSerde })).toThrow(
    expect.objectContaining({ code: 'TOPOLOGY_INVALID', message: expect.stringMatching(/built/) }),
  );
});

test('deadLetters() asked for twice is one stream with two readers', async () => {
  const builder = new StreamsBuilder();
  const source = builder.stream<string>('in', { decode: () => new DeadLetter('NO', 'no'), deadLetterTopic: 'dlq' });
  source
    .deadLetters()
    .mapValues(({ reason }) => `1 ${reason}`)
    .to('out', { value: stringSerde });
  source
    .deadLetters()
    .mapValues(({ reason }) => `2 ${reason}`)
    .to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { value: 'x' });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['1 NO', '2 NO']);
});

test('branch asks each predicate at most once a record, and none behind the one that takes it', async () => {
  const asked: string[] = [];
  const builder = new StreamsBuilder();
  const branches = text(builder).branch(
    (word) => (asked.push(`a ${word}`), word === 'a'),
    (word) => (asked.push(`b ${word}`), word === 'b'),
    (word) => (asked.push(`c ${word}`), word === 'c'),
  );
  for (const [index, branch] of branches.entries()) branch.to(`out-${String(index)}`, { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('words', { value: 'c' }, { value: 'a' }, { value: 'nobody' });
  expect(asked).toEqual(['a c', 'b c', 'c c', 'a a', 'a nobody', 'b nobody', 'c nobody']);
  expect(branches.map((_, index) => driver.output(`out-${String(index)}`).map(({ value }) => String(value)))).toEqual([
    ['a'],
    [],
    ['c'],
  ]);
});

test('branches keep their key: a count behind one needs no repartition', () => {
  const builder = new StreamsBuilder();
  const [first] = text(builder).branch(() => true) as [KStream<string | null, string>];
  first.groupByKey({ name: 'by-key' }).count({ store: 'c' });
  expect(builder.build().subTopologies).toHaveLength(1);
});
