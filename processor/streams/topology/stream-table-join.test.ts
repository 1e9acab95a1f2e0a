import { describe, expect, test } from '@jest/globals';
import type { StreamsError } from '../errors.ts';
import { versionedStore } from '../store/store-specs.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KStream, KTable } from './dsl-types.ts';
import { int32Serde } from './primitive-serdes.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

type Joins = 'join' | 'leftJoin';

const joiner = (left: string, right: string | null): string => `${left}+${String(right)}`;

/** `S a 1 5`: value 1 of key a in the stream at time 5, `T …` in the table; `-` is null. */
async function run(driver: TopologyTestDriver, step: string): Promise<string> {
  const [side, key, value, time] = step.split(' ') as [string, string, string, string];
  await driver.pipe(side === 'S' ? 'stream' : 'table', {
    key: key === '-' ? null : key,
    value: value === '-' ? null : value,
    timestampMs: Number(time),
  });
  return outputOf(driver);
}

function outputOf(driver: TopologyTestDriver): string {
  return driver
    .output('out')
    .map(({ key, value, timestampMs }) => `${String(key)}:${String(value)}@${String(timestampMs)}`)
    .join(' ');
}

function joined(joins: Joins): TopologyTestDriver {
  const builder = new StreamsBuilder();
  const table = builder.table('table', { value: stringSerde });
  const stream = builder.stream('stream', { value: stringSerde, nulls: 'keep' });
  const out =
    joins === 'join' ? (stream.join(table, joiner) as KStream<never, string>) : stream.leftJoin(table, joiner);
  out.to('out', { value: stringSerde });
  return new TopologyTestDriver(builder.build());
}

/** Each step with what the inner and the left join hand on for it. */
const STEPS: readonly (readonly [step: string, inner: string, left: string])[] = [
  ['S a 1 5', '', 'a:1+null@5'],
  ['T a A 9', '', ''],
  // The row is newer than the record: it is the row of now all the same, and the time is the record's.
  ['S a 2 7', 'a:2+A@7', 'a:2+A@7'],
  ['S b 3 3', '', 'b:3+null@3'],
  ['T a B 1', '', ''],
  ['S a 4 20', 'a:4+B@20', 'a:4+B@20'],
  ['S a - 21', '', ''],
  ['S - 5 22', '', 'null:5+null@22'],
  ['S - - 23', '', ''],
  ['T a - 24', '', ''],
  ['S a 6 25', '', 'a:6+null@25'],
  ['T - C 26', '', ''],
  ['S - 7 2', '', 'null:7+null@2'],
];

describe('stream-table joins', () => {
  test('only the stream triggers, with the row as it is now and its own time', async () => {
    const drivers = [joined('join'), joined('leftJoin')];
    for (const [step, ...expected] of STEPS) {
      const outputs = [];
      for (const driver of drivers) outputs.push(await run(driver, step));
      expect([step, ...outputs]).toEqual([step, ...expected]);
    }
    expect(drivers.map((driver) => driver.dropped())).toEqual([
      { 'null-key': 3, 'null-value': 2 },
      { 'null-key': 1, 'null-value': 2 },
    ]);
  });

  test.each<Joins>(['join', 'leftJoin'])(
    'a stream whose key was changed meets the table behind a topic: %s',
    async (joins) => {
      const builder = new StreamsBuilder();
      const table = builder.table('table', { key: int32Serde, value: stringSerde });
      const numbered = builder
        .stream('stream', { value: stringSerde })
        .selectKey((value) => (value === 'none' ? null : Number(value)))
        .filter(() => true);
      const stream =
        joins === 'join'
          ? (numbered.join(table, joiner, { name: 'by-number' }) as KStream<never, string>)
          : numbered.leftJoin(table, joiner, { name: 'by-number' });
      stream.to('out', { value: stringSerde });
      const driver = new TopologyTestDriver(builder.build(), { partitions: { stream: 2, table: 3 } });
      expect(driver.partitionsOf('test-by-number-repartition')).toBe(3);
      const rows = driver.inputTopic('table', { key: int32Serde, value: stringSerde });
      await rows.pipe({ key: 7, value: 'seven', timestampMs: 1 }, { key: 8, value: 'eight', timestampMs: 1 });
      await driver.pipe(
        'stream',
        { value: '8', timestampMs: 11, partition: 1, headers: { from: Buffer.from('a header') } },
        { value: '7', timestampMs: 12 },
        { value: '9', timestampMs: 13 },
        { value: 'none', timestampMs: 14, partition: 1 },
      );
      const out = driver.outputTopic('out', { key: int32Serde, value: stringSerde }).read();
      const found = out.map(({ key, value, timestampMs }) => [key, value, timestampMs]);
      expect(found.sort((a, b) => Number(a[2]) - Number(b[2]))).toEqual([
        [8, '8+eight', 11],
        [7, '7+seven', 12],
        ...(joins === 'join'
          ? []
          : [
              [9, '9+null', 13],
              [null, 'none+null', 14],
            ]),
      ]);
      expect(out.map(({ headers }) => String(headers['from'])).filter((from) => from === 'a header')).toHaveLength(1);
      expect(driver.dropped()).toEqual(joins === 'join' ? { 'null-key': 1 } : {});
    },
  );

  test('rows are in place before the records that need them: what waits goes by event time, rows first', async () => {
    const builder = new StreamsBuilder();
    const all = builder.stream('all', { value: stringSerde });
    const { rows, records } = all.split({ rows: (value) => value.startsWith('row') }, 'records');
    // The records first: both topics hold all there is when the second sub-topology begins.
    records.to('stream');
    rows.to('table');
    const stream = builder.stream('stream', { value: stringSerde });
    const table = builder.table('table', { value: stringSerde });
    stream.join(table, joiner).to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    const at = (timestampMs: number, value: string): { key: string; value: string; timestampMs: number } => ({
      key: 'a',
      value,
      timestampMs,
    });
    await driver.pipe(
      'all',
      at(9, 'r9'),
      at(10, 'r10'),
      at(11, 'r11'),
      at(20, 'r20'),
      at(10, 'row10'),
      at(12, 'row12'),
    );
    expect(outputOf(driver)).toBe('a:r10+row10@10 a:r11+row10@11 a:r20+row12@20');
  });

  test('rows of the table do not move the time of the stream', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('table', { value: stringSerde });
    const times: number[] = [];
    builder
      .stream('stream', { value: stringSerde })
      .join(table, joiner)
      .process((context) => () => times.push(context.streamTimeMs()));
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('table', { key: 'a', value: 'A', timestampMs: 1_000 });
    await driver.pipe('stream', { key: 'a', value: '1', timestampMs: 5 });
    expect(times).toEqual([5]);
  });

  test('a table that the same records make has what they have changed, committed or not', async () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('stream', { value: stringSerde });
    const counts = stream.groupByKey().count({ store: 'counts' });
    stream
      .join(
        counts.filter((count) => count !== 2).mapValues((count) => `row ${String(count)}`),
        joiner,
      )
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    const records = ['1', '2', '3'].map((value) => ({ key: 'a', value, timestampMs: Number(value) }));
    await driver.pipe('stream', ...records);
    expect(outputOf(driver)).toBe('a:1+row 1@1 a:3+row 3@3');
  });

  const texts = { empty: () => '', add: (acc: string, value: string) => acc + value, serde: stringSerde };

  test.each<[name: string, tableOf: (stream: KStream<string | null, string>) => KTable<string, string>]>([
    ['a reduce', (stream) => stream.groupByKey().reduce((acc, value) => acc + value, { store: 'texts' })],
    ['an aggregate', (stream) => stream.groupByKey().aggregate(texts, { store: 'texts' })],
    ['a cogroup', (stream) => stream.groupByKey().cogroup(texts).aggregate({ store: 'texts' })],
  ])(
    'a table that %s makes of the same stream has the record already: readers are called in the order of declaration',
    async (_, tableOf) => {
      const passed: string[] = [];
      for (const [before, after] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const builder = new StreamsBuilder();
        const all = builder.stream('stream', { value: stringSerde });
        const stream = before === true ? all.filter(() => true) : all;
        const table = tableOf(stream);
        const records = after === true ? stream.filter(() => true) : stream;
        records.join(table, joiner).to('out', { value: stringSerde });
        const driver = new TopologyTestDriver(builder.build());
        for (const value of ['1', '2', '3'])
          await driver.pipe('stream', { key: 'a', value, timestampMs: Number(value) });
        passed.push(outputOf(driver));
      }
      const expected = 'a:1+1@1 a:2+12@2 a:3+123@3';
      expect(passed).toEqual([expected, expected, expected]);
    },
  );

  test('a table that a later statement makes of the same stream has the record afterwards', async () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('stream', { value: stringSerde });
    const first = stream.groupByKey().reduce((acc, value) => acc + value, { store: 'first' });
    const records = stream.filter(() => true).peek(() => undefined);
    records.join(first, joiner).to('out', { value: stringSerde });
    const second = stream
      .filter(() => true)
      .groupByKey()
      .reduce((acc, value) => acc + value, { store: 'second' });
    records.leftJoin(second, joiner).to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    for (const value of ['1', '2']) await driver.pipe('stream', { key: 'a', value, timestampMs: Number(value) });
    expect(outputOf(driver)).toBe('a:1+1@1 a:1+null@1 a:2+12@2 a:2+1@2');
  });

  test('what the joiner changes of its values changes nothing else', async () => {
    const builder = new StreamsBuilder();
    const value = jsonSerde<{ n: number }>();
    const stream = builder.stream('stream', { value });
    const table = builder.table('table', { value, store: 'rows' });
    const spoil = (left: { n: number }, right: { n: number }): { n: number } => {
      left.n += 10;
      right.n += 100;
      return { n: left.n + right.n };
    };
    stream.join(table, spoil).to('out', { value });
    stream.join(table, spoil).to('out', { value });
    stream.to('copy');
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('table', { key: 'a', value: '{"n":1}' });
    await driver.pipe('stream', { key: 'a', value: '{"n":2}' }, { key: 'a', value: '{"n":3}' });
    const out = driver.output('out').map((record) => (JSON.parse(String(record.value)) as { n: number }).n);
    expect(out).toEqual([113, 113, 114, 114]);
    expect(driver.output('copy').map((record) => String(record.value))).toEqual(['{"n":2}', '{"n":3}']);
    expect(driver.rows('rows')).toEqual([{ key: 'a', value: { n: 1 } }]);
  });

  test('a versioned table is read as of the record: the row that was valid then', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('table', {
      store: versionedStore('versions', { value: stringSerde, historyMs: 100 }),
      value: stringSerde,
    });
    builder
      .stream('stream', { value: stringSerde })
      .leftJoin(
        table.mapValues((value) => `${value}!`),
        joiner,
      )
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    for (const step of ['T a A 10', 'T a - 20', 'T a C 30', 'T a B 15']) await run(driver, step);
    expect(await run(driver, 'S a 1 9')).toBe('a:1+null@9');
    expect(await run(driver, 'S a 2 10')).toBe('a:2+A!@10');
    expect(await run(driver, 'S a 3 19')).toBe('a:3+B!@19');
    expect(await run(driver, 'S a 4 20')).toBe('a:4+null@20');
    expect(await run(driver, 'S a 5 99')).toBe('a:5+C!@99');
  });

  test('with grace the stream waits, in order of time, and is joined with what was valid then', async () => {
    const held = (joins: Joins): { driver: TopologyTestDriver; fail: (now: boolean) => void } => {
      const builder = new StreamsBuilder();
      const store = versionedStore('versions', { value: stringSerde, historyMs: 100 });
      const table = builder.table('table', { store, value: stringSerde });
      const stream = builder.stream('stream', { value: stringSerde, nulls: 'keep' });
      const options = { name: 'late', graceMs: 10 };
      const out =
        joins === 'join'
          ? (stream.join(table, joiner, options) as KStream<never, string>)
          : stream.leftJoin(table, joiner, options);
      let fails = false;
      const check = (): void => {
        if (fails) throw new Error('not now');
      };
      out.peek(check).to('out', { value: stringSerde });
      const driver = new TopologyTestDriver(builder.build());
      return { driver, fail: (now) => (fails = now) };
    };
    const steps: readonly (readonly [step: string, inner: string, left: string])[] = [
      ['T b B 15', '', ''],
      ['S a 1 20', '', ''],
      ['S b 2 20', '', ''],
      ['S a 3 20', '', ''],
      ['S a 4 10', '', 'a:4+null@10'],
      ['T a A 19', '', ''],
      // Stream time less the grace is 10: what is older is late, what is as old is due.
      ['S b 5 9', '', 'b:5+null@9'],
      ['S - 6 21', '', 'null:6+null@21'],
      ['S b 7 17', '', ''],
      ['S b - 29', '', ''],
      ['T b C 20', '', ''],
      // The record of 29 had no value, but it has moved time.
      ['S c 8 29', 'b:7+B@17', 'b:7+B@17'],
      ['S c 9 30', 'a:1+A@20 a:3+A@20 b:2+C@20', 'a:1+A@20 a:3+A@20 b:2+C@20'],
      ['T c D 25', '', ''],
      ['S z 0 100', 'c:8+D@29 c:9+D@30', 'c:8+D@29 c:9+D@30'],
    ];
    for (const [at, joins] of (['join', 'leftJoin'] as const).entries()) {
      const { driver, fail } = held(joins);
      for (const [step, ...expected] of steps) {
        const found = await run(driver, step);
        expect([step, found]).toEqual([step, expected[at]]);
      }
      expect(driver.rows('late-buffer')).toHaveLength(1);
      await driver.pipe('table', { key: 'y', value: 'Y', timestampMs: 100 });
      const headers = { from: Buffer.from('the record') };
      await driver.pipe('stream', { key: 'y', value: '1', timestampMs: 105, headers });
      fail(true);
      await expect(run(driver, 'S q 2 200')).rejects.toThrow('not now');
      fail(false);
      await driver.advanceWallClock(0);
      const told = driver.output('out');
      expect(told.map(({ value }) => String(value))).toEqual([...(joins === 'join' ? [] : ['0+null']), '1+Y']);
      expect(String(told.at(-1)?.headers['from'])).toBe('the record');
    }
  });

  test('one that cannot be is refused', () => {
    const refused = (declare: (builder: StreamsBuilder) => void, partitions?: Record<string, number>): string => {
      const builder = new StreamsBuilder();
      try {
        declare(builder);
        new TopologyTestDriver(builder.build(), partitions === undefined ? {} : { partitions });
      } catch (error) {
        const { code, message } = error as StreamsError;
        return `${code}: ${message}`;
      }
      return 'taken';
    };
    const stream = (builder: StreamsBuilder) => builder.stream('stream', { value: stringSerde });
    const table = (builder: StreamsBuilder) => builder.table('table', { value: stringSerde });
    expect(refused((builder) => stream(builder).join(table(builder), joiner), { stream: 2, table: 3 })).toMatch(
      /NOT_COPARTITIONED.*KSTREAM-JOIN.*stream \(2\), table \(3\).*repartition/,
    );
    expect(
      refused((builder) =>
        stream(builder)
          .selectKey(() => 'k')
          .join(table(builder), joiner),
      ),
    ).toMatch(/TOPOLOGY_INVALID.*join\(\) of KSTREAM-MAP-\d+ with KSTREAM-TOTABLE-\d+ needs a name/);
    expect(
      refused((builder) =>
        stream(builder)
          .map((value, key) => ({ key, value: value.length }))
          .join(table(builder) as never, joiner as never, { name: 'j' }),
      ),
    ).toMatch(/TOPOLOGY_INVALID.*the repartition "j".*needs a serde for the values/);
    expect(refused((builder) => stream(builder).join(table(builder), joiner, { name: 'j', graceMs: 5 }))).toMatch(
      /TOPOLOGY_INVALID.*has graceMs.*versionedStore/,
    );
    const versioned = (builder: StreamsBuilder, historyMs: number) =>
      builder.table('table', { store: versionedStore('v', { value: stringSerde, historyMs }), value: stringSerde });
    expect(refused((builder) => stream(builder).join(versioned(builder, 9), joiner, { graceMs: 5 }))).toMatch(
      /TOPOLOGY_INVALID.*needs a name/,
    );
    expect(
      refused((builder) => stream(builder).join(versioned(builder, 4), joiner, { name: 'j', graceMs: 5 })),
    ).toMatch(/TOPOLOGY_INVALID.*waits for 5 ms, and the history of the table is 4 ms long/);
    expect(
      refused((builder) => stream(builder).join(versioned(builder, 9), joiner, { name: 'j', graceMs: -1 })),
    ).toMatch(/TOPOLOGY_INVALID.*graceMs.*not -1/);
    expect(refused((builder) => stream(builder).join(table(new StreamsBuilder()), joiner))).toMatch(
      /TOPOLOGY_INVALID.*join\(\) of KSTREAM-SOURCE-0000000000 and KSTREAM-TOTABLE-0000000001, which is of another/,
    );
    expect(refused((builder) => stream(builder).join(table(builder), joiner, { nam: 'x' } as never))).toMatch(
      /CONFIG_INVALID.*did you mean "name"/,
    );
  });
});
