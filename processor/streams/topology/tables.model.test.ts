import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import type { Topology } from './topology.ts';

/*
 * Joins and retractions against a plain model: whatever changes, in commits of any size and with commits that fail, the
 * tables end as if they were made of the newest rows of both sides.
 */

const numbers = jsonSerde<number>();
const texts = { value: stringSerde } as const;
const refersTo = (value: string): string | null => (value.startsWith('-') ? null : value.charAt(0));

/** `check` runs at each commit, and may throw. */
function topology(check: () => void): Topology {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { ...texts, store: 'left' });
  const right = builder.table('right', texts).mapValues((value) => (check(), value), { store: 'right', ...texts });
  const joiner = (a: string | null, b: string | null): string => `${String(a)}+${String(b)}`;
  const inner = left.join(right, joiner);
  inner.mapValues((value) => value, { store: 'inner', ...texts });
  left.leftJoin(right, joiner, { store: 'leftJoined', ...texts });
  left.outerJoin(right, joiner, { store: 'outer', ...texts });
  inner.groupBy((value) => ({ key: value, value }), { name: 'by-joined', ...texts }).count({ store: 'joined-counts' });
  left
    .filter((value) => value !== 'b1')
    .groupBy((value, key) => ({ key: refersTo(value), value: key.length }), { name: 'by-reference', value: numbers })
    .reduce({ add: (a, b) => a + b, subtract: (a, b) => a - b }, { store: 'lengths' });
  const foreign = { foreignKey: refersTo, ...texts };
  const referring = left.join(right, joiner, { ...foreign, name: 'fk', store: 'fk' });
  left.leftJoin(right, joiner, { ...foreign, name: 'fk-left', store: 'fk-left' });
  referring
    .groupBy((value) => ({ key: value.slice(value.indexOf('+')), value }), { name: 'by-right', ...texts })
    .count({ store: 'right-counts' });
  return builder.build();
}

type Rows = ReadonlyMap<string, string>;

function expected(left: Rows, right: Rows): Record<string, Record<string, string | number>> {
  const joined = (keys: Iterable<string>, of: (key: string) => string | null): Record<string, string> =>
    Object.fromEntries([...keys].flatMap((key) => (of(key) === null ? [] : [[key, of(key) as string]])));
  const pair = (a: string | undefined, b: string | undefined): string => `${String(a ?? null)}+${String(b ?? null)}`;
  const right2 = (key: string | null): string | undefined => (key === null ? undefined : right.get(key));
  const counts = (keys: Iterable<string>, size: (key: string) => number = () => 1): Record<string, number> => {
    const found: Record<string, number> = {};
    for (const key of keys) found[key] = (found[key] ?? 0) + size(key);
    return found;
  };
  const inner = joined(left.keys(), (key) => (right.has(key) ? pair(left.get(key), right.get(key)) : null));
  const fk = joined(left.keys(), (key) => {
    const value = left.get(key) as string;
    const other = right2(refersTo(value));
    return other === undefined ? null : pair(value, other);
  });
  const lengths: Record<string, number> = {};
  for (const [key, value] of left) {
    const reference = refersTo(value);
    if (reference !== null && value !== 'b1') lengths[reference] = (lengths[reference] ?? 0) + key.length;
  }
  return {
    inner,
    leftJoined: joined(left.keys(), (key) => pair(left.get(key), right.get(key))),
    outer: joined(new Set([...left.keys(), ...right.keys()]), (key) => pair(left.get(key), right.get(key))),
    'joined-counts': counts(Object.values(inner)),
    lengths,
    fk,
    'fk-left': joined(left.keys(), (key) => pair(left.get(key), right2(refersTo(left.get(key) as string)))),
    'right-counts': counts(Object.values(fk).map((value) => value.slice(value.indexOf('+')))),
  };
}

/** Rows that are counted down to 0 stay, and say nothing here. */
function found(driver: TopologyTestDriver, stores: readonly string[]): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    stores.map((store) => [
      store,
      Object.fromEntries(driver.rows(store).flatMap(({ key, value }) => (value === 0 ? [] : [[key, value]]))),
    ]),
  );
}

const key = fc.constantFrom('a', 'b', 'c', 'dd');
const change = fc.record({
  key,
  value: fc.option(fc.constantFrom('a1', 'a2', 'b1', 'b2', 'c1', '-1', '-2'), { freq: 4 }),
});
const commits = fc.array(
  fc.record({
    topic: fc.constantFrom('left' as const, 'right' as const),
    changes: fc.array(change, { minLength: 1, maxLength: 6 }),
    fails: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

test('joins and groupings of tables end as the newest rows of both sides say', async () => {
  await fc.assert(
    fc.asyncProperty(commits, fc.constantFrom(1, 3), async (list, partitions) => {
      let failures = 0;
      const driver = new TopologyTestDriver(
        topology(() => {
          if (failures === 0) return;
          failures -= 1;
          throw new Error('this commit fails');
        }),
        { partitions: { left: partitions, right: partitions } },
      );
      const rows = { left: new Map<string, string>(), right: new Map<string, string>() };
      for (const { topic, changes, fails } of list) {
        const records = changes.map((one, index) => ({ ...one, timestampMs: index }));
        failures = fails && topic === 'right' ? 1 : 0;
        await driver.pipe(topic, ...records).catch(async (error: unknown) => {
          if (!String(error).includes('this commit fails')) throw error;
          await driver.advanceWallClock(0);
        });
        failures = 0;
        for (const { key, value } of changes) {
          if (value === null) rows[topic].delete(key);
          else rows[topic].set(key, value);
        }
        const wanted = expected(rows.left, rows.right);
        expect(found(driver, Object.keys(wanted))).toEqual(wanted);
      }
    }),
    { numRuns: 40, seed: 13 },
  );
});
