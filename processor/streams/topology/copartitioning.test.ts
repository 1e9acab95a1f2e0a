import { expect, test } from '@jest/globals';
import {
  DeadLetter,
  joinWindows,
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  type KStream,
  type Processor,
  type SourceStream,
  type StreamsError,
  type StoreSpec,
} from '../index.ts';
import { internalTopics } from '../topics/internal-topics.ts';

const text = (builder: StreamsBuilder, topic: string): SourceStream<string | null, string> =>
  builder.stream(topic, {
    decode: ({ value }) => (value === null ? new DeadLetter('NULL', 'null') : String(value)),
    deadLetterTopic: 'dlq',
  });
const nothing = (): Processor<unknown, unknown> => ({ process: () => undefined });
const store: StoreSpec<unknown> = { name: 'seen', kind: 'key-value', serde: jsonSerde<unknown>() };
const word = (value: string): string => value;

type Declare = (few: SourceStream<string | null, string>, many: SourceStream<string | null, string>) => void;

function declared(declare: Declare): StreamsBuilder {
  const builder = new StreamsBuilder();
  declare(text(builder, 'few'), text(builder, 'many'));
  return builder;
}

const refused = expect.objectContaining({
  code: 'NOT_COPARTITIONED',
  message: expect.stringMatching(/few \(2\).*many \(3\).*equal partition counts.*groupBy/),
});

test.each<[string, Declare]>([
  ['a count by key', (few, many) => void few.merge(many).groupByKey({ name: 'k' }).count({ store: 'c' })],
  [
    'a count by key behind filters and branches',
    (few, many) => {
      const [taken] = few
        .filter(() => true)
        .merge(many.mapValues((v) => v))
        .branch(() => true) as [KStream<string | null, string>];
      taken.groupByKey({ name: 'k' }).count({ store: 'c' });
    },
  ],
  ['a processor with a store', (few, many) => void few.merge(many).process(nothing, { stores: [store] })],
  [
    'two processors that share a store',
    (few, many) => {
      few.process(nothing, { stores: [store] });
      many.process(nothing, { stores: [store] });
    },
  ],
  [
    'a processor that looks at another table by name',
    (few, many) => {
      few.groupByKey({ name: 'k' }).count({ store: 'c' });
      many.process(nothing, { stores: ['c'] });
    },
  ],
  [
    'dead letters that reach a store',
    (few, many) =>
      void few
        .deadLetters()
        .mapValues(String)
        .merge(many)
        .process(nothing, { stores: [store] }),
  ],
])('%s over topics of 2 and 3 partitions is refused, at the start and in the driver', (_name, declare) => {
  const topology = declared(declare).build();
  expect(() => internalTopics(topology, 'app', { few: 2, many: 3, dlq: 1 })).toThrow(refused);
  expect(() => new TopologyTestDriver(topology, { partitions: { few: 2, many: 3 } })).toThrow(refused);
  // Of one size it runs.
  expect(() => internalTopics(topology, 'app', { few: 3, many: 3, dlq: 1 })).not.toThrow();
  expect(() => new TopologyTestDriver(topology, { partitions: { few: 3, many: 3 } })).not.toThrow();
});

test("a repartition topic and a narrower topic of the user's that share a store are refused as well", () => {
  const topology = declared((few, many) => {
    many.groupBy(word, { name: 'by-word' }).count({ store: 'c' });
    few.process(nothing, { stores: ['c'] });
  }).build();
  expect(() => internalTopics(topology, 'app', { few: 2, many: 3, dlq: 1 })).toThrow(
    expect.objectContaining({
      code: 'NOT_COPARTITIONED',
      message: expect.stringMatching(
        /app-by-word-repartition \(3\).*few \(2\)|few \(2\).*app-by-word-repartition \(3\)/,
      ),
    }),
  );
});

test.each<[string, Declare]>([
  ['without a store', (few, many) => few.merge(many).to('out', { value: stringSerde })],
  [
    'into groupBy, which repartitions',
    (few, many) => void few.merge(many).groupBy(word, { name: 'by-word' }).count({ store: 'c' }),
  ],
  [
    'with a store for each',
    (few, many) => {
      few.merge(many).to('out', { value: stringSerde });
      few.groupByKey({ name: 'k' }).count({ store: 'c' });
      many.process(nothing, { stores: [store] });
    },
  ],
])('topics of other counts stay legal %s', (_name, declare) => {
  const topology = declared(declare).build();
  expect(() => internalTopics(topology, 'app', { few: 2, many: 3, dlq: 1, out: 1 })).not.toThrow();
  expect(() => new TopologyTestDriver(topology, { partitions: { few: 2, many: 3 } })).not.toThrow();
});

test.each<[string, Declare, RegExp]>([
  [
    'a sink that is a changelog',
    (few) => {
      few.groupByKey({ name: 'k' }).count({ store: 'c' });
      few.to('app-c-changelog', { value: stringSerde });
    },
    /app-c-changelog/,
  ],
  [
    'a sink that is a repartition topic',
    (few) => {
      few.groupBy(word, { name: 'k' }).count({ store: 'c' });
      few.to('app-k-repartition', { value: stringSerde });
    },
    /app-k-repartition/,
  ],
  ['a sink that is the status topic', (few) => few.to('app-status', { value: stringSerde }), /app-status/],
  ['a sink that is the offsets topic', (few) => few.to('app-offsets', { value: stringSerde }), /app-offsets/],
  [
    "a store whose changelog's name is too long",
    (few) => void few.groupByKey({ name: 'k' }).count({ store: 'c'.repeat(240) }),
    /249/,
  ],
])('%s is refused, at the start and in the driver', (_name, declare, words) => {
  const topology = declared(declare).build();
  const invalid = expect.objectContaining({ code: 'TOPOLOGY_INVALID', message: expect.stringMatching(words) });
  expect(() => internalTopics(topology, 'app', { few: 1, many: 1, dlq: 1 })).toThrow(invalid);
  expect(() => new TopologyTestDriver(topology, { applicationId: 'app' })).toThrow(invalid);
});

const windows = joinWindows({ differenceMs: 1, graceMs: 0 });
const pair = (a: string, b: string): string => a + b;

test('a repartition topic has the partitions that it is given, and so has what follows from it', async () => {
  const builder = new StreamsBuilder();
  const few = text(builder, 'few');
  const five = few.selectKey(word).repartition({ name: 'five', value: stringSerde, partitions: 5 });
  five.groupByKey({ value: stringSerde }).count({ store: 'counts' });
  text(builder, 'many').selectKey(word).join(five, pair, { windows, name: 'j', left: stringSerde, right: stringSerde });
  const driver = new TopologyTestDriver(builder.build(), { partitions: { few: 2, many: 3 } });
  for (const topic of ['five-repartition', 'counts-changelog', 'j-left-repartition', 'j-right-changelog'])
    expect([topic, driver.partitionsOf(`test-${topic}`)]).toEqual([topic, 5]);
  await driver.pipe('few', ...['a', 'b', 'c', 'd', 'a'].map((value) => ({ value })));
  expect(driver.rows('counts').map(({ key, value }) => [key, value])).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 1],
    ['d', 1],
  ]);
});

test.each<[string, RegExp, Declare]>([
  [
    'another size than that of the topic which it is joined with',
    /NOT_COPARTITIONED.*few \(2\), test-five-repartition \(5\)/,
    (few, many) => {
      const five = many.selectKey(word).repartition({ name: 'five', value: stringSerde, partitions: 5 });
      few.join(five, pair, { windows, name: 'j', left: stringSerde, right: stringSerde });
    },
  ],
  [
    'two sizes on two sides of a join',
    /NOT_COPARTITIONED.*test-five-repartition \(5\), test-six-repartition \(6\)/,
    (few, many) => {
      const five = few.selectKey(word).repartition({ name: 'five', value: stringSerde, partitions: 5 });
      const six = many.selectKey(word).repartition({ name: 'six', value: stringSerde, partitions: 6 });
      five.join(six, pair, { windows, name: 'j', left: stringSerde, right: stringSerde });
    },
  ],
  [
    'a size that is none',
    /TOPOLOGY_INVALID.*the repartition "none" is a whole number above 0, not 0/,
    (few) => void few.repartition({ name: 'none', value: stringSerde, partitions: 0 }),
  ],
  [
    'one name for two',
    /TOPOLOGY_INVALID.*"same" is declared twice, by KSTREAM-REPARTITION-\d+ and by KSTREAM-REPARTITION-\d+/,
    (few, many) => {
      few.repartition({ name: 'same', value: stringSerde }).to('out');
      many.repartition({ name: 'same', value: stringSerde }).to('out');
    },
  ],
])('a repartition is refused with %s', (_what, message, declare) => {
  let seen = 'taken';
  try {
    new TopologyTestDriver(declared(declare).build(), { partitions: { few: 2, many: 3 } });
  } catch (error) {
    seen = `${(error as StreamsError).code}: ${(error as StreamsError).message}`;
  }
  expect(seen).toMatch(message);
});
