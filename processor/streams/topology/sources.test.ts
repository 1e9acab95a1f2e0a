import { expect, test } from '@jest/globals';
import {
  int32Serde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  type FailedOutput,
  type ProcessorContext,
  type Topology,
} from '../index.ts';

const number = (value: number): Buffer => int32Serde.serialize(value);

/** A decoder that makes something of every value, and of none. */
const anything = { decode: ({ value }: { readonly value: Buffer | null }): string => value?.toString() ?? 'nothing' };
/** A decoder that expects a value. */
const strict = { decode: ({ value }: { readonly value: Buffer | null }): string => (value as Buffer).toString() };

test.each([
  ['that would make something of it', anything],
  ['that expects a value', strict],
])('a null value deletes a row of a table, and of a global one, whatever its decoder: one %s', async (_name, reads) => {
  const builder = new StreamsBuilder();
  builder
    .table('rows', { ...reads, store: 'kept' })
    .toStream()
    .to('out', { value: stringSerde });
  builder.globalTable('all', { ...reads, store: 'copied' });
  const driver = new TopologyTestDriver(builder.build());
  for (const topic of ['rows', 'all'])
    await driver.pipe(topic, { key: 'k', value: 'a' }, { key: 'l', value: 'b' }, { key: 'k', value: null });
  expect(driver.rows('kept')).toEqual([{ key: 'l', value: 'b' }]);
  expect(driver.rows('copied')).toEqual([{ key: 'l', value: 'b' }]);
  expect(driver.output('out').find(({ key }) => String(key) === 'k')).toMatchObject({ value: null });
});

test.each([
  ['drop', [], { 'null-value': 1 }],
  ['keep', ['nothing'], {}],
  [undefined, ['nothing'], {}],
] as const)('nulls: %s beside a decoder', async (nulls, values, dropped) => {
  const builder = new StreamsBuilder();
  const stream =
    nulls === undefined
      ? builder.stream('in', anything)
      : builder.stream('in', { ...anything, nulls: nulls as 'keep' });
  stream.to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: null });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(values);
  expect(driver.dropped()).toEqual(dropped);
});

test('a serde of the keys reads them all, also where nobody looks at them', async () => {
  const builder = new StreamsBuilder();
  const seen: string[] = [];
  builder
    .stream('in', { key: int32Serde, value: stringSerde, deadLetterTopic: 'letters' })
    .forEach((value) => void seen.push(value));
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: number(1), value: 'a' }, { key: 'xy', value: 'b' }, { value: 'c' });
  expect(seen).toEqual(['a', 'c']);
  expect(driver.output('letters')).toMatchObject([{ value: Buffer.from('b') }]);
});

/** Topic, partition and offset of the record are fields of the error, for programs. */
test.each<[string, () => Topology]>([
  [
    'an unreadable record without a dead-letter topic',
    () => {
      const builder = new StreamsBuilder();
      builder.stream('in', { value: int32Serde }).to('out');
      return builder.build();
    },
  ],
  [
    'a callback that throws',
    () => {
      const builder = new StreamsBuilder();
      builder.stream('in', { value: stringSerde }).forEach((value) => {
        if (value === 'abc') throw new Error('no');
      });
      return builder.build();
    },
  ],
  [
    'a record of a global table',
    () => {
      const builder = new StreamsBuilder();
      builder.globalTable('in', { value: int32Serde });
      builder.stream('other', { value: stringSerde }).to('out');
      return builder.build();
    },
  ],
])('%s is an error that knows its place', async (_name, build) => {
  const driver = new TopologyTestDriver(build(), { partitions: { in: 2 } });
  await driver.pipe('in', { key: 'k', value: Buffer.alloc(4), partition: 1 });
  await expect(driver.pipe('in', { key: 'k', value: 'abc', partition: 1 })).rejects.toMatchObject({
    code: 'USER_CODE_FAILED',
    topic: 'in',
    partition: 1,
    offset: 1,
  });
});

test.each<[string, unknown]>([
  ['text', { n: '2' }],
  ['a number', { n: 2 }],
  ['nothing', { n: undefined }],
  ['a list', [['n', Buffer.from('2')]]],
])('forward() refuses headers that are %s', async (_name, headers) => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .process((context: ProcessorContext<string, string>) => (value) => {
      context.forward('k', value, { headers: headers as never });
    })
    .to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await expect(driver.pipe('in', { value: 'a' })).rejects.toMatchObject({
    code: 'USER_CODE_FAILED',
    message: expect.stringMatching(/in-0 offset 0: .*headers?.*Buffer/) as unknown,
  });
});

test('onProductionError is told the headers of what a serde did not take', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', { value: stringSerde }).to('out', {
    value: {
      serialize: () => {
        throw new Error('no');
      },
      deserialize: String,
    },
  });
  const told: FailedOutput[] = [];
  const driver = new TopologyTestDriver(builder.build(), {
    onProductionError: (_error, output) => {
      told.push(output);
      return 'skip';
    },
  });
  await driver.pipe('in', { value: 'a', headers: { n: Buffer.from('1') } });
  expect(told.map(({ headers }) => ({ ...headers }))).toEqual([{ n: Buffer.from('1') }]);
});
