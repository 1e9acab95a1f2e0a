import { expect, test } from '@jest/globals';
import {
  jsonSerde,
  StreamsBuilder,
  TopologyTestDriver,
  type Aggregate,
  type KeyValueStore,
  type KStream,
  type Processor,
  type ProcessorContext,
  type Serde,
  type StoreSpec,
} from '../index.ts';

/*
 * More inputs of kinds that went wrong in silence: values and bytes that somebody has twice, and answers of the wrong
 * kind.
 */

interface Item {
  n: number;
}

const json = jsonSerde<unknown>();
const rows: StoreSpec<unknown> = { name: 'rows', kind: 'key-value', serde: json };
const list: Aggregate<Item, Item[]> = {
  empty: () => [],
  add: (all, item) => {
    all.push(item);
    return all;
  },
  merge: (a, b) => [...a, ...b],
  serde: jsonSerde<Item[]>(),
};

function driverOf(
  build: (items: KStream<string | null, Item>, builder: StreamsBuilder) => void,
  partitions = 1,
): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder.stream('in', { decode: ({ value }) => ({ n: Number(value) }) }), builder);
  return new TopologyTestDriver(builder.build(), { partitions: { in: partitions } });
}

const three = [1, 2, 3].map((n) => ({ key: 'k', value: String(n) }));

/** A processor of one function. */
const processing =
  (
    process: (context: ProcessorContext<string | null, Item>, item: Item, key: string | null, at: number) => unknown,
    init?: (context: ProcessorContext<string | null, Item>) => void,
  ) =>
  (): Processor<string | null, Item, string | null, Item> => {
    let context: ProcessorContext<string | null, Item>;
    return {
      init: (given) => {
        context = given;
        init?.(given);
      },
      process: (item, key, { timestampMs }) => process(context, item, key, timestampMs) as void,
    };
  };

test.each([true, false])(
  'an aggregate that keeps what it is given has each value as it was (groupByKey: %p)',
  async (local) => {
    const group = (items: KStream<string | null, Item>, name: string) =>
      local ? items.groupByKey({ name }) : items.groupBy((_item, key) => key, { name });
    const driver = driverOf((items) => {
      const answered: Item = { n: 0 };
      group(
        items.mapValues(({ n }) => Object.assign(answered, { n })),
        'mapped',
      ).aggregate(list, { store: 'mapped' });
      const sum: Item = { n: 0 };
      group(
        items.process(
          processing((context, { n }, key, at) => {
            sum.n += n;
            context.forward(key, sum, { timestampMs: at });
          }),
        ) as KStream<string | null, Item>,
        'forwarded',
      ).aggregate(list, { store: 'forwarded' });
    });
    await driver.pipe('in', ...three);
    expect(driver.store('mapped').get('k')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(driver.store('forwarded').get('k')).toEqual([{ n: 1 }, { n: 3 }, { n: 6 }]);
  },
);

test.each([true, false])(
  'an aggregate that changes parts that it keeps changes them for nobody else (groupByKey: %p)',
  async (local) => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', { decode: ({ value }) => ({ items: [String(value)] }) });
    const marks: Aggregate<{ items: string[] }, { items: string[] }> = {
      empty: () => ({ items: [] }),
      add: (all, { items }) => {
        all.items = items;
        all.items.push('mark');
        return all;
      },
      merge: (_a, b) => b,
      serde: jsonSerde<{ items: string[] }>(),
    };
    for (const name of ['a', 'b'])
      (local ? stream.groupByKey({ name }) : stream.groupBy((_value, key) => key, { name })).aggregate(
        { ...marks },
        { store: name },
      );
    stream.to('out', { value: jsonSerde() });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'k', value: 'x' });
    expect([driver.store('a').get('k'), driver.store('b').get('k')]).toEqual([
      { items: ['x', 'mark'] },
      { items: ['x', 'mark'] },
    ]);
    expect(driver.output('out').map(({ value }) => String(value))).toEqual(['{"items":["x"]}']);
  },
);

test.each([true, false])('a serde may write each value into the same bytes (groupByKey: %p)', async (local) => {
  const scratch = Buffer.alloc(100);
  const serde: Serde<Item> = {
    serialize: (item) => scratch.subarray(0, scratch.write(JSON.stringify(item))),
    deserialize: (bytes) => JSON.parse(String(bytes)) as Item,
  };
  const driver = driverOf((items) => {
    items.to('out', { value: serde });
    (local ? items.groupByKey({ name: 'g' }) : items.groupBy((_item, key) => key, { name: 'g' })).reduce(
      (a, b) => ({ n: a.n + b.n }),
      { store: 'sums', value: serde, combine: true },
    );
  });
  await driver.pipe('in', { key: 'a', value: '1' }, { key: 'b', value: '2' }, { key: 'c', value: '3' });
  expect([...driver.store('sums')]).toEqual([
    ['a', { n: 1 }],
    ['b', { n: 2 }],
    ['c', { n: 3 }],
  ]);
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
});

test('of one topic that is read twice each stream has bytes of its own', async () => {
  const builder = new StreamsBuilder();
  const bytes: Serde<Buffer> = { serialize: (value) => value, deserialize: (value) => value };
  const read = (): KStream<string | null, Buffer> =>
    builder.stream('in', {
      decode: ({ value, headers, key }) =>
        headers['h'] === undefined || key === null ? Buffer.from('lost') : (value as Buffer),
    });
  read()
    .mapValues((value) => value.reverse())
    .to('first', { value: bytes });
  read().to('second', { value: bytes });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: 'abc', headers: { h: Buffer.from('h') } });
  expect(['first', 'second'].map((topic) => driver.output(topic).map(({ value }) => String(value)))).toEqual([
    ['cba'],
    ['abc'],
  ]);
});

test('a match of a regular expression is the same for several readers', async () => {
  const builder = new StreamsBuilder();
  const matches = builder
    .stream('in', { decode: ({ value }) => String(value) })
    .mapValues((line) => /(?<user>\w+)@/.exec(line));
  for (const topic of ['first', 'second'])
    matches.mapValues((match) => [match?.groups?.['user'], match?.index]).to(topic, { value: jsonSerde() });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { value: 'x joe@y' });
  expect(['first', 'second'].map((topic) => driver.output(topic).map(({ value }) => String(value)))).toEqual([
    ['["joe",2]'],
    ['["joe",2]'],
  ]);
});

/** Taken for a value, its failure would end the process, in the name of nobody. */
const fails = async (): Promise<never> => Promise.reject(new Error('of nobody'));
const waits = async (): Promise<never> => new Promise(() => undefined);

test.each<[string, (items: KStream<string | null, Item>, builder: StreamsBuilder) => void, RegExp]>([
  [
    'timestampMs answers a promise',
    (_items, builder) =>
      void builder.stream('in', { decode: String, timestampMs: waits as never }).peek(() => undefined),
    /at KSTREAM-SOURCE-0000000001, in-0 offset 0: .*promise/,
  ],
  [
    'flatMap answers a promise',
    (items) => void items.flatMap(waits as never),
    /at KSTREAM-FLATMAP-0000000001, in-0 offset 0: .*promise/,
  ],
  [
    'flatMapValues answers a promise',
    (items) => void items.flatMapValues(waits as never),
    /at KSTREAM-FLATMAPVALUES-0000000001, in-0 offset 0: .*promise/,
  ],
  [
    'flatMap answers a promise that fails',
    (items) => void items.flatMap(fails as never),
    /at KSTREAM-FLATMAP-0000000001, in-0 offset 0: .*promise/,
  ],
  [
    'flatMap answers a number',
    (items) => void items.flatMap((() => 5) as never),
    /at KSTREAM-FLATMAP-0000000001, in-0 offset 0: .*iterable, such as an array, not a number/,
  ],
  [
    'a store is given a promise',
    (items) =>
      void items.process(
        processing((context) => context.keyValueStore('rows').put('k', waits())),
        { stores: [rows] },
      ),
    /at KSTREAM-PROCESSOR-0000000001, in-0 offset 0: .*promise/,
  ],
  [
    'a serde throws at what toStream tells',
    (items) =>
      void items
        .groupByKey({ name: 'g' })
        .aggregate(
          {
            ...list,
            serde: {
              ...list.serde,
              deserialize: () => {
                throw new Error('no list');
              },
            },
          },
          { store: 's' },
        )
        .toStream()
        .to('out', { value: jsonSerde() }),
    /at the store "s", at the commit: no list/,
  ],
])('%s: USER_CODE_FAILED with node and place', async (_, build, place) => {
  const driver = driverOf(build);
  const failing = driver.pipe('in', ...three);
  await expect(failing).rejects.toMatchObject({ code: 'USER_CODE_FAILED' });
  await expect(failing).rejects.toThrow(place);
});

test('a processor has the stores that it names, and no others', async () => {
  const counting = processing(
    () => undefined,
    (context) => void context.keyValueStore('rows'),
  );
  expect(() =>
    driverOf((items) => {
      items.process(
        processing(() => undefined),
        { stores: [rows] },
      );
      items.process(counting);
    }),
  ).toThrow(
    expect.objectContaining({
      code: 'TOPOLOGY_INVALID',
      message: expect.stringContaining('KSTREAM-PROCESSOR-0000000002 uses the store "rows" and does not say so'),
    }),
  );
});

test('a supplier that answers one processor for all tasks is refused', () => {
  class Counting implements Processor<Item, never> {
    rows: KeyValueStore<string, number> | undefined;
    process(): void {
      this.rows?.put('k', 1);
    }
  }
  const one = new Counting();
  expect(() => driverOf((items) => void items.process(() => one))).toThrow(
    expect.objectContaining({ code: 'TOPOLOGY_INVALID', message: expect.stringContaining('same processor each time') }),
  );
  expect(() => driverOf((items) => void items.process(() => new Counting()))).not.toThrow();
});

test.each<[string, (items: KStream<string | null, Item>) => void]>([
  ['filter', (items) => void items.filter('x' as never)],
  ['mapValues', (items) => void items.mapValues(undefined as never)],
  ['branch', (items) => void items.branch([() => true] as never)],
])('%s without a function is CONFIG_INVALID', (_, build) => {
  expect(() => driverOf(build)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

test.each<[string, (driver: TopologyTestDriver) => unknown]>([
  ['a key that is a number', async (driver) => driver.pipe('in', { key: 5 as never, value: 'x' })],
  ['a value that is an object', async (driver) => driver.pipe('in', { key: 'k', value: {} as never })],
  ['no value', async (driver) => driver.pipe('in', { key: 'k' } as never)],
  ['no topic', async (driver) => driver.output(undefined as never)],
])('the driver refuses %s', async (_, use) => {
  await expect((async () => use(driverOf((items) => void items.peek(() => undefined))))()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});
