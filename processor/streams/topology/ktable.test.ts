import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { jsonSerde, stringSerde, type Serde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { tumbling } from './windows.ts';

/** As a Java `LongSerializer` writes them. */
const longs: Serde<number> = {
  serialize: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    return bytes;
  },
  deserialize: (bytes) => Number(bytes.readBigInt64BE()),
};
const numbers = jsonSerde<number>();

describe('tables', () => {
  test('a topic as a table: rows, newest values, deletes, times', async () => {
    const builder = new StreamsBuilder();
    builder.table('prices', { value: numbers, store: 'prices' }).toStream().to('out');
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('prices', { key: 'a', value: '1', timestampMs: 10 }, { key: 'b', value: '2', timestampMs: 20 });
    await driver.pipe('prices', { key: 'a', value: '3', timestampMs: 5 }, { key: null, value: '9' });
    await driver.pipe('prices', { key: 'b', value: null, timestampMs: 30 }, { key: 'c', value: null, timestampMs: 31 });
    expect(
      driver.output('out').map(({ key, value, timestampMs }) => [String(key), value?.toString() ?? null, timestampMs]),
    ).toEqual([
      ['a', '1', 10],
      ['b', '2', 20],
      ['a', '3', 5],
      ['b', null, 30],
      ['c', null, 31],
    ]);
    expect(driver.rows('prices')).toEqual([{ key: 'a', value: 3 }]);
    expect(driver.dropped()).toEqual({ 'null-key': 1 });
  });

  test('filter and mapValues: rows that no longer pass are handed on as deleted', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('in', { value: numbers, store: 'in' });
    table
      .filter((value) => value > 1)
      .mapValues((value) => value * 10)
      .toStream()
      .to('big', { value: numbers });
    table.mapValues(String, { store: 'texts', value: stringSerde }).toStream().to('texts-out');
    const driver = new TopologyTestDriver(builder.build());
    for (const value of ['1', '2', '3', '1', null]) await driver.pipe('in', { key: 'k', value, timestampMs: 7 });
    expect(driver.output('big').map(({ value }) => value?.toString() ?? null)).toEqual(['20', '30', null]);
    expect(driver.output('texts-out').map(({ value }) => value?.toString() ?? null)).toEqual([
      '1',
      '2',
      '3',
      '1',
      null,
    ]);
  });

  test('a filter tells what was never there as deleted, unless the table that it reads is kept by name', async () => {
    for (const [store, own, expected] of [
      [undefined, undefined, ['b', 'a', 'a', 'c']],
      [undefined, 'own', ['b', 'a', 'a', 'c']],
      ['named', undefined, ['b', 'a']],
      ['named', 'own', ['b', 'a']],
    ] as const) {
      const builder = new StreamsBuilder();
      const table = builder.table('in', { value: numbers, ...(store === undefined ? {} : { store }) });
      table
        .filter((value) => value > 1, own === undefined ? {} : { store: own })
        .toStream()
        .to('out', { value: numbers });
      const driver = new TopologyTestDriver(builder.build());
      for (const [key, value] of [
        ['b', '2'],
        ['a', '3'],
      ] as const)
        await driver.pipe('in', { key, value });
      expect(driver.output('out')).toHaveLength(2);
      // It goes, it does not pass again, one that never passed.
      for (const [key, value] of [
        ['b', '1'],
        ['a', null],
        ['a', null],
        ['c', '1'],
      ] as const)
        await driver.pipe('in', { key, value });
      expect(driver.output('out').map(({ key, value }) => [String(key), value])).toEqual(
        expected.map((key) => [key, null]),
      );
    }
  });

  test('keys that are numbers: one row each, byte for byte as Java writes them', async () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', { key: longs, value: numbers });
    stream.groupByKey().count({ store: 'local' }).toStream().to('out', { value: numbers });
    stream.groupBy((value) => value % 2, { name: 'parity', key: longs }).count({ store: 'parity' });
    const driver = new TopologyTestDriver(builder.build());
    const input = driver.inputTopic('in', { key: longs, value: numbers });
    await input.pipe({ key: 200, value: 1 }, { key: 201, value: 2 }, { key: 255, value: 3 }, { key: 200, value: 4 });
    expect(driver.rows('local')).toEqual([
      { key: 200, value: 2 },
      { key: 201, value: 1 },
      { key: 255, value: 1 },
    ]);
    expect(driver.rows('parity')).toEqual([
      { key: 0, value: 2 },
      { key: 1, value: 2 },
    ]);
    expect(driver.output('out').map(({ key }) => key?.toString('hex'))).toContain('00000000000000ff');
  });

  test('count takes the serde of its keys, and is refused without a name', async () => {
    const builder = new StreamsBuilder();
    const byLength = builder
      .stream('in', { value: stringSerde })
      .selectKey((value) => value.length)
      .groupByKey({ name: 'by-length' });
    byLength.count({ store: 'counts', key: longs });
    byLength.windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).count({ store: 'windowed', key: longs });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: 'one', timestampMs: 1 }, { value: 'two', timestampMs: 2 });
    expect(driver.rows('counts')).toEqual([{ key: 3, value: 2 }]);
    expect(driver.rows('windowed')).toEqual([{ key: 3, startMs: 0, endMs: 10, value: 2 }]);
    const unnamed = new StreamsBuilder();
    unnamed.stream('in', { value: stringSerde }).groupByKey().count({});
    expect(() => unnamed.build()).toThrow(/has a store without a name/);
  });

  test('an aggregate that depends on the order sees records one by one behind the shuffle', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { value: stringSerde })
      .groupBy((value) => value.slice(0, 1), { name: 'first', value: stringSerde })
      .aggregate({ empty: () => '', add: (acc, value) => acc + value, serde: stringSerde }, { store: 'texts' })
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe(
      'in',
      { value: 'a1', timestampMs: 4 },
      { value: 'b1', timestampMs: 5 },
      { value: 'a2', timestampMs: 3 },
    );
    expect(driver.rows('texts')).toEqual([
      { key: 'a', value: 'a1a2' },
      { key: 'b', value: 'b1' },
    ]);
    expect(driver.output('out').map(({ key, timestampMs }) => [String(key), timestampMs])).toEqual([
      ['a', 4],
      ['b', 5],
    ]);
  });

  test('headers and event time travel through a repartition into a sink', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { value: stringSerde })
      .selectKey((value) => value)
      .repartition({ name: 'by-value' })
      .mapValues((value, key, { headers }) => `${value} ${key} ${String(headers['h'])}`)
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'k', value: 'v', timestampMs: 42, headers: { h: Buffer.from('x') } });
    expect(driver.output('out')).toMatchObject([
      { key: Buffer.from('v'), value: Buffer.from('v v x'), timestampMs: 42, headers: { h: Buffer.from('x') } },
    ]);
  });

  test('a windowed table has windowed keys', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { value: stringSerde })
      .groupByKey()
      .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }))
      .count({ store: 'counts' })
      .toStream((windowed) => `${windowed}`)
      .to('ignored', { value: numbers });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'k', value: 'v', timestampMs: 42 });
    expect(driver.rows('counts')).toEqual([{ key: 'k', startMs: 40, endMs: 50, value: 1 }]);
  });
});
