import { describe, expect, test } from '@jest/globals';
import type { StreamsError } from '../errors.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KStream } from './dsl-types.ts';
import { joinWindows, type JoinWindows } from './join-windows.ts';
import { int32Serde } from './primitive-serdes.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import type { Topology } from './topology.ts';

const JOINS = ['join', 'leftJoin', 'outerJoin'] as const;
type Joins = (typeof JOINS)[number];

type Strings = KStream<string | null, string>;

const joiner = (left: string | null, right: string | null): string => `${String(left)}+${String(right)}`;

function join(joins: Joins, left: Strings, right: Strings, windows: JoinWindows, name = 'j'): Strings {
  const options = { windows, name, left: stringSerde, right: stringSerde };
  switch (joins) {
    case 'join':
      return left.join(right, joiner, options) as Strings;
    case 'leftJoin':
      return left.leftJoin(right, joiner, options);
    case 'outerJoin':
      return left.outerJoin(right, joiner, options);
  }
}

/** `L a 1 5`: value 1 of key a on the left at time 5; `-` is null. */
async function run(driver: TopologyTestDriver, step: string): Promise<string> {
  const [side, key, value, time] = step.split(' ') as [string, string, string, string];
  await driver.pipe(side === 'L' ? 'left' : 'right', {
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

function topologyOf(joins: Joins, windows: JoinWindows): Topology {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', { value: stringSerde, nulls: 'keep' }) as Strings;
  const right = builder.stream('right', { value: stringSerde, nulls: 'keep' }) as Strings;
  join(joins, left, right, windows).to('out', { value: stringSerde });
  return builder.build();
}

/** Each step with what the inner, the left and the outer join hand on for it. */
type Steps = readonly (readonly [step: string, inner: string, left: string, outer: string])[];

async function check(windows: JoinWindows, steps: Steps): Promise<TopologyTestDriver[]> {
  const drivers = JOINS.map((joins) => new TopologyTestDriver(topologyOf(joins, windows)));
  for (const [step, ...expected] of steps) {
    const outputs = [];
    for (const driver of drivers) outputs.push(await run(driver, step));
    expect([step, ...outputs]).toEqual([step, ...expected]);
  }
  return drivers;
}

describe('stream-stream joins', () => {
  test('records within the window meet, in any order, with the larger time', async () => {
    await check(joinWindows({ differenceMs: 10, graceMs: 0 }), [
      ['L a A 100', '', '', ''],
      ['R a x 110', 'a:A+x@110', 'a:A+x@110', 'a:A+x@110'],
      ['R a y 91', 'a:A+y@100', 'a:A+y@100', 'a:A+y@100'],
      ['R b y 105', '', '', ''],
      // By the other one's time, then as they came.
      ['L a B 100', 'a:B+y@100 a:B+x@110', 'a:B+y@100 a:B+x@110', 'a:B+y@100 a:B+x@110'],
      ['L a B 121', '', '', 'b:null+y@105'],
    ]);
  });

  test('unmatched records come once, in order, on the next record of either side', async () => {
    await check(joinWindows({ differenceMs: 10, graceMs: 5 }), [
      ['L b B 3', '', '', ''],
      ['L a A 1', '', '', ''],
      ['L a A2 1', '', '', ''],
      ['R c C 1', '', '', ''],
      ['R d D 0', '', '', ''],
      ['R z Z 16', '', '', 'd:null+D@0'],
      ['R z Z 17', '', 'a:A+null@1 a:A2+null@1', 'c:null+C@1 a:A+null@1 a:A2+null@1'],
      // What the record itself meets comes behind those that it closes.
      ['L z Y 19', 'z:Y+Z@19 z:Y+Z@19', 'b:B+null@3 z:Y+Z@19 z:Y+Z@19', 'b:B+null@3 z:Y+Z@19 z:Y+Z@19'],
      ['R q Q 500', '', '', ''],
      ['R q Q 600', '', '', 'q:null+Q@500'],
    ]);
  });

  test('each side is closed by its own span', async () => {
    await check(joinWindows({ beforeMs: 2, afterMs: 10, graceMs: 0 }), [
      ['L a A 100', '', '', ''],
      ['R b B 100', '', '', ''],
      ['R c C 103', '', '', 'b:null+B@100'],
      ['R a X 110', 'a:A+X@110', 'a:A+X@110', 'c:null+C@103 a:A+X@110'],
      ['L a A 113', '', '', ''],
      ['L a A 112', 'a:A+X@112', 'a:A+X@112', 'a:A+X@112'],
      ['L d D 124', '', 'a:A+null@113', 'a:A+null@113'],
    ]);
  });

  test('spans below 0: the right one must come so much later', async () => {
    await check(joinWindows({ beforeMs: -5, afterMs: 10, graceMs: 0 }), [
      ['L a A 100', '', '', ''],
      ['R a B 104', '', '', 'a:null+B@104'],
      ['R a C 105', 'a:A+C@105', 'a:A+C@105', 'a:A+C@105'],
      ['R a D 110', 'a:A+D@110', 'a:A+D@110', 'a:A+D@110'],
    ]);
  });

  test('late records: at once, and a partner that is still in time joins them all the same', async () => {
    await check(joinWindows({ differenceMs: 5, graceMs: 10 }), [
      ['R z Z 100', '', '', ''],
      // 90 + 5 + 10 is not behind 100.
      ['L a A 90', '', '', ''],
      ['L a B 84', '', 'a:B+null@84', 'a:B+null@84'],
      ['R a r 88', 'a:B+r@88 a:A+r@90', 'a:B+r@88 a:A+r@90', 'a:B+r@88 a:A+r@90'],
      ['R z Z 130', '', '', 'z:null+Z@100'],
      // The left side's own newest record is at 90: it keeps what it has.
      ['R a s 91', 'a:A+s@91', 'a:A+s@91', 'a:A+s@91'],
      ['L q Q 200', '', '', 'z:null+Z@130'],
      ['R a t 91', '', '', 'a:null+t@91'],
    ]);
  });

  test('nulls: a key that is missing comes at once, a value is dropped, and both move time', async () => {
    const drivers = await check(joinWindows({ differenceMs: 5, graceMs: 0 }), [
      ['L a A 1', '', '', ''],
      ['L - B 2', '', 'null:B+null@2', 'null:B+null@2'],
      ['R - C 3', '', '', 'null:null+C@3'],
      ['R a - 100', '', '', ''],
      // It moves nothing itself, but the one before it did.
      ['R b D 4', '', 'a:A+null@1', 'a:A+null@1 b:null+D@4'],
      ['L - - 5', '', '', ''],
    ]);
    expect(drivers.map((driver) => driver.dropped())).toEqual([
      { 'null-key': 2, 'null-value': 2 },
      { 'null-key': 1, 'null-value': 2 },
      { 'null-value': 2 },
    ]);
  });

  test('what expires is gone from the stores and their changelogs', async () => {
    const driver = new TopologyTestDriver(topologyOf('outerJoin', joinWindows({ differenceMs: 5, graceMs: 0 })));
    for (const step of ['L a A 1', 'L b B 2', 'R c C 3']) await run(driver, step);
    expect(driver.rows('j-left').map(({ key, startMs, value }) => [key, startMs, value])).toEqual([
      ['a', 1, 'A'],
      ['b', 2, 'B'],
    ]);
    expect(driver.rows('j-outer')).toHaveLength(3);
    driver.output('test-j-left-changelog');
    expect(await run(driver, 'L z Z 13')).toBe('a:A+null@1 b:B+null@2 c:null+C@3');
    expect(driver.rows('j-left').map(({ value }) => value)).toEqual(['Z']);
    expect(driver.rows('j-right').map(({ value }) => value)).toEqual(['C']);
    expect(driver.rows('j-outer')).toHaveLength(1);
    const tombstones = driver.output('test-j-left-changelog').filter(({ value }) => value === null);
    expect(tombstones).toHaveLength(2);
  });

  test('a stream with itself: each record meets all before it, twice, and itself once', async () => {
    const builder = new StreamsBuilder();
    const left = builder.stream('left', { value: stringSerde }) as Strings;
    join('outerJoin', left, left, joinWindows({ differenceMs: 5, graceMs: 0 })).to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    expect(await run(driver, 'L a A 1')).toBe('a:A+A@1');
    expect(await run(driver, 'L a B 2')).toBe('a:B+A@2 a:A+B@2 a:B+B@2');
    expect(await run(driver, 'L b C 100')).toBe('b:C+C@100');
  });

  test('joins of joins, and one stream in several of them', async () => {
    const builder = new StreamsBuilder();
    const [one, two, three] = ['left', 'right', 'third'].map(
      (topic) => builder.stream(topic, { value: stringSerde }) as Strings,
    ) as [Strings, Strings, Strings];
    const windows = joinWindows({ differenceMs: 5, graceMs: 0 });
    const first = join('leftJoin', one, two, windows, 'first');
    join('join', first, three, windows, 'second').to('out', { value: stringSerde });
    join('join', three, one, windows, 'again').to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    expect(await run(driver, 'L a A 1')).toBe('');
    expect(await run(driver, 'R a B 3')).toBe('');
    await driver.pipe('third', { key: 'a', value: 'C', timestampMs: 4 });
    expect(outputOf(driver).split(' ').sort()).toEqual(['a:A+B+C@4', 'a:C+A@4']);
  });

  test('sides whose keys were changed go through topics of their own, null keys where they are handed on', async () => {
    const keyed = async (joins: Joins): Promise<string[]> => {
      const builder = new StreamsBuilder();
      const [left, right] = ['left', 'right'].map((topic) =>
        builder
          .stream(topic, { value: stringSerde })
          .selectKey((value) => (value.startsWith('none') ? null : value.length))
          .filter(() => true),
      ) as [KStream<number | null, string>, KStream<number | null, string>];
      const options = { windows: joinWindows({ differenceMs: 5, graceMs: 0 }), name: 'j', key: int32Serde };
      const out =
        joins === 'join'
          ? (left.join(right, joiner, options) as KStream<never, string>)
          : joins === 'leftJoin'
            ? left.leftJoin(right, joiner, options)
            : left.outerJoin(right, joiner, options);
      out.to('out', { value: stringSerde });
      const driver = new TopologyTestDriver(builder.build(), { partitions: { left: 2, right: 3 } });
      expect(driver.partitionsOf('test-j-left-repartition')).toBe(3);
      expect(driver.partitionsOf('test-j-right-repartition')).toBe(3);
      await driver.pipe('left', { value: 'aaa', timestampMs: 1, partition: 1 }, { value: 'none', timestampMs: 2 });
      await driver.pipe('right', { value: 'bbb', timestampMs: 3, partition: 2 }, { value: 'none!', timestampMs: 4 });
      return driver
        .outputTopic('out', { key: int32Serde, value: stringSerde })
        .read()
        .map(({ key, value, timestampMs }) => `${String(key)}:${value}@${String(timestampMs)}`)
        .sort();
    };
    expect(await keyed('join')).toEqual(['3:aaa+bbb@3']);
    expect(await keyed('leftJoin')).toEqual(['3:aaa+bbb@3', 'null:none+null@2']);
    expect(await keyed('outerJoin')).toEqual(['3:aaa+bbb@3', 'null:none+null@2', 'null:null+none!@4']);
  });

  test('what the joiner changes of its values changes nothing else', async () => {
    const builder = new StreamsBuilder();
    const value = jsonSerde<{ n: number }>();
    const left = builder.stream('left', { value });
    const right = builder.stream('right', { value });
    const spoil = (a: { n: number }, b: { n: number }): { n: number } => {
      a.n += 10;
      b.n += 100;
      return { n: a.n + b.n };
    };
    left.join(right, spoil, { windows: joinWindows({ differenceMs: 5, graceMs: 0 }), name: 'j' }).to('out', { value });
    left.to('copy');
    const driver = new TopologyTestDriver(builder.build());
    const record = (n: number) => ({ key: 'a', value: JSON.stringify({ n }), timestampMs: 1 });
    await driver.pipe('right', record(1), record(2));
    await driver.pipe('left', record(3), record(4));
    const out = driver.output('out').map((one) => (JSON.parse(String(one.value)) as { n: number }).n);
    expect(out).toEqual([114, 115, 115, 116]);
    expect(driver.output('copy').map((one) => String(one.value))).toEqual(['{"n":3}', '{"n":4}']);
  });

  test('of a stream that is joined with itself each side has its own values', async () => {
    const builder = new StreamsBuilder();
    const value = jsonSerde<{ n: number }>();
    const stream = builder.stream('left', { value }).filter(() => true);
    const spoil = (a: { n: number }, b: { n: number }): { n: number } => {
      a.n += 10;
      b.n += 100;
      return { n: a.n + b.n };
    };
    const windows = joinWindows({ differenceMs: 5, graceMs: 0 });
    stream.join(stream, spoil, { windows, name: 'j' }).to('out', { value });
    const driver = new TopologyTestDriver(builder.build());
    const record = (n: number) => ({ key: 'a', value: JSON.stringify({ n }), timestampMs: 1 });
    await driver.pipe('left', record(1), record(2));
    const out = driver.output('out').map((one) => (JSON.parse(String(one.value)) as { n: number }).n);
    expect(out).toEqual([112, 113, 113, 114]);
    expect(driver.rows('j-left').map((row) => row.value)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('what fails is done again as if it had not begun: rows, times and what waits', async () => {
    const builder = new StreamsBuilder();
    let fails = false;
    const left = builder.stream('left', { value: stringSerde }) as Strings;
    const right = builder.stream('right', { value: stringSerde }) as Strings;
    join('outerJoin', left, right, joinWindows({ differenceMs: 5, graceMs: 0 }))
      .peek(() => {
        if (fails) throw new Error('not now');
      })
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    for (const step of ['L a A 1', 'L b B 2', 'R d D 3']) expect(await run(driver, step)).toBe('');
    fails = true;
    await expect(run(driver, 'R b X 7')).rejects.toThrow('not now');
    await expect(run(driver, 'R c Y 50')).rejects.toThrow('not now');
    fails = false;
    expect(await run(driver, 'L e E 51')).toBe('a:A+null@1 b:B+X@7 d:null+D@3');
    expect(await run(driver, 'L e E 100')).toBe('c:null+Y@50 e:E+null@51');
  });

  test('types follow from the streams, whether their keys may be null or not', async () => {
    const builder = new StreamsBuilder();
    const numbers = builder.stream('left', { value: int32Serde });
    const texts = builder.stream('right', { value: stringSerde });
    const options = { windows: joinWindows({ differenceMs: 5, graceMs: 0 }), left: int32Serde, right: stringSerde };
    const keyed = numbers.selectKey(() => 'a');
    keyed
      .join(texts, (left, right, key) => [left.toFixed(), right.length, key.length] as const, { ...options, name: '1' })
      .mapValues(([left, length, keyLength], key) => `${left} ${String(length + keyLength + key.length)}`)
      .to('out', { value: stringSerde });
    keyed
      .leftJoin(
        texts.selectKey(() => 'a'),
        (left, right, key) => `${left.toFixed()} ${String(right?.length)} ${String(key.length)}`,
        { ...options, name: '2' },
      )
      .to('out', { value: stringSerde });
    numbers
      .outerJoin(
        texts.selectKey(() => 'a'),
        (left, right, key) => `${String(left?.toFixed())} ${String(right?.length)} ${String(key?.length)}`,
        { ...options, name: '3' },
      )
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    await driver.inputTopic('left', { value: int32Serde }).pipe({ key: 'a', value: 7, timestampMs: 1 });
    await driver.pipe('right', { key: 'a', value: 'xy', timestampMs: 1 });
    expect(outputOf(driver).split(' a:').sort()).toEqual(['7 2 1@1', '7 2 1@1', 'a:7 4@1']);
  });

  test('one that cannot be is refused', () => {
    const refused = (declare: (left: Strings, right: Strings, builder: StreamsBuilder) => unknown): string => {
      try {
        const builder = new StreamsBuilder();
        const [left, right] = ['left', 'right'].map(
          (topic) => builder.stream(topic, { value: stringSerde }) as Strings,
        ) as [Strings, Strings];
        declare(left, right, builder);
        new TopologyTestDriver(builder.build(), { partitions: { left: 2, right: 3 } });
      } catch (error) {
        const { code, message, name } = error as StreamsError;
        return `${code ?? name}: ${message}`;
      }
      return 'taken';
    };
    const windows = joinWindows({ differenceMs: 5, graceMs: 0 });
    expect(refused((left, right) => join('join', left, right, windows))).toMatch(
      /NOT_COPARTITIONED: KSTREAM-JOIN-\d+ joins by the keys of left \(2\), right \(3\).*repartition/,
    );
    expect(refused((left, right) => left.join(right, joiner, { windows } as never))).toMatch(
      /TOPOLOGY_INVALID: join\(\) of KSTREAM-SOURCE-0+ with KSTREAM-SOURCE-0+1 needs a name/,
    );
    expect(
      refused((left, right) => left.mapValues((value) => [value]).join(right, joiner as never, { windows, name: 'j' })),
    ).toMatch(/TOPOLOGY_INVALID.*needs a serde for the left values, \{ left: … \}/);
    expect(
      refused((left, right) =>
        left.outerJoin(
          right.mapValues(() => 1),
          joiner as never,
          { windows, name: 'j' },
        ),
      ),
    ).toMatch(/TOPOLOGY_INVALID.*needs a serde for the right values, \{ right: … \}/);
    expect(
      refused((left) =>
        left.join(new StreamsBuilder().stream('x', { value: stringSerde }), joiner, { windows, name: 'j' }),
      ),
    ).toMatch(/TOPOLOGY_INVALID.*join\(\) of KSTREAM-SOURCE-\d+ and KSTREAM-SOURCE-0000000000, which is of another/);
    expect(
      refused((left, _, builder) =>
        left.outerJoin(builder.table('t', { value: stringSerde }) as never, joiner, { windows, name: 'j' }),
      ),
    ).toMatch(/TOPOLOGY_INVALID: outerJoin\(\).*takes a stream of the same/);
    expect(refused((left, right) => [join('join', left, right, windows), join('join', left, right, windows)])).toMatch(
      /TOPOLOGY_INVALID: the store "j-left" is declared twice/,
    );
    expect(refused((left, right) => left.join(right, joiner, { name: 'j' } as never))).toMatch(
      /CONFIG_INVALID.*windows/,
    );
    for (const options of [
      { differenceMs: 5 },
      { differenceMs: -1, graceMs: 0 },
      { differenceMs: 1.5, graceMs: 0 },
      { beforeMs: 1, graceMs: 0 },
      { beforeMs: -2, afterMs: 1, graceMs: 0 },
      { beforeMs: 1, afterMs: 1, differenceMs: 1, graceMs: 0 },
      { differenceMs: 1, graceMs: -1 },
    ])
      expect(() => joinWindows(options as never)).toThrow(RangeError);
    expect(() => joinWindows({ difference: 1, graceMs: 0 } as never)).toThrow(/did you mean "differenceMs"/);
  });
});
