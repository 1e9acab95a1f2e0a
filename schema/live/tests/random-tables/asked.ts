import fc from 'fast-check';

import {
  comparedFields,
  type ComparedField,
  HOUR_MS,
  isWindowed,
  MINUTE_MS,
  type RandomTable,
} from './random-table.ts';
import { BEGIN_MS } from './records.ts';

/** As clients write it. */
export type Filter = Readonly<Record<string, unknown>>;

export interface Order {
  readonly field: string;
  readonly direction?: 'ASC' | 'DESC' | undefined;
}

export interface Range {
  readonly prefix?: string | undefined;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** What a subscription and a page can both be asked for; undefined is left out. */
interface Chosen {
  /** Of tables with windows. */
  readonly key?: unknown;
  readonly range?: Range | undefined;
  readonly filter?: Filter | undefined;
  readonly orderBy?: Order | undefined;
}

export interface Watched extends Chosen {
  readonly keys?: readonly unknown[] | undefined;
  readonly first?: number | undefined;
  readonly last?: number | undefined;
}

export interface Paged extends Chosen {
  readonly first: number;
  /** Epoch milliseconds, of tables with windows. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

const MOST_LEAVES = 10;

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

function anyComparison({ name, given, operators }: ComparedField): fc.Arbitrary<Filter> {
  const one = fc.constantFrom(...operators).chain((operator) => {
    const value = operator === 'in' ? fc.array(given, { maxLength: 3 }) : operator === 'isNull' ? fc.boolean() : given;
    return fc
      .oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) })
      .map((arg) => ({ [operator]: arg }));
  });
  return fc.array(one, { minLength: 1, maxLength: 2 }).map((all) => ({ [name]: Object.assign({}, ...all) as Filter }));
}

function anyFilter(fields: readonly ComparedField[]): fc.Arbitrary<Filter> {
  const comparison = fc.oneof(...fields.map(anyComparison));
  const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 2 },
      comparison,
      fc.constant({}),
      fc.tuple(comparison, comparison).map(([a, b]) => ({ ...a, ...b })),
      fc.array(tie('filter'), { maxLength: 2 }).map((parts) => ({ and: parts })),
      fc.array(tie('filter'), { maxLength: 2 }).map((parts) => ({ or: parts })),
      tie('filter').map((part) => ({ not: part })),
    ),
  }));
  return filter.filter((one) => leavesOf(one) <= MOST_LEAVES);
}

function leavesOf(filter: Filter): number {
  let leaves = 0;
  for (const [name, part] of Object.entries(filter)) {
    if (name === 'and' || name === 'or') for (const one of part as readonly Filter[]) leaves += leavesOf(one);
    else if (name === 'not') leaves += leavesOf(part as Filter);
    else leaves += Object.keys(part as Filter).length;
  }
  return leaves;
}

function anyChosen(table: RandomTable): fc.Arbitrary<Chosen> {
  const { key, keyName, orderBy, filter } = table;
  const anyKey = fc.constantFrom(...key.keys.map(({ shown }) => shown));
  const range = fc.record({
    prefix: key.hasPrefix ? maybe(fc.constantFrom('', 'a', 'ä', '3f0c1c5e')) : fc.constant(undefined),
    from: maybe(anyKey),
    to: maybe(anyKey),
  });
  const order = fc.record({
    field: fc.constantFrom(...[keyName, ...orderBy].map((name) => name.toUpperCase())),
    direction: maybe(fc.constantFrom('ASC' as const, 'DESC' as const)),
  });
  return fc.record({
    key: isWindowed(table)
      ? fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, anyKey)
      : fc.constant(undefined),
    range: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, range),
    filter: maybe(anyFilter(comparedFields(table, [...filter, ...orderBy]))),
    orderBy: maybe(order),
  });
}

export function anyWatched(table: RandomTable): fc.Arbitrary<Watched> {
  const anyKey = fc.constantFrom(...table.key.keys.map(({ shown }) => shown));
  const more = fc.record({
    keys: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, fc.array(anyKey, { maxLength: 4 })),
    first: maybe(fc.integer({ min: 1, max: 4 })),
    last: isWindowed(table) ? maybe(fc.integer({ min: 1, max: 5 })) : fc.constant(undefined),
  });
  return fc.tuple(anyChosen(table), more).map(([chosen, others]) => ({ ...chosen, ...others }));
}

export function anyPaged(table: RandomTable): fc.Arbitrary<Paged> {
  const time = isWindowed(table)
    ? maybe(fc.integer({ min: -20, max: 15 }).map((steps) => BEGIN_MS - (BEGIN_MS % HOUR_MS) + steps * 10 * MINUTE_MS))
    : fc.constant(undefined);
  const times = fc
    .tuple(time, time)
    .map(([a, b]) => (a !== undefined && b !== undefined && a > b ? { from: b, to: a } : { from: a, to: b }));
  return fc
    .tuple(anyChosen(table), fc.integer({ min: 1, max: 4 }), times)
    .map(([chosen, first, { from, to }]) => ({ ...chosen, first, from, to }));
}
