import { describe, expect, test } from '@jest/globals';
import {
  int32Serde,
  jsonSerde,
  session,
  sliding,
  StreamsBuilder,
  TopologyTestDriver,
  tumbling,
  type Aggregate,
  type CombinableAggregate,
  type KStream,
} from '../index.ts';

/*
 * A failure that onProcessingError lets pass leaves nothing behind of what it was about, wherever commits lie.
 */

interface Sum {
  sum: number;
  /** Parts of a value that a merge keeps are changed as well. */
  seen: number[];
}

const BAD = 13;

const inPlace: Aggregate<number, Sum> = {
  empty: () => ({ sum: 0, seen: [] }),
  add: (acc, value) => {
    acc.sum += value;
    acc.seen.push(value);
    if (value === BAD) throw new Error('unlucky');
    return acc;
  },
  serde: jsonSerde<Sum>(),
};
const mergeInPlace = (a: Sum, b: Sum): Sum => {
  a.sum += b.sum;
  a.seen = b.seen.concat(a.seen).sort((x, y) => x - y);
  if (b.seen.includes(2 * BAD)) throw new Error('as unlucky');
  return a;
};
const combined: CombinableAggregate<number, Sum> = {
  ...inPlace,
  add: (acc, value) => inPlace.add(acc, value, undefined as never) as Sum,
  merge: mergeInPlace,
};
/** What `b` has seen lives on in `a`. */
const keeping: Aggregate<number, Sum> = {
  ...inPlace,
  merge: (a, b) => {
    b.seen.push(...a.seen);
    return { sum: a.sum + b.sum, seen: b.seen };
  },
  combine: false,
};

type Build = (numbers: KStream<string | null, number>) => void;

const BUILDS: readonly (readonly [string, Build])[] = [
  ['an aggregate', (numbers) => void numbers.groupByKey().aggregate(inPlace, { store: 'sums' })],
  [
    'an aggregate that is read',
    (numbers) => void numbers.groupByKey().aggregate(inPlace, { store: 'sums' }).toStream().to('out'),
  ],
  [
    'a combiner',
    (numbers) => void numbers.groupBy((_value, key) => key, { name: 'g' }).aggregate(combined, { store: 'sums' }),
  ],
  [
    'a windowed aggregate',
    (numbers) =>
      void numbers
        .groupByKey()
        .windowedBy(tumbling({ sizeMs: 100, graceMs: 0 }))
        .aggregate(inPlace, { store: 'sums' }),
  ],
  [
    'sliding windows',
    (numbers) =>
      void numbers
        .groupByKey()
        .windowedBy(sliding({ differenceMs: 100, graceMs: 0 }))
        .aggregate(inPlace, { store: 'sums' }),
  ],
  [
    'sessions',
    (numbers) =>
      void numbers
        .groupByKey()
        .windowedBy(session({ gapMs: 100, graceMs: 0 }))
        .aggregate(keeping, { store: 'sums' }),
  ],
  [
    'a cogroup',
    (numbers) =>
      void numbers
        .groupByKey()
        .cogroup(inPlace)
        .cogroup(numbers.filter(() => false).groupByKey(), inPlace)
        .aggregate({ store: 'sums' }),
  ],
];

const driverOf = (build: Build): TopologyTestDriver => {
  const builder = new StreamsBuilder();
  build(builder.stream('in', { value: int32Serde }));
  return new TopologyTestDriver(builder.build(), { onProcessingError: () => 'skip' });
};
const recordOf = (value: number) => ({ key: 'k', value: int32Serde.serialize(value), timestampMs: 5 });

describe.each(BUILDS)('%s: an add that fails when it has changed its first argument', (_name, build) => {
  test('is undone where the row has changed since the commit', async () => {
    const driver = driverOf(build);
    await driver.pipe('in', ...[1, BAD, 2].map(recordOf));
    expect(driver.rows<Sum>('sums').map(({ value }) => value)).toEqual([{ sum: 3, seen: [1, 2] }]);
    expect(driver.dropped()).toMatchObject({ 'processing-error': 1 });
  });

  test('and where each record has a commit of its own', async () => {
    const driver = driverOf(build);
    for (const value of [1, BAD, 2]) await driver.pipe('in', recordOf(value));
    expect(driver.rows<Sum>('sums').map(({ value }) => value)).toEqual([{ sum: 3, seen: [1, 2] }]);
  });
});

test('a merge of partials that fails when it has changed its first argument is undone', async () => {
  // A partial of each of three tasks, in one commit of the task behind the shuffle.
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: int32Serde })
    .groupBy(() => 'all', { name: 'g' })
    .aggregate(combined, { store: 'sums' });
  const driver = new TopologyTestDriver(builder.build(), {
    partitions: { in: 3 },
    onProcessingError: () => 'skip',
  });
  await driver.pipe('in', ...[1, 2 * BAD, 2].map((value, partition) => ({ ...recordOf(value), partition })));
  expect(driver.rows<Sum>('sums')).toEqual([{ key: 'all', value: { sum: 3, seen: [1, 2] } }]);
});

test('a grouped table: a subtract that fails leaves the row as it was, and the pair is left out', async () => {
  const builder = new StreamsBuilder();
  const totals = builder
    .table('in', { value: int32Serde })
    .groupBy((value) => ({ key: 'all', value }), { name: 'g', value: int32Serde })
    .aggregate(
      {
        empty: () => ({ sum: 0 }),
        add: (acc, value) => {
          acc.sum += value;
          return acc;
        },
        subtract: (acc, value) => {
          acc.sum -= value;
          if (value === 5) throw new Error('unlucky');
          return acc;
        },
        serde: jsonSerde<{ sum: number }>(),
      },
      { store: 'sums' },
    );
  totals.toStream().to('out');
  const driver = new TopologyTestDriver(builder.build(), { onProcessingError: () => 'skip' });
  const put = async (...rows: [string, number][]): Promise<unknown> => {
    await driver.pipe('in', ...rows.map(([key, value]) => ({ ...recordOf(value), key })));
    return driver.rows<{ sum: number }>('sums').map(({ value: { sum } }) => sum);
  };
  expect(await put(['a', 1], ['b', 5])).toEqual([6]);
  expect(await put(['a', 2], ['b', 6])).toEqual([7]);
  expect(await put(['a', 3])).toEqual([8]);
});
