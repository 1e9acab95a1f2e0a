import { expect, test } from '@jest/globals';
import { StreamsBuilder, stringSerde, type KStream } from '../index.ts';
import { forgottenSources } from './forgotten-sources.ts';
import { internalTopics } from './internal-topics.ts';

const text = (builder: StreamsBuilder, topic: string): KStream<string | null, string> =>
  builder.stream(topic, { decode: ({ value }) => String(value) });
const sizes = (builder: StreamsBuilder, counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    internalTopics(builder.build(), 'app', counts).map(({ topic, partitions }) => [topic, partitions]),
  );

test('a repartition topic is as wide as the widest source that feeds it, through other repartition topics too', () => {
  const builder = new StreamsBuilder();
  const words = text(builder, 'few').merge(text(builder, 'many'));
  const counts = words.groupBy((word) => word, { name: 'by-word' }).count({ store: 'words' });
  counts
    .toStream()
    .groupBy((value) => String(value), { name: 'by-count' })
    .count({ store: 'counts' });
  expect(sizes(builder, { few: 2, many: 12 })).toEqual({
    'app-by-word-repartition': 12,
    'app-words-changelog': 12,
    'app-by-count-repartition': 12,
    'app-counts-changelog': 12,
    // A partition a task.
    'app-offsets': 36,
    'app-status': 1,
  });
});

test('a sub-topology that reads what it repartitions is sized by its own source', () => {
  const builder = new StreamsBuilder();
  const words = text(builder, 'words');
  words.groupBy((word) => word, { name: 'by-word' }).count({ store: 'counts' });
  words.process(() => ({ process: () => undefined }), { stores: ['counts'] });
  expect(sizes(builder, { words: 5 })).toEqual({
    'app-by-word-repartition': 5,
    'app-counts-changelog': 5,
    'app-offsets': 5,
    'app-status': 1,
  });
});

test('counting in place over topics of different widths is refused: a key would lie in two tasks', () => {
  const widths = { few: 2, many: 12 };
  const local = new StreamsBuilder();
  text(local, 'few').merge(text(local, 'many')).groupByKey({ name: 'by-key' }).count({ store: 'counts' });
  expect(() => sizes(local, widths)).toThrow(
    expect.objectContaining({
      code: 'NOT_COPARTITIONED',
      message: expect.stringMatching(/"counts" counts by the keys of few \(2\), many \(12\)/),
    }),
  );
  expect(sizes(local, { few: 3, many: 3 })).toMatchObject({ 'app-counts-changelog': 3 });

  const repartitioned = new StreamsBuilder();
  text(repartitioned, 'few')
    .merge(text(repartitioned, 'many'))
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' });
  expect(sizes(repartitioned, widths)).toMatchObject({ 'app-counts-changelog': 12 });
});

test('what is kept is compacted, what is passed on is kept until it is purged', () => {
  const builder = new StreamsBuilder();
  text(builder, 'words')
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' });
  const configs = Object.fromEntries(
    internalTopics(builder.build(), 'app', { words: 1 }).map(({ topic, config }) => [topic, config]),
  );
  expect(configs['app-counts-changelog']).toMatchObject({ 'cleanup.policy': 'compact' });
  expect(configs['app-offsets']).toMatchObject({ 'cleanup.policy': 'compact' });
  expect(configs['app-status']).toMatchObject({ 'cleanup.policy': 'compact' });
  expect(configs['app-by-word-repartition']).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '-1' });
});

test('a source is forgotten when it has no offset and what was made of it has', () => {
  const builder = new StreamsBuilder();
  const words = text(builder, 'a').merge(text(builder, 'b'));
  words.groupBy((word) => word, { name: 'by-word' }).count({ store: 'counts' });
  text(builder, 'copied').to('copies', { value: stringSerde });
  const topology = builder.build();
  const forgotten = (...topics: string[]): string[] => forgottenSources(topology, 'app', new Set(topics));
  expect(forgotten()).toEqual([]);
  expect(forgotten('app-by-word-repartition')).toEqual(['a', 'b']);
  // A partition of the one may never have had a record.
  expect(forgotten('app-by-word-repartition', 'a')).toEqual([]);
  expect(forgotten('a', 'b')).toEqual([]);
  expect(forgotten('copied', 'app-by-word-repartition')).toEqual(['a', 'b']);
  expect(forgotten('other-by-word-repartition')).toEqual([]);
});

test('a task that reads two topics commits both: its offsets do not say that it has been sent anything', () => {
  const builder = new StreamsBuilder();
  const orders = builder.table('orders', { value: stringSerde });
  const products = builder.table('products', { value: stringSerde });
  orders.join(products, (order, product) => order + product, {
    foreignKey: (order) => order,
    name: 'priced',
    store: 'priced',
    value: stringSerde,
  });
  const topics = new Set(['orders', 'app-priced-response-repartition']);
  expect(forgottenSources(builder.build(), 'app', topics)).toEqual([]);
});
