import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KTable, TableStoreOptions } from './dsl-types.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { tumbling } from './windows.ts';

type Joins = 'join' | 'leftJoin' | 'outerJoin';

/** `L a 1 5`: value 1 of key a on the left at time 5; `-` is null. */
async function run(driver: TopologyTestDriver, step: string): Promise<string[]> {
  const [side, key, value, time] = step.split(' ') as [string, string, string, string];
  await driver.pipe(side === 'L' ? 'left' : 'right', {
    key,
    value: value === '-' ? null : value,
    timestampMs: Number(time),
  });
  return driver
    .output('out')
    .map(
      (record) =>
        `${String(record.key)}:${record.value === null ? '-' : String(record.value)}@${String(record.timestampMs)}`,
    );
}

function joined(joins: Joins, options?: TableStoreOptions<string>): TopologyTestDriver {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { value: stringSerde });
  const right = builder.table('right', { value: stringSerde });
  const joiner = (a: string | null, b: string | null): string => `${String(a)}+${String(b)}`;
  const tables = {
    join: () => left.join(right, joiner, options),
    leftJoin: () => left.leftJoin(right, joiner, options),
    outerJoin: () => left.outerJoin(right, joiner, options),
  };
  const table = tables[joins]();
  table.toStream().to('out', { value: stringSerde });
  return new TopologyTestDriver(builder.build());
}

/** Each step with what the inner, the left and the outer join hand on for it. */
const STEPS: readonly (readonly [step: string, inner: string, left: string, outer: string])[] = [
  ['L a - 1', '', '', ''],
  ['R a - 1', '', '', ''],
  ['L a A 5', '', 'a:A+null@5', 'a:A+null@5'],
  ['R b B 6', '', '', 'b:null+B@6'],
  ['R a r 3', 'a:A+r@5', 'a:A+r@5', 'a:A+r@5'],
  ['L a A 4', 'a:A+r@4', 'a:A+r@4', 'a:A+r@4'],
  ['R a q 9', 'a:A+q@9', 'a:A+q@9', 'a:A+q@9'],
  ['R a - 7', 'a:-@7', 'a:A+null@7', 'a:A+null@7'],
  ['R a - 8', '', 'a:A+null@8', 'a:A+null@8'],
  ['R a s 2', 'a:A+s@4', 'a:A+s@4', 'a:A+s@4'],
  ['L a - 1', 'a:-@2', 'a:-@2', 'a:null+s@2'],
  ['L a - 3', '', 'a:-@3', 'a:null+s@3'],
  ['R a - 4', '', '', 'a:-@4'],
  ['R a - 5', '', '', ''],
  ['L b X 1', 'b:X+B@6', 'b:X+B@6', 'b:X+B@6'],
  ['L c C 1', '', 'c:C+null@1', 'c:C+null@1'],
  ['L c - 2', '', 'c:-@2', 'c:-@2'],
];

describe('table-table joins', () => {
  test.each(['without a store', 'kept in a store'])('either side triggers, %s', async (how) => {
    const options = how === 'without a store' ? undefined : { store: 'joined', value: stringSerde };
    const drivers = [joined('join', options), joined('leftJoin', options), joined('outerJoin', options)];
    for (const [step, ...expected] of STEPS) {
      const outputs = [];
      for (const driver of drivers) outputs.push((await run(driver, step)).join(' '));
      expect([step, ...outputs]).toEqual([step, ...expected]);
    }
    if (options !== undefined) {
      expect(drivers.map((driver) => driver.rows('joined'))).toEqual([
        [{ key: 'b', value: 'X+B' }],
        [{ key: 'b', value: 'X+B' }],
        [{ key: 'b', value: 'X+B' }],
      ]);
    }
  });

  test('once a commit a row: what both sides and an operator in between make of it by then', async () => {
    const builder = new StreamsBuilder();
    const left = builder.table('left', { value: stringSerde });
    const upper = left.mapValues((value) => value.toUpperCase());
    left
      .join(upper, (a, b) => `${a}${b}`)
      .leftJoin(
        left.filter((value) => value !== 'y'),
        (a, b) => `${a}${String(b)}`,
      )
      .toStream()
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    expect(await run(driver, 'L a x 1')).toEqual(['a:xXx@1']);
    expect(await run(driver, 'L a y 2')).toEqual(['a:yYnull@2']);
    await driver.pipe('left', { key: 'a', value: 'z', timestampMs: 3 }, { key: 'a', value: 'w', timestampMs: 4 });
    expect(driver.output('out').map(({ value }) => String(value))).toEqual(['wWw']);
    expect(await run(driver, 'L a - 5')).toEqual(['a:-@5']);
  });

  /** A third table in front of an outer join of two that is kept in a store. */
  function third(): TopologyTestDriver {
    const builder = new StreamsBuilder();
    const pair = (a: string | null, b: string | null): string => `${String(a)}+${String(b)}`;
    const left = builder.table('left', { value: stringSerde });
    const right = builder.table('right', { value: stringSerde });
    builder
      .table('third', { value: stringSerde })
      .leftJoin(left.outerJoin(right, pair, { store: 'j', value: stringSerde }), pair)
      .toStream()
      .to('out', { value: stringSerde });
    return new TopologyTestDriver(builder.build());
  }

  test('the time of a row that a join keeps does not go back when a side of it is deleted', async () => {
    const driver = third();
    await run(driver, 'L k 1 1');
    await run(driver, 'R k 2 2');
    await run(driver, 'L k - 50');
    await driver.pipe('third', { key: 'k', value: '3', timestampMs: 5 });
    expect(driver.output('out').map(({ value, timestampMs }) => [String(value), timestampMs])).toEqual([
      ['3+null+2', 50],
    ]);
  });

  test('a row that a join keeps is told as it is by the commit, whichever side changes with it', async () => {
    const driver = third();
    await run(driver, 'L k 1 1');
    await driver.pipe('third', { key: 'k', value: '3', timestampMs: 5 });
    expect(driver.output('out').map(({ value, timestampMs }) => [String(value), timestampMs])).toEqual([
      ['3+1+null', 5],
    ]);
    expect(await run(driver, 'R k 2 60')).toEqual(['k:3+1+2@60']);
    expect(await run(driver, 'L k - 70')).toEqual(['k:3+null+2@70']);
    expect(await run(driver, 'R k - 80')).toEqual(['k:3+null@80']);
  });

  test('a stream meets the row that a join keeps as it stands when the record comes', async () => {
    const builder = new StreamsBuilder();
    const pair = (a: string | null, b: string | null): string => `${String(a)}+${String(b)}`;
    const left = builder.table('left', { value: stringSerde });
    const upper = left.mapValues((value) => value.toUpperCase(), { store: 'upper', value: stringSerde });
    const kept = upper.leftJoin(left, pair, { store: 'j', value: stringSerde });
    builder.stream('left', { value: stringSerde }).join(kept, pair).to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe(
      'left',
      { key: 'a', value: 'x', timestampMs: 1 },
      { key: 'a', value: 'y', timestampMs: 2 },
      { key: 'b', value: 'z', timestampMs: 3 },
    );
    expect(driver.output('out').map(({ value }) => String(value))).toEqual(['x+X+x', 'y+Y+y', 'z+Z+z']);
  });

  test('behind a join: what a row was before is known to groupings, joins and filters', async () => {
    const builder = new StreamsBuilder();
    const left = builder.table('left', { value: stringSerde });
    const right = builder.table('right', { value: stringSerde });
    const both = left.join(right, (a, b) => `${a}${b}`);
    both
      .groupBy((value) => ({ key: value, value }), { name: 'by-value', value: stringSerde })
      .count({ store: 'counts' });
    both
      .filter((value) => value === 'none')
      .toStream()
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    await run(driver, 'L a 1 1');
    await run(driver, 'R a 2 1');
    await run(driver, 'L a 3 1');
    expect(await run(driver, 'R a - 1')).toEqual([]);
    expect(driver.rows('counts')).toEqual([
      { key: '12', value: 0 },
      { key: '32', value: 0 },
    ]);
  });

  test('windowed tables are joined by key and window', async () => {
    const builder = new StreamsBuilder();
    const windows = tumbling({ sizeMs: 10, graceMs: 100 });
    const [left, right] = ['left', 'right'].map((topic) =>
      builder
        .stream(topic, { value: stringSerde })
        .groupByKey()
        .windowedBy(windows)
        .count({ store: `${topic}-counts` }),
    ) as [never, never];
    const joinedTable = (left as KTable<{ key: string; startMs: number }, number>).join(
      right as KTable<{ key: string; startMs: number }, number>,
      (a, b) => a * 10 + b,
      { store: 'joined', value: jsonSerde<number>() },
    );
    joinedTable
      .toStream((_count, { key, startMs }) => `${key}/${String(startMs)}`)
      .to('out', { value: jsonSerde<number | null>() as never });
    const driver = new TopologyTestDriver(builder.build());
    expect(await run(driver, 'L a x 5')).toEqual([]);
    expect(await run(driver, 'R a x 15')).toEqual([]);
    expect(await run(driver, 'R a x 7')).toEqual(['a/0:11@7']);
    expect(await run(driver, 'L a x 15')).toEqual(['a/10:11@15']);
    expect(driver.rows('joined')).toEqual([
      { key: 'a', startMs: 0, endMs: 10, value: 11 },
      { key: 'a', startMs: 10, endMs: 20, value: 11 },
    ]);
  });

  test('what cannot be joined is refused, naming both', () => {
    const builder = new StreamsBuilder();
    const left = builder.table('left', { value: stringSerde });
    const foreign = new StreamsBuilder().table('right', { value: stringSerde });
    left.join(foreign, (a) => a);
    expect(() => builder.build()).toThrow(/join\(\) of KSTREAM-TOTABLE-0000000001 and .*another StreamsBuilder/);
    const mixed = new StreamsBuilder();
    const plain = mixed.table('left', { value: stringSerde });
    const windowed = mixed
      .stream('right', { value: stringSerde })
      .groupByKey()
      .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }))
      .count({ store: 'counts' });
    plain.join(windowed as never, (a: string) => a);
    expect(() => mixed.build()).toThrow(/are without windows, those of the other windows/);
    const unnamed = new StreamsBuilder();
    unnamed.table('left', { value: stringSerde }).join(unnamed.table('right', { value: stringSerde }), (a) => a, {
      store: 'joined',
    });
    expect(() => unnamed.build()).toThrow(/keeps rows in "joined" and needs a serde/);
  });

  test('topics with different partition counts are refused', () => {
    const builder = new StreamsBuilder();
    builder.table('left', { value: stringSerde }).join(builder.table('right', { value: stringSerde }), (a) => a);
    const topology = builder.build();
    expect(() => new TopologyTestDriver(topology, { partitions: { left: 2, right: 3 } })).toThrow(
      /KTABLE-JOIN-.* joins by the keys of left \(2\), right \(3\)/,
    );
  });

  test('a side behind a shuffle has as many partitions as the topic that it meets', async () => {
    const builder = new StreamsBuilder();
    const left = builder.table('left', { value: stringSerde });
    const right = builder
      .stream('right', { value: stringSerde })
      .groupBy((value) => value, { name: 'by-value' })
      .count({ store: 'counts' });
    left
      .join(right, (a, b) => `${a}${String(b)}`)
      .toStream()
      .to('out', { value: stringSerde });
    for (const partitions of [2, 5]) {
      const driver = new TopologyTestDriver(builder.build(), { partitions: { left: 3, right: partitions } });
      expect(driver.partitionsOf('test-by-value-repartition')).toBe(3);
      await run(driver, 'L a x 1');
      await run(driver, 'L b y 1');
      expect(await run(driver, 'R k a 2')).toEqual(['a:x1@2']);
      expect(await run(driver, 'R l b 2')).toEqual(['b:y1@2']);
    }
  });
});
