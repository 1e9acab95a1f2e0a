import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KTable } from './dsl-types.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

interface Sale {
  readonly city: string | null;
  readonly amount: number;
}

const sales = jsonSerde<Sale>();
const numbers = jsonSerde<number>();

function grouped(build: (table: KTable<string, Sale>) => void): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder.table('sales', { value: sales, store: 'sales' }));
  return new TopologyTestDriver(builder.build());
}

const pipe = async (
  driver: TopologyTestDriver,
  key: string,
  value: [string | null, number] | null,
  timestampMs: number,
): Promise<void> =>
  driver.pipe('sales', {
    key,
    value: value === null ? null : JSON.stringify({ city: value[0], amount: value[1] }),
    timestampMs,
  });

const written = (driver: TopologyTestDriver, topic: string): string[] =>
  driver
    .output(topic)
    .map(
      ({ key, value, timestampMs }) =>
        `${String(key)}:${value === null ? 'null' : String(value)}@${String(timestampMs)}`,
    );

describe('a table that is grouped anew', () => {
  test('count: a row that moves is taken away from its old key; a count of 0 is a row', async () => {
    const driver = grouped((table) => {
      table
        .groupBy(({ city }) => ({ key: city, value: 1 }), { name: 'by-city', value: numbers })
        .count({ store: 'counts' })
        .toStream()
        .to('out', { value: numbers });
    });
    await pipe(driver, 'a', ['X', 1], 10);
    await pipe(driver, 'b', ['X', 2], 5);
    expect(written(driver, 'out')).toEqual(['X:1@10', 'X:2@10']);
    await pipe(driver, 'a', ['Y', 1], 20);
    expect(written(driver, 'out').sort()).toEqual(['X:1@20', 'Y:1@20']);
    await pipe(driver, 'b', null, 30);
    expect(driver.rows('counts')).toEqual([
      { key: 'X', value: 0 },
      { key: 'Y', value: 1 },
    ]);
    await pipe(driver, 'c', null, 40);
    expect(written(driver, 'out')).toEqual(['X:0@30']);
  });

  test('one key: old and new value are one update, subtracted before it is added', async () => {
    const steps: string[] = [];
    const driver = grouped((table) => {
      table
        .groupBy(({ city, amount }) => ({ key: city, value: amount }), { name: 'by-city', value: numbers })
        .reduce(
          {
            add: (sum, amount) => (steps.push(`${String(sum)}+${String(amount)}`), sum + amount),
            subtract: (sum, amount) => (steps.push(`${String(sum)}-${String(amount)}`), sum - amount),
          },
          { store: 'sums' },
        )
        .toStream()
        .to('out');
    });
    await pipe(driver, 'a', ['X', 5], 10);
    await pipe(driver, 'b', ['X', 7], 11);
    await pipe(driver, 'a', ['X', 1], 12);
    expect(steps).toEqual(['5+7', '12-5', '7+1']);
    expect(written(driver, 'out')).toEqual(['X:5@10', 'X:12@11', 'X:8@12']);
  });

  test('aggregate: times never go back, no row behind null, the record tells key and time', async () => {
    const driver = grouped((table) => {
      table
        .groupBy(({ city, amount }) => ({ key: city, value: amount }), { name: 'by-city', value: numbers })
        .aggregate(
          {
            empty: () => '',
            add: (text, amount, { key, timestampMs }) => `${text}+${String(amount)}${key}${String(timestampMs)}`,
            subtract: (text, amount) => (text.startsWith('+9') ? null : `${text}-${String(amount)}`),
            serde: stringSerde,
          },
          { store: 'texts' },
        )
        .toStream()
        .to('out');
    });
    await pipe(driver, 'a', ['X', 1], 10);
    await pipe(driver, 'b', ['X', 2], 5);
    await pipe(driver, 'a', ['Y', 9], 7);
    await pipe(driver, 'a', null, 8);
    await pipe(driver, 'a', ['Y', 3], 4);
    expect(written(driver, 'out').sort()).toEqual(
      ['X:+1X10@10', 'X:+1X10+2X5@10', 'X:+1X10+2X5-1@10', 'Y:+9Y7@7', 'Y:null@8', 'Y:+3Y4@4'].sort(),
    );
  });

  test('no pair, no key or no value: that half of the change is left out', async () => {
    const driver = grouped((table) => {
      table
        .groupBy(({ city, amount }) => (amount === 0 ? null : { key: city, value: amount < 0 ? null : amount }), {
          name: 'by-city',
          value: numbers,
        })
        .count({ store: 'counts' });
    });
    await pipe(driver, 'a', ['X', 1], 1);
    await pipe(driver, 'a', [null, 1], 2);
    expect(driver.rows('counts')).toEqual([{ key: 'X', value: 0 }]);
    await pipe(driver, 'a', ['X', 0], 3);
    await pipe(driver, 'a', ['X', -1], 4);
    await pipe(driver, 'a', ['X', 2], 5);
    expect(driver.rows('counts')).toEqual([{ key: 'X', value: 1 }]);
    expect(driver.dropped()).toEqual({ 'null-key': 1 });
  });

  test('keys of any serde, and several aggregations of one grouping share what is sent', async () => {
    const driver = grouped((table) => {
      const byAmount = table.groupBy((sale) => ({ key: sale.amount, value: sale }), {
        name: 'by-amount',
        key: numbers,
      });
      byAmount.count({ store: 'counts', key: numbers });
      byAmount.aggregate(
        {
          empty: () => [] as (string | null)[],
          add: (cities, { city }) => [...cities, city],
          subtract: (cities, { city }) => cities.filter((one) => one !== city),
          serde: jsonSerde<(string | null)[]>(),
        },
        { store: 'cities' },
      );
    });
    await pipe(driver, 'a', ['X', 1], 1);
    await pipe(driver, 'b', ['Y', 1], 2);
    await pipe(driver, 'a', ['X', 2], 3);
    expect(driver.rows('counts')).toEqual([
      { key: 1, value: 1 },
      { key: 2, value: 1 },
    ]);
    expect(driver.rows('cities')).toEqual([
      { key: 1, value: ['Y'] },
      { key: 2, value: ['X'] },
    ]);
    expect(driver.output('test-by-amount-repartition')).toHaveLength(4);
  });

  test('behind a filter without a store: what passed before is taken away', async () => {
    const driver = grouped((table) => {
      table
        .filter(({ amount }) => amount > 1)
        .groupBy(({ city }) => ({ key: city, value: 1 }), { name: 'by-city', value: numbers })
        .count({ store: 'counts' });
    });
    await pipe(driver, 'a', ['X', 2], 1);
    await pipe(driver, 'b', ['X', 3], 1);
    await pipe(driver, 'a', ['X', 1], 2);
    expect(driver.rows('counts')).toEqual([{ key: 'X', value: 1 }]);
  });

  test('what throws may be let pass, one change at a time', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('sales', { value: sales, store: 'sales' });
    const fails = <T>(value: T, amount: number, when: number): T => {
      if (amount === when) throw new Error(`no ${String(amount)}`);
      return value;
    };
    table
      .mapValues((sale) => fails(sale, sale.amount, 1))
      .groupBy(({ city, amount }) => ({ key: fails(city, amount, 2), value: amount }), {
        name: 'by-city',
        value: numbers,
      })
      .reduce({ add: (sum, amount) => sum + fails(amount, amount, 3), subtract: (a, b) => a - b }, { store: 'sums' });
    table
      .join(table, (a, b) => fails(a.amount + b.amount, a.amount, 4), { store: 'doubled', value: numbers })
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build(), { onProcessingError: () => 'skip' });
    for (const amount of [10, 1, 2, 3, 4, 5]) await pipe(driver, `k${String(amount)}`, ['X', amount], amount);
    expect(driver.rows('sums')).toEqual([{ key: 'X', value: 19 }]);
    expect(driver.dropped()).toEqual({ 'processing-error': 4 });
    expect(driver.rows('doubled').map(({ value }) => value)).toEqual([2, 20, 4, 6, 10]);
  });

  test('what cannot be is refused, naming the node', () => {
    const builder = new StreamsBuilder();
    const table = builder.table('sales', { value: sales });
    const mapped = table.mapValues(({ amount }) => amount);
    mapped
      .groupBy((amount, key) => ({ key, value: amount }), { name: 'g' })
      .reduce({ add: (a, b) => a + b, subtract: (a, b) => a - b }, { store: 's' });
    expect(() => builder.build()).toThrow(/the grouping "g" .* needs a serde for their values/);
    const unnamed = new StreamsBuilder();
    unnamed
      .table('sales', { value: sales })
      .groupBy((value, key) => ({ key, value }), { name: 'g' })
      .count({});
    expect(() => unnamed.build()).toThrow(/has a store without a name/);
    const other = new StreamsBuilder();
    other
      .table('sales', { value: sales })
      .groupBy((value, key) => ({ key, value }), { name: 'g' })
      .aggregate({ empty: () => 0, add: () => 0, serde: numbers } as never, { store: 's' });
    expect(() => other.build()).toThrow(/the store "s" .* has no subtract\(\)/);
  });
});

/** A table of event times, as its rows make them. */
async function timesOf(build: (table: KTable<string, string>) => void): Promise<TopologyTestDriver> {
  const builder = new StreamsBuilder();
  build(builder.table('in', { value: stringSerde }));
  const driver = new TopologyTestDriver(builder.build());
  for (const [key, value, timestampMs] of [
    ['a', 'x', 1],
    ['a', 'x', 25],
    ['b', 'x', 3],
    ['a', null, 50],
  ] as const)
    await driver.pipe('in', { key, value, timestampMs });
  return driver;
}

describe('what a row was is made of its own event time', () => {
  const sum = {
    empty: () => 0,
    add: (acc: number, value: number) => acc + value,
    subtract: (acc: number, value: number) => acc - value,
    serde: numbers,
  };
  test.each([
    ['mapValues', (table: KTable<string, string>) => table.mapValues((_value, _key, { timestampMs }) => timestampMs)],
    [
      'mapValues behind mapValues',
      (table: KTable<string, string>) =>
        table.mapValues((value) => value).mapValues((_value, _key, { timestampMs }) => timestampMs),
    ],
    [
      'mapValues of a join',
      (table: KTable<string, string>) =>
        table.leftJoin(table, (value) => value).mapValues((_value, _key, { timestampMs }) => timestampMs),
    ],
    [
      'mapValues with a store',
      (table: KTable<string, string>) =>
        table.mapValues((_value, _key, { timestampMs }) => timestampMs, { store: 'times', value: numbers }),
    ],
  ])('%s', async (_name, made) => {
    const driver = await timesOf((table) => {
      made(table)
        .groupBy((value) => ({ key: 'all', value }), { name: 'g', value: numbers })
        .aggregate(sum, { store: 'sums' })
        .toStream()
        .to('out', { value: numbers });
    });
    expect(driver.output('out').map(({ value }) => String(value))).toEqual(['1', '25', '28', '3']);
  });

  test('groupBy: a row leaves the key that its time gave it', async () => {
    const driver = await timesOf((table) => {
      table
        .groupBy((value, _key, { timestampMs }) => ({ key: `b${String(Math.floor(timestampMs / 10))}`, value }), {
          name: 'g',
          value: stringSerde,
        })
        .count({ store: 'counts' });
    });
    expect(driver.rows('counts')).toEqual([
      { key: 'b0', value: 1 },
      { key: 'b2', value: 0 },
    ]);
  });

  test('filter: a row that passed by its time is taken out', async () => {
    const driver = await timesOf((table) => {
      table
        .filter((_value, _key, { timestampMs }) => timestampMs < 10)
        .groupBy((value) => ({ key: 'early', value }), { name: 'g', value: stringSerde })
        .count({ store: 'counts' });
    });
    expect(driver.rows('counts')).toEqual([{ key: 'early', value: 1 }]);
  });
});
