import { describe, expect, test } from '@jest/globals';
import { versionedStore } from '../store/store-specs.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KTable, TableStoreOptions } from './dsl-types.ts';
import { stringSerde, type Serde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { untilTimeLimit } from './suppressed.ts';

/*
 * A filter of a table that nobody named tells of rows that were never there as deleted, unless something makes the
 * table hand on what its rows were before. What is expected is what Kafka Streams 4.4.0 answers.
 */

type Texts = KTable<string, string>;

const text = { value: stringSerde };
const joiner = (left: string | null, right: string | null): string => `${String(left)}+${String(right)}`;
const leftOf = (left: string): string => left;
const passing = (table: Texts, options: TableStoreOptions<string> = {}): Texts =>
  table.filter((value) => value !== 'x', options);
const told = (table: Texts): Texts => {
  table.toStream().to('out', text);
  return table;
};
const grouped = (table: Texts): void => {
  table.groupBy((value, key) => ({ key, value }), { name: 'group', ...text }).count({ store: 'counts' });
};
const kept = (store: string): { store: string; value: Serde<string> } => ({ store, ...text });
const byKey = { foreignKey: (value: string) => value, name: 'fk', ...text };

interface Tables {
  readonly builder: StreamsBuilder;
  readonly a: Texts;
  readonly b: Texts;
}

/** What is told of a row of `a` that never passes, then does, then does no more; `b` has a row before. */
async function run(build: (tables: Tables) => unknown, isVersioned = false): Promise<string> {
  const builder = new StreamsBuilder();
  const a = isVersioned
    ? builder.table<string>('a', { store: versionedStore('versions', { ...text, historyMs: 100 }) })
    : builder.table('a', text);
  build({ builder, a, b: builder.table('b', text) });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('b', { key: 'k', value: '1', timestampMs: 1 });
  const values = [null, 'x', 'x', 'y', 'x', null];
  for (const [at, value] of values.entries()) await driver.pipe('a', { key: 'k', value, timestampMs: at + 2 });
  return driver
    .output('out')
    .map(({ value, timestampMs }) => `${value === null ? '-' : String(value)}@${String(timestampMs)}`)
    .join(' ');
}

const ALL = '-@2 -@3 -@4 y@5 -@6 -@7';
const KNOWN = 'y@5 -@6';

type Case = readonly [reader: string, build: (tables: Tables) => unknown, expected: string];

const JOINED: readonly Case[] = [
  ['a left join', ({ a, b }) => told(passing(a).leftJoin(b, joiner)), 'y+1@5 -@6'],
  ['an outer join', ({ a, b }) => told(b.outerJoin(passing(a), joiner)), '1+null@1 1+y@5 1+null@6'],
  ['a left join, kept', ({ a, b }) => told(passing(a, { store: 'own' }).leftJoin(b, joiner)), 'y+1@5 -@6'],
  [
    'a foreign-key join, from the right',
    ({ a, b }) => told(b.leftJoin(passing(a), joiner, { ...byKey, foreignKey: () => 'k' })),
    '1+null@1 1+y@5 1+null@6',
  ],
];

const KNOWING: readonly Case[1][] = [
  ({ a }) => grouped(told(passing(a))),
  ({ a }) => grouped(told(passing(a)).mapValues(leftOf, text)),
  ({ a }) =>
    grouped(
      told(passing(a))
        .mapValues(leftOf, text)
        .filter(() => true),
    ),
  ({ a }) => told(passing(a)).suppress(untilTimeLimit(9), { store: 'held' }),
  ({ a, b }) => told(passing(a)).leftJoin(b, joiner),
  ({ a, b }) => told(passing(a)).join(b, leftOf, byKey),
  ({ a, b }) => b.join(told(passing(a)), leftOf, byKey),
  // A filter behind a join, or behind a store of its own, wants to know.
  ({ a, b }) =>
    told(passing(a))
      .join(b, joiner)
      .filter(() => true),
  ({ a }) => told(passing(a, { store: 'own' })).filter(() => true),
  ({ a }) => told(passing(a.mapValues(leftOf, kept('own')))),
  ({ a, b }) => told(passing(a.leftJoin(b, leftOf, { ...byKey, store: 'kept' }))),
  ({ a, b }) => grouped(told(passing(a.leftJoin(b, leftOf, byKey)))),
  // Who has read the source before the filter was declared has made it one that is kept.
  ({ a, b }) => [a.join(b, joiner), told(passing(a))],
  ({ a, b }) => [b.leftJoin(a, joiner), told(passing(a))],
  ({ a }) => [grouped(a), told(passing(a))],
  ({ a, builder }) => [builder.stream('c', text).join(a.mapValues(leftOf, text), joiner), told(passing(a))],
];

const NOT_KNOWING: readonly Case[1][] = [
  ({ a }) => told(passing(a)),
  ({ a }) => told(passing(a, { store: 'own' })),
  ({ a }) => told(passing(a, { store: 'own' })).mapValues(leftOf, text),
  ({ a }) => told(passing(a)).filter(() => true),
  ({ a, b }) => told(passing(a)).join(b, joiner),
  ({ a, b }) => b.leftJoin(told(passing(a)), joiner),
  ({ a, b }) => told(passing(a)).join(b, joiner).mapValues(leftOf, text),
  ({ a, builder }) => builder.stream('c', text).join(told(passing(a)), joiner),
  // Declared behind the filter, it makes the table one that is kept, but the filter has asked before.
  ({ a, b }) => [told(passing(a)), a.leftJoin(b, joiner)],
  ({ a }) => [told(passing(a)), grouped(a)],
];

const bodyOf = (build: Case[1]): string => String(build).replace(/\s+/g, ' ');

describe('a filter of a table without a name', () => {
  test.each(JOINED)('tells %s nothing of rows that were never there', async (_, build, expected) => {
    expect(await run(build)).toBe(expected);
  });

  test.each(KNOWING.map((build) => [bodyOf(build), build] as const))('knows what was before: %s', async (_, build) => {
    expect(await run(build)).toBe(KNOWN);
  });

  test.each(NOT_KNOWING.map((build) => [bodyOf(build), build] as const))(
    'tells of all that does not pass: %s',
    async (_, build) => {
      expect(await run(build)).toBe(ALL);
    },
  );
});

describe('a filter of a versioned table', () => {
  test.each<readonly [name: string, build: Case[1]]>([
    ['read by a grouping', ({ a }) => grouped(told(passing(a)))],
    ['behind mapValues, read by a grouping', ({ a }) => grouped(told(passing(a.mapValues(leftOf, text))))],
  ])('tells of all that does not pass: %s', async (_, build) => {
    expect(await run(build, true)).toBe(ALL);
  });

  test('knows what was before behind a store of newest rows', async () => {
    expect(await run(({ a }) => told(passing(a.mapValues(leftOf, kept('own')))), true)).toBe(KNOWN);
  });
});
