import { describe, expect, test } from '@jest/globals';
import { keyValueStore, versionedStore } from '../store/store-specs.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KTable } from './dsl-types.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

const numbers = jsonSerde<number>();

/** `a 1 5`: the row a has the value 1 from time 5 on; `-` is null. */
const pipe = async (driver: TopologyTestDriver, ...rows: string[]): Promise<void> => {
  for (const row of rows) {
    const [key, value, time] = row.split(' ') as [string, string, string];
    await driver.pipe('in', { key, value: value === '-' ? null : value, timestampMs: Number(time) });
  }
};

const written = (driver: TopologyTestDriver, topic: string): string[] =>
  driver
    .output(topic)
    .map((one) => `${String(one.key)}:${one.value === null ? '-' : String(one.value)}@${String(one.timestampMs)}`);

function versioned(build: (table: KTable<string, number>, builder: StreamsBuilder) => void): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder.table('in', { store: versionedStore('versions', { value: numbers, historyMs: 100 }) }), builder);
  return new TopologyTestDriver(builder.build());
}

describe('versioned tables', () => {
  test('toStream and operators hand on each version; one older than the history is dropped', async () => {
    const driver = versioned((table) => {
      table.toStream().to('all');
      table
        .mapValues((value) => value * 10)
        .filter((value) => value > 10)
        .toStream()
        .to('big', { value: numbers });
    });
    await pipe(driver, 'a 1 50', 'a 2 100', 'a 3 70', 'a - 80', 'a 4 200', 'a 5 100', 'a 6 99');
    expect(written(driver, 'all')).toEqual(['a:1@50', 'a:2@100', 'a:3@70', 'a:-@80', 'a:4@200', 'a:5@100']);
    expect(written(driver, 'big')).toEqual(['a:-@50', 'a:20@100', 'a:30@70', 'a:-@80', 'a:40@200', 'a:50@100']);
    expect(driver.rows('versions')).toEqual([{ key: 'a', value: 4 }]);
    expect(driver.dropped()).toEqual({ late: 1 });
  });

  test('groupings and joins of tables see the newest versions only', async () => {
    const driver = versioned((table, builder) => {
      table
        .groupBy((value) => ({ key: value % 2 === 0 ? 'even' : 'odd', value }), { name: 'parity' })
        .reduce({ add: (a, b) => a + b, subtract: (a, b) => a - b }, { store: 'sums' });
      const other = builder.table('other', { value: stringSerde });
      table
        .join(other, (number, text) => `${String(number)}${text}`)
        .toStream()
        .to('joined', { value: stringSerde });
      table
        .leftJoin(other, (number, text) => `${String(number)}${String(text)}`, {
          foreignKey: (_value, key) => key,
          name: 'fk',
          store: 'by-key',
          value: stringSerde,
        })
        .toStream()
        .to('by-key');
      table.mapValues((value) => value + 100, { store: 'kept', value: numbers });
    });
    await driver.pipe('other', { key: 'a', value: 'x', timestampMs: 1 });
    await pipe(driver, 'a 1 50', 'a 2 40', 'a - 30', 'a 4 60');
    expect(driver.rows('sums')).toEqual([
      { key: 'even', value: 4 },
      { key: 'odd', value: 0 },
    ]);
    expect(written(driver, 'joined')).toEqual(['a:1x@50', 'a:4x@60']);
    expect(written(driver, 'by-key')).toEqual(['a:1x@50', 'a:4x@60']);
    expect(driver.rows('kept')).toEqual([{ key: 'a', value: 104 }]);
  });

  test('a store that is given with its serdes serves any table', async () => {
    const builder = new StreamsBuilder();
    builder
      .table('in', { store: keyValueStore('rows', { key: numbers, value: stringSerde }) })
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    await driver.inputTopic('in', { key: numbers, value: stringSerde }).pipe({ key: 7, value: 'x', timestampMs: 3 });
    expect(driver.rows('rows')).toEqual([{ key: 7, value: 'x' }]);
    expect(written(driver, 'out')).toEqual(['7:x@3']);
    const wrong = new StreamsBuilder();
    wrong.table('in', { value: numbers, store: { name: 'w', kind: 'window', serde: numbers } });
    expect(() => wrong.build()).toThrow(/the store of table\("in"\) is a key-value or a versioned one/);
  });
});
