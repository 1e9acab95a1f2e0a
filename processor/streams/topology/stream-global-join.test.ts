import { describe, expect, test } from '@jest/globals';
import type { StreamsError } from '../errors.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { int32Serde } from './primitive-serdes.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

type Joins = 'join' | 'leftJoin';

const joiner = (left: string, right: string | null, key: string | null): string =>
  `${left}+${String(right)} of ${String(key)}`;

function joined(joins: Joins): TopologyTestDriver {
  const builder = new StreamsBuilder();
  const table = builder.globalTable('table', { key: int32Serde, value: stringSerde });
  const stream = builder.stream('stream', { value: stringSerde, nulls: 'keep' });
  const key = (value: string): number | null => (value === 'none' ? null : Number(value));
  const out = joins === 'join' ? stream.join(table, joiner, { key }) : stream.leftJoin(table, joiner, { key });
  out.to('out', { value: stringSerde });
  return new TopologyTestDriver(builder.build(), { partitions: { stream: 3, table: 2 } });
}

describe('stream-global-table joins', () => {
  test.each<[Joins, string[]]>([
    ['join', ['a:1+one of a@5', 'null:2+two of null@6']],
    ['leftJoin', ['a:1+one of a@5', 'null:2+two of null@6', 'a:3+null of a@7', 'a:none+null of a@8']],
  ])('%s: by any key, whatever the partitions', async (joins, expected) => {
    const driver = joined(joins);
    const rows = driver.inputTopic('table', { key: int32Serde, value: stringSerde });
    await rows.pipe({ key: 1, value: 'one', timestampMs: 90 }, { key: 2, value: 'two', timestampMs: 1 });
    await driver.pipe(
      'stream',
      { key: 'a', value: '1', timestampMs: 5, partition: 0 },
      { key: null, value: '2', timestampMs: 6, partition: 1 },
      { key: 'a', value: '3', timestampMs: 7, partition: 2 },
      { key: 'a', value: 'none', timestampMs: 8, partition: 2 },
      { key: 'a', value: null, timestampMs: 9, partition: 2 },
    );
    const told = driver
      .output('out')
      .map(({ key, value, timestampMs }) => `${String(key)}:${String(value)}@${String(timestampMs)}`);
    expect(told).toEqual(expected);
    expect(driver.dropped()).toEqual(joins === 'join' ? { 'null-key': 1, 'null-value': 1 } : { 'null-value': 1 });
  });

  test('the table as it stands when the record comes; what changes later triggers nothing', async () => {
    const driver = joined('join');
    const rows = driver.inputTopic('table', { key: int32Serde, value: stringSerde });
    const told = (): string[] => driver.output('out').map(({ value }) => String(value));
    await driver.pipe('stream', { key: 'a', value: '1' });
    await rows.pipe({ key: 1, value: 'one' });
    expect(told()).toEqual([]);
    await driver.pipe('stream', { key: 'a', value: '1' });
    await rows.pipe({ key: 1, value: 'uno' });
    await driver.pipe('stream', { key: 'a', value: '1' });
    expect(told()).toEqual(['1+one of a', '1+uno of a']);
    await rows.pipe({ key: 1, value: null });
    await driver.pipe('stream', { key: 'a', value: '1' });
    expect(told()).toEqual([]);
  });

  test('the key of the stream stays: nothing behind it is repartitioned', async () => {
    const builder = new StreamsBuilder();
    const value = jsonSerde<{ n: number }>();
    const table = builder.globalTable('table', { value });
    const spoil = (left: { n: number }, right: { n: number }): { n: number } => {
      left.n += 10;
      right.n += 100;
      return { n: left.n + right.n };
    };
    const stream = builder.stream('stream', { value });
    stream
      .join(table, spoil, { key: () => 'all' })
      .groupByKey({ value })
      .aggregate(
        { empty: () => 0, add: (sum: number, { n }: { n: number }) => sum + n, serde: jsonSerde<number>() },
        { store: 'sums' },
      );
    stream.to('copy');
    const topology = builder.build();
    expect(topology.subTopologies).toHaveLength(1);
    const driver = new TopologyTestDriver(topology);
    await driver.pipe('table', { key: 'all', value: '{"n":1}' });
    await driver.pipe('stream', { key: 'a', value: '{"n":1}' }, { key: 'a', value: '{"n":2}' });
    expect(driver.rows('sums')).toEqual([{ key: 'a', value: 112 + 113 }]);
    expect(driver.output('copy').map((record) => String(record.value))).toEqual(['{"n":1}', '{"n":2}']);
    expect(driver.rows('table-store')).toEqual([{ key: 'all', value: { n: 1 } }]);
  });

  test('one that cannot be is refused', () => {
    const refused = (declare: (builder: StreamsBuilder) => void): string => {
      const builder = new StreamsBuilder();
      try {
        declare(builder);
        builder.build();
      } catch (error) {
        const { code, message } = error as StreamsError;
        return `${code}: ${message}`;
      }
      return 'taken';
    };
    const stream = (builder: StreamsBuilder) => builder.stream('stream', { value: stringSerde });
    const table = (builder: StreamsBuilder) => builder.globalTable('table', { value: stringSerde });
    expect(refused((builder) => stream(builder).join(table(builder), joiner, {} as never))).toMatch(
      /CONFIG_INVALID.*needs key, a function/,
    );
    expect(refused((builder) => stream(builder).join(table(new StreamsBuilder()), joiner, { key: () => 'k' }))).toMatch(
      /TOPOLOGY_INVALID.*join\(\) of KSTREAM-SOURCE-0000000000 and KTABLE-GLOBALTABLE-0000000000, which is of another/,
    );
    expect(
      refused((builder) =>
        stream(builder).outerJoin(table(builder) as never, joiner as never, { key: () => 'k' } as never),
      ),
    ).toMatch(/TOPOLOGY_INVALID: outerJoin\(\).*takes a stream of the same/);
  });
});
