import { describe, expect, test } from '@jest/globals';
import { TaskLayout } from '../task/task-layout.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import type { Topology } from './topology.ts';
import { tumbling } from './windows.ts';

/** `L a f1 5`: the left row a, which refers to f, with the value f1 at time 5; `-` is null, `x1` refers to none. */
async function run(driver: TopologyTestDriver, step: string): Promise<string> {
  const [side, key, value, time] = step.split(' ') as [string, string, string, string];
  await driver.pipe(side === 'L' ? 'left' : 'right', {
    key,
    value: value === '-' ? null : value,
    timestampMs: Number(time),
  });
  return written(driver).join(' ');
}

const written = (driver: TopologyTestDriver): string[] =>
  driver
    .output('out')
    .map((one) => `${String(one.key)}:${one.value === null ? '-' : String(one.value)}@${String(one.timestampMs)}`);

/** The first letter of a value is what it refers to; x is nothing. */
const foreignKey = (value: string): string | null => (value.startsWith('x') ? null : value.slice(0, 1));

function joined(joins: 'join' | 'leftJoin', kept: boolean): Topology {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { value: stringSerde });
  const right = builder.table('right', { value: stringSerde });
  const options = {
    foreignKey,
    name: 'fk',
    ...(kept ? { store: 'joined', value: stringSerde } : {}),
  };
  const table =
    joins === 'join'
      ? left.join(right, (a, b) => `${a}+${b}`, options)
      : left.leftJoin(right, (a, b) => `${a}+${String(b)}`, options);
  table.toStream().to('out', { value: stringSerde });
  return builder.build();
}

/** Each step with what the inner and the left join hand on for it. */
const STEPS: readonly (readonly [step: string, inner: string, left: string])[] = [
  ['L a - 1', '', ''],
  ['R f - 1', '', ''],
  ['L a f1 5', '', 'a:f1+null@5'],
  ['L a f2 6', '', 'a:f2+null@6'],
  ['R f F 3', 'a:f2+F@3', 'a:f2+F@3'],
  ['L b f3 2', 'b:f3+F@3', 'b:f3+F@3'],
  ['R f G 9', 'a:f2+G@9 b:f3+G@9', 'a:f2+G@9 b:f3+G@9'],
  ['R f G 8', 'a:f2+G@8 b:f3+G@8', 'a:f2+G@8 b:f3+G@8'],
  ['L a f2 7', 'a:f2+G@8', 'a:f2+G@8'],
  ['L a g1 8', 'a:-@8', 'a:g1+null@8'],
  ['R g H 4', 'a:g1+H@4', 'a:g1+H@4'],
  ['R f - 10', 'b:-@10', 'b:f3+null@10'],
  ['R f - 11', 'b:-@11', 'b:f3+null@11'],
  ['L a x1 12', 'a:-@12', 'a:x1+null@12'],
  ['R g I 5', '', ''],
  ['L a x2 13', '', 'a:x2+null@13'],
  ['L a h1 14', '', 'a:h1+null@14'],
  ['L a i1 15', 'a:-@15', 'a:i1+null@15'],
  ['L a - 16', 'a:-@16', 'a:-@16'],
  ['L a - 17', '', ''],
  ['L c x1 18', '', 'c:x1+null@18'],
  ['L c - 19', '', 'c:-@19'],
  ['L d g1 1', 'd:g1+I@5', 'd:g1+I@5'],
  ['L d - 2', 'd:-@5', 'd:-@2'],
];

const partitions = { left: 3, right: 2 };

describe('joins by a foreign key', () => {
  test.each([
    ['kept', true],
    ['not kept', false],
  ])('a change of either side updates what refers to it; results are %s', async (_how, kept) => {
    const inner = new TopologyTestDriver(joined('join', kept), { partitions });
    const left = new TopologyTestDriver(joined('leftJoin', kept), { partitions });
    for (const [step, ...expected] of STEPS)
      expect([step, ...(await Promise.all([run(inner, step), run(left, step)]))]).toEqual([step, ...expected]);
    if (kept) expect([inner.rows('joined'), left.rows('joined')]).toEqual([[], [{ key: 'b', value: 'f3+null' }]]);
    expect(inner.rows('fk-subscriptions')).toHaveLength(1);
  });

  test('the topics of both sides keep their own partition counts, and each message finds its task', async () => {
    const driver = new TopologyTestDriver(joined('join', true), { partitions: { left: 3, right: 7 } });
    expect(driver.partitionsOf('test-fk-subscription-repartition')).toBe(7);
    expect(driver.partitionsOf('test-fk-response-repartition')).toBe(3);
    // The left topic has a partitioner of its own.
    for (const [key, partition] of [
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ] as const)
      await driver.pipe('left', { key, value: `${key}1`, partition });
    for (const key of ['a', 'b', 'c']) await driver.pipe('right', { key, value: key.toUpperCase() });
    expect(driver.rows('joined').map(({ value }) => value)).toEqual(['a1+A', 'b1+B', 'c1+C']);
  });

  test('many changes at once end in the rows that a plain join gives', async () => {
    const driver = new TopologyTestDriver(joined('join', true), { partitions });
    const lefts = new Map<string, string>();
    const rights = new Map<string, string>();
    let state = 7;
    const random = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * below);
    };
    for (let round = 0; round < 30; round += 1) {
      const batch = Array.from({ length: 1 + random(6) }, () => {
        const isLeft = round % 2 === 0;
        const key = isLeft ? `k${String(random(5))}` : 'abc'.charAt(random(3));
        const value =
          random(4) === 0 ? null : isLeft ? `${'abcx'.charAt(random(4))}${String(random(3))}` : String(random(9));
        const rows = isLeft ? lefts : rights;
        if (value === null) rows.delete(key);
        else rows.set(key, value);
        return { key, value, timestampMs: round };
      });
      await driver.pipe(round % 2 === 0 ? 'left' : 'right', ...batch);
      const expected = [...lefts]
        .filter(([, value]) => rights.has(foreignKey(value) ?? 'x'))
        .map(([key, value]) => ({ key, value: `${value}+${String(rights.get(value.slice(0, 1)))}` }))
        .sort((a, b) => (a.key < b.key ? -1 : 1));
      expect(driver.rows('joined')).toEqual(expected);
    }
  });

  test('a table joined with itself, and what is behind the join', async () => {
    const builder = new StreamsBuilder();
    const people = builder.table('left', { value: stringSerde });
    const pairs = people.join(people, (one, other) => `${one}>${other}`, {
      foreignKey: (value) => value.slice(0, 1),
      name: 'boss',
      value: stringSerde,
    });
    pairs.groupBy((value) => ({ key: value.slice(0, 1), value }), { name: 'by-boss' }).count({ store: 'counts' });
    pairs.toStream().to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build(), { partitions: { left: 2 } });
    expect(await run(driver, 'L a b1 1')).toBe('');
    expect(await run(driver, 'L b b2 2')).toBe('a:b1>b2@2 b:b2>b2@2');
    expect(await run(driver, 'L c b3 3')).toBe('c:b3>b2@3');
    expect(driver.rows('counts')).toEqual([{ key: 'b', value: 3 }]);
    expect(await run(driver, 'L a - 4')).toBe('a:-@4');
    expect(driver.rows('counts')).toEqual([{ key: 'b', value: 2 }]);
  });

  test('operators behind it need no store while nobody looks at their rows', async () => {
    const builder = new StreamsBuilder();
    builder
      .table('left', { value: stringSerde })
      .join(builder.table('right', { value: stringSerde }), (a, b) => `${a}+${b}`, { foreignKey, name: 'fk' })
      .filter((value) => value !== 'f1+F')
      .mapValues((value) => value.length)
      .toStream()
      .to('out', { value: jsonSerde<number>() });
    const topology = builder.build();
    expect(topology.subTopologies.flatMap(({ stores }) => stores.map(({ name }) => name)).sort()).toEqual([
      'fk-subscriptions',
      'left-store',
      'right-store',
    ]);
    const driver = new TopologyTestDriver(topology, { partitions });
    await run(driver, 'R f F 1');
    expect(await run(driver, 'L a f1 2')).toBe('a:-@2');
    expect(await run(driver, 'L a f12 3')).toBe('a:5@3');
  });

  test('an answer for a value that the row no longer has is passed over', async () => {
    const builder = new StreamsBuilder();
    const people = builder.table('left', { value: stringSerde });
    people
      .join(people, (one, other) => `${one}>${other}`, { foreignKey: (value) => value.slice(0, 1), name: 'boss' })
      .toStream()
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    for (const step of ['L b z1 1', 'L c z2 1']) await run(driver, step);
    expect(await run(driver, 'L a b1 1')).toBe('a:b1>z1@1');
    // The row of b answers to the subscription that a has had up to now.
    await driver.pipe('left', { key: 'a', value: 'c1', timestampMs: 2 }, { key: 'b', value: 'z3', timestampMs: 2 });
    expect(written(driver)).toEqual(['a:c1>z2@2']);
    // What the row has been deleted for meanwhile comes back to nothing.
    await driver.pipe('left', { key: 'a', value: null, timestampMs: 3 }, { key: 'c', value: 'z4', timestampMs: 3 });
    expect(written(driver)).toEqual(['a:-@3']);
  });

  test('windows behind it are expired: its tables move stream time, in each of their tasks', async () => {
    const builder = new StreamsBuilder();
    builder
      .table('left', { value: stringSerde })
      .join(builder.table('right', { value: stringSerde }), (a, b) => `${a}+${b}`, { foreignKey, name: 'fk' })
      .toStream()
      .groupByKey()
      .windowedBy(tumbling({ sizeMs: 10, retentionMs: 20 }))
      .count({ store: 'counts' });
    const driver = new TopologyTestDriver(builder.build(), { partitions });
    const starts = (): unknown[] => driver.rows('counts').map(({ key, startMs }) => [key, startMs]);
    await driver.pipe('left', { key: 'a', value: 'f1', timestampMs: 5 });
    await driver.pipe('right', { key: 'f', value: 'F', timestampMs: 7 });
    expect(starts()).toEqual([['a', 0]]);
    for (const partition of [0, 1, 2])
      await driver.pipe('left', { partition, key: `b${String(partition)}`, value: 'f2', timestampMs: 100 });
    expect(starts()).toEqual([
      ['b0', 100],
      ['b1', 100],
      ['b2', 100],
    ]);
    // A change on the right is of its own time, in the tasks whose rows it concerns.
    await driver.pipe('right', { key: 'f', value: 'G', timestampMs: 200 });
    expect(starts()).toEqual([
      ['a', 200],
      ['b0', 200],
      ['b1', 200],
      ['b2', 200],
    ]);
  });

  test('no side waits for the time of the other one', () => {
    const layout = new TaskLayout(joined('join', false), 'app', () => 2);
    for (const id of layout.taskIds())
      expect(layout.spec(id).timeLinks).toEqual({ sources: [], reportsTo: [], isAwaited: false });
  });

  test('what it needs and does not get is refused', () => {
    const builder = new StreamsBuilder();
    const left = builder.table('left', { value: stringSerde });
    const right = builder.table('right', { value: stringSerde }).mapValues((value) => value.length);
    left.join(right, (a, b) => `${a}${String(b)}`, { foreignKey, name: 'fk' });
    expect(() => builder.build()).toThrow(/by a foreign key needs a serde for the values of its right table/);
    const looked = new StreamsBuilder();
    const one = looked.table('left', { value: stringSerde });
    one
      .join(looked.table('right', { value: stringSerde }), (a, b) => a + b, { foreignKey, name: 'fk' })
      .join(one, (a, b) => a + b);
    expect(() => looked.build()).toThrow(/"fk-result".* has no serde/);
  });
});
