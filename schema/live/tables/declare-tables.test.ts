import { describe, expect, test } from '@jest/globals';
import {
  bigint64Serde,
  booleanSerde,
  float64Serde,
  int32Serde,
  int64Serde,
  jsonSerde,
  stringSerde,
  uuidSerde,
} from '@tributary/streams';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';

import { declareTables } from './declare-tables.ts';
import type { DeclaredTable } from './declared-table.ts';
import { table, type TableDeclaration } from './table.ts';

const Totals = z.object({ orders: z.int().min(0), cents: z.int().min(0), name: z.string().optional() });
const base = { store: 'totals', key: { sku: z.string() }, value: Totals };

/** As a program without types would call it. */
const any = (options: unknown): TableDeclaration => table(options as never);

function declared(tables: unknown): { readonly tables: DeclaredTable[]; readonly problems: string[] } {
  const problems: string[] = [];
  return { tables: declareTables(tables, problems), problems };
}

function one(options: object): DeclaredTable {
  const { tables, problems } = declared({ totals: any({ ...base, ...options }) });
  expect(problems).toEqual([]);
  expect(tables).toHaveLength(1);
  return tables[0] as DeclaredTable;
}

const problemsOf = (options: object): string[] => declared({ totals: any({ ...base, ...options }) }).problems;

const named = (fields: readonly { readonly name: string }[]): string[] => fields.map(({ name }) => name);

describe('a table', () => {
  test('has all defaults', () => {
    const { readValue, key, ...rest } = one({});
    expect(readValue(Buffer.from('{"orders":1,"cents":2,"x":3}'))).toEqual({ orders: 1, cents: 2 });
    expect(key).toEqual({
      name: 'sku',
      type: { kind: 'scalar', name: 'String' },
      nullable: false,
      description: undefined,
      serde: stringSerde,
      isText: true,
    });
    expect({ ...rest, fields: named(rest.fields) }).toEqual({
      name: 'totals',
      typeName: 'Totals',
      description: undefined,
      source: { kind: 'store', store: 'totals' },
      shape: { kind: 'key-value' },
      fields: ['orders', 'cents', 'name'],
      filterFields: [key],
      orderFields: [key],
      plainFields: [key, ...rest.fields],
      held: 'everywhere',
      maxRows: 200_000,
      served: true,
    });
  });

  test('is what its options say', () => {
    expect(one({ store: undefined, topic: 'prices' }).source).toEqual({ kind: 'topic', topic: 'prices' });
    expect(one({ window: { sizeMs: 60, retentionMs: 600 } }).shape).toEqual({
      kind: 'window',
      sizeMs: 60,
      advanceMs: 60,
      retentionMs: 600,
    });
    expect(one({ window: { sizeMs: 60, retentionMs: 600, advanceMs: 20 } }).shape).toHaveProperty('advanceMs', 20);
    expect(one({ session: {} }).shape).toEqual({ kind: 'session' });
    expect(one({ held: 'owner', maxRows: 5, served: false, type: 'Sums', description: ' Of all. ' })).toMatchObject({
      held: 'owner',
      maxRows: 5,
      served: false,
      typeName: 'Sums',
      description: 'Of all.',
    });
    expect(one({ value: Totals.describe('Sums.') }).description).toBe('Sums.');
  });

  test('orderBy implies filter, and both have the key; fields come as the value has them', () => {
    const { filterFields, orderFields, plainFields } = one({ orderBy: ['name', 'sku'], filter: ['cents', 'cents'] });
    expect(named(orderFields)).toEqual(['sku', 'name']);
    expect(named(filterFields)).toEqual(['sku', 'cents', 'name']);
    expect(named(plainFields)).toEqual(['sku', 'orders', 'cents', 'name']);
  });

  test('tables are in the order of declaration', () => {
    const { tables } = declared({ b: table(base), a: table({ ...base, type: 'Other' }) });
    expect(named(tables)).toEqual(['b', 'a']);
  });

  test('a declaration is frozen, and keeps what it was given', () => {
    const options = { ...base, maxRows: 7 };
    const declaration = table(options);
    options.maxRows = 8;
    expect(Object.isFrozen(declaration)).toBe(true);
    expect(declared({ totals: declaration }).tables[0]?.maxRows).toBe(7);
  });

  test('types of keys and rows are known', () => {
    const windows = table({ ...base, window: { sizeMs: 1, retentionMs: 1 }, orderBy: ['cents'] });
    type Row = NonNullable<(typeof windows)['types']>['row'];
    const row: Row = { sku: 'a', orders: 1, cents: 2, window: { start: 0, end: 1 } };
    const ids = table({
      topic: 'ids',
      key: { id: { type: z.int32(), serde: int32Serde } },
      value: z.object({ a: z.bigint() }),
    });
    type Ids = NonNullable<(typeof ids)['types']>;
    const id: Ids = { key: 1, row: { id: 2, a: 3n } };
    // @ts-expect-error a field that the value does not have
    table({ ...base, orderBy: ['cent'] });
    const plain = table(base);
    type Plain = NonNullable<(typeof plain)['types']>['row'];
    // @ts-expect-error a row without windows
    const windowOf = (it: Plain): unknown => it.window;
    expect(windowOf(row)).toEqual({ start: 0, end: 1 });
    expect([row, id]).toHaveLength(2);
  });
});

describe('keys', () => {
  const keyOf = (type: unknown): DeclaredTable['key'] => one({ key: { k: type } }).key;

  test.each<[string, unknown, unknown]>([
    ['text', z.string(), stringSerde],
    ['int32', z.int32(), int32Serde],
    ['bigint', z.bigint(), bigint64Serde],
    ['boolean', z.boolean(), booleanSerde],
    ['an enum', z.enum(['a', 'b']), stringSerde],
    ['a date', z.iso.date(), stringSerde],
    ['a UUID', z.uuid(), stringSerde],
  ])('%s has the serde that goes with it', (_what, type, serde) => {
    expect(keyOf(type).serde.format).toBe((serde as typeof stringSerde).format);
  });

  test('a serde of its own', () => {
    expect(keyOf({ type: z.int().min(0), serde: int64Serde }).serde.deserialize(int64Serde.serialize(7))).toBe(7);
    expect(keyOf({ type: z.number(), serde: float64Serde }).type).toEqual({ kind: 'scalar', name: 'Float' });
    expect(keyOf({ type: z.string() }).serde).toBe(stringSerde);
  });

  test('only text whose bytes are the text has a prefix', () => {
    expect(keyOf({ type: z.string(), serde: uuidSerde }).isText).toBe(true);
    expect(keyOf({ type: z.string(), serde: jsonSerde() }).isText).toBe(false);
    expect(keyOf(z.int32()).isText).toBe(false);
    expect(keyOf(z.enum(['a'])).isText).toBe(false);
  });

  test('keys that do not fit their type are refused when they are read', () => {
    const { serde } = keyOf(z.enum(['a', 'b']));
    expect(serde.deserialize(Buffer.from('a'))).toBe('a');
    expect(() => serde.deserialize(Buffer.from('c'))).toThrow(/none of the values/);
    expect(serde.serialize('a')).toEqual(Buffer.from('a'));
    const ofJson = keyOf({ type: z.string(), serde: jsonSerde() }).serde;
    expect(ofJson.deserialize(Buffer.from('"a"'))).toBe('a');
    expect(() => ofJson.deserialize(Buffer.from('7'))).toThrow('the value is no string');
    expect(keyOf(z.bigint()).serde.deserialize(bigint64Serde.serialize(9n))).toBe(9n);
  });

  test("the key's field wins over one of the value that says the same", () => {
    const { fields } = one({ value: Totals.extend({ sku: z.string().optional() }) });
    expect(named(fields)).toEqual(['orders', 'cents', 'name']);
    const state = z.enum(['a', 'b']);
    expect(named(one({ key: { state }, value: z.object({ n: z.int(), state }) }).fields)).toEqual(['n']);
    expect(named(one({ key: { id: z.int32() }, value: z.object({ id: z.int32() }) }).fields)).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ['none', undefined, /key is missing: it is one field and its type, such as \{ sku: z\.string\(\) \}/],
    ['a schema', z.string(), /key is one field and its type/],
    ['a name', 'sku', /key is one field .*not "sku"/],
    ['no field', {}, /key is one field .*has 0 fields/],
    ['two fields', { a: z.string(), b: z.string() }, /key is one field .*has 2 fields/],
    ['a field that is no name', { 'a-b': z.string() }, /key\.a-b is no GraphQL name/],
    ['a field that rows have', { freshness: z.string() }, /key\.freshness and the "freshness" that rows have/],
    ['a field that an argument is', { atLeast: z.string() }, /key\.atLeast and the argument "atLeast"/],
    ['a field that filters have', { not: z.string() }, /key\.not and the "not" of filters/],
    ['a number', { k: 3 }, /key\.k is no zod schema/],
    ['a schema of zod 3', { k: z3.string() }, /key\.k is a schema of zod 3/],
    [
      'a serde of a wrong name',
      { k: { type: z.string(), sedre: stringSerde } },
      /key\.k has no option "sedre".*"serde"/,
    ],
    ['a serde that is none', { k: { type: z.string(), serde: {} } }, /key\.k needs a serde/],
    ['may be null', { k: z.string().nullable() }, /key\.k can be null/],
    ['an object', { k: z.object({ a: z.string() }) }, /key\.k is a object|key\.k is an object/],
    ['anything', { k: z.record(z.string(), z.string()) }, /key\.k is JSON, and a key is one plain value/],
    ['a list', { k: z.array(z.string()) }, /key\.k is a list/],
    ['an instant', { k: z.iso.datetime() }, /key\.k is a DateTime, .*several texts/],
    ['a map', { k: z.map(z.string(), z.string()) }, /key\.k is a map/],
    ['an int without a serde', { k: z.int() }, /key\.k is SafeInt, .*give \{ type, serde \}/],
    ['a number without a serde', { k: z.number() }, /key\.k is Float, .*give/],
    ['text by int32', { k: { type: z.string(), serde: int32Serde } }, /key\.k is String, and its serde reads int32/],
    ['bigint by numbers', { k: { type: z.bigint(), serde: int64Serde } }, /key\.k is BigInt.*bigint64Serde/],
    ['int by bigints', { k: { type: z.int(), serde: bigint64Serde } }, /key\.k is SafeInt.*int64Serde/],
    ['int by text', { k: { type: z.int32(), serde: stringSerde } }, /key\.k is Int, and its serde reads utf8/],
  ])('%s is an error', (_what, key, words) => {
    const problems = problemsOf({ key });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^table "totals": key/);
    expect(problems[0]).toMatch(words);
  });

  test('windowed roots have more arguments', () => {
    expect(problemsOf({ key: { from: z.string() }, session: {} })).toEqual([
      `table "totals": key.from and the argument "from" of the table's roots have one name: give the key another one`,
    ]);
    expect(problemsOf({ key: { from: z.string() } })).toEqual([]);
  });
});

describe('what is wrong is said, with table and option', () => {
  test.each<[string, object, RegExp]>([
    ['an unknown option', { stor: 'a' }, /^table "totals" has no option "stor": did you mean "store"\?$/],
    ['neither store nor topic', { store: undefined }, /store is missing: give store or topic/],
    ['both', { topic: 'a' }, /store, topic are both given/],
    ['a store that is no name', { store: 3 }, /store is a name, not 3/],
    ['an empty topic', { store: undefined, topic: '' }, /topic is a name, not ""/],
    ['no value', { value: undefined }, /value is missing/],
    ['a value that is no schema', { value: {} }, /value is no zod schema/],
    ['a value of zod 3', { value: z3.object({}) }, /value is a schema of zod 3/],
    ['a value that is a number', { value: z.number() }, /value is number, and must be an object/],
    ['a field without a type', { value: z.object({ at: z.object({ d: z.date() }) }) }, /: at\.d is a date/],
    ['a serde that is none', { serde: 'json' }, /serde is a serde, .*not "json"/],
    ['windows and sessions', { window: { sizeMs: 1, retentionMs: 1 }, session: {} }, /window, session are both given/],
    ['windows that are no object', { window: 3 }, /window is \{ sizeMs, retentionMs \}, not 3/],
    [
      'an unknown window option',
      { window: { sizeMs: 1, retentionMs: 1, graceMs: 1 } },
      /window has no option "graceMs"/,
    ],
    ['windows without a size', { window: { retentionMs: 1 } }, /window\.sizeMs is a whole number .*not undefined/],
    ['windows of half a millisecond', { window: { sizeMs: 0.5, retentionMs: 1 } }, /window\.sizeMs .*not 0\.5/],
    ['windows without retention', { window: { sizeMs: 1 } }, /window\.retentionMs .*not undefined/],
    [
      'a window that is never begun',
      { window: { sizeMs: 1, retentionMs: 1, advanceMs: 0 } },
      /window\.advanceMs .*not 0/,
    ],
    [
      'gaps',
      { window: { sizeMs: 1, retentionMs: 9, advanceMs: 2 } },
      /window\.advanceMs is at most sizeMs, 1, and is 2/,
    ],
    ['a session with options', { session: { gapMs: 1 } }, /session has no option "gapMs": there is none/],
    ['a session that is true', { session: true }, /session is \{\}, not true/],
    ['windows of a topic', { store: undefined, topic: 'a', session: {} }, /session goes with store/],
    ['held by nobody', { held: 'nowhere' }, /held is "everywhere" or "owner", not "nowhere"/],
    ['no rows', { maxRows: 0 }, /maxRows is a whole number, 1 or more, not 0/],
    ['rows that are text', { maxRows: '5' }, /maxRows .*not "5"/],
    ['served: yes', { served: 'yes' }, /served is true or false, not "yes"/],
    ['a description that is a number', { description: 1 }, /description is text, not 1/],
    ['a type that is no name', { type: 'My Type' }, /type "My Type" is no GraphQL name/],
    ['a type that is a number', { type: 1 }, /type is the name of a GraphQL type, not 1/],
    ['orderBy that is text', { orderBy: 'cents' }, /orderBy is a list of fields, not "cents"/],
    [
      'orderBy an unknown field',
      { orderBy: ['cent'] },
      /orderBy has "cent", which is no field: did you mean "cents"\?/,
    ],
    ['filter by a number', { filter: [3] }, /filter has 3, which is no field/],
    [
      'filter by a list',
      { value: z.object({ tags: z.array(z.string()) }), filter: ['tags'] },
      /filter has "tags", which is a list: only fields of one plain value/,
    ],
    [
      'order by JSON',
      { value: z.object({ more: z.unknown() }), orderBy: ['more'] },
      /orderBy has "more", which is JSON/,
    ],
    ['filter by a word', { value: z.object({ or: z.string() }), filter: ['or'] }, /filter has the field "or"/],
    [
      'orders of one name',
      { value: z.object({ aB: z.string(), ab: z.string() }), orderBy: ['aB', 'ab'] },
      /orderBy has "aB" and "ab", which are both AB/,
    ],
    ['a value with id', { value: z.object({ id: z.string() }) }, /value\.id and the "id" that rows have/],
    ['a value with window', { value: z.object({ window: z.string() }) }, /value\.window and the "window"/],
    ['a value with freshness', { value: z.object({ freshness: z.string() }) }, /value\.freshness and the "freshness"/],
    [
      "the key's name with another type",
      { value: z.object({ sku: z.int() }) },
      /value\.sku is SafeInt, and key\.sku is String/,
    ],
    [
      'key beside a key of the name id',
      { key: { id: z.string() }, value: z.object({ key: z.string() }) },
      /value\.key and the field of that name, which holds key\.id/,
    ],
  ])('%s', (_what, options, words) => {
    const problems = problemsOf(options);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^table "totals"(:| has)/);
    expect(problems[0]).toMatch(words);
  });

  test('all at once, over all tables', () => {
    const { problems, tables } = declared({
      a: any({ ...base, maxRows: 0, held: 1, orderBy: ['x'] }),
      b: table({ ...base, type: 'Fine' }),
      c: any(undefined),
      d: base,
      'e-f': table({ ...base, type: 'Ef' }),
      __g: table({ ...base, type: 'Gg' }),
    });
    expect(problems).toEqual([
      'table "a": held is "everywhere" or "owner", not 1',
      'table "a": maxRows is a whole number, 1 or more, not 0',
      'table "a": orderBy has "x", which is no field: there is "sku", "orders", "cents", "name"',
      'table "c": table() takes an object with options, not undefined',
      'table "d" is made with table({ … }), not an object',
      'table "e-f" is no GraphQL name: letters, digits and _, and no digit first',
      'table "__g" begins with __, which GraphQL keeps for itself',
    ]);
    expect(named(tables)).toEqual(['b']);
  });

  test('tables that are none', () => {
    expect(declared([]).problems).toEqual(['tables is an object of tables by their names, not a list']);
    expect(declared(undefined).problems).toHaveLength(1);
    expect(declared({})).toEqual({ tables: [], problems: [] });
  });

  test('a table that is not served may have fields of any name, and no name is taken by it', () => {
    const value = z.object({ id: z.string(), freshness: z.string(), window: z.string() });
    const { problems } = declared({
      a: table({ ...base, value, served: false }),
      node: table({ ...base, type: 'Query', served: false }),
      b: table({ ...base, value, served: false, session: {} }),
    });
    expect(problems).toEqual([
      'table "b": value.window and the "window" that rows have of their own have one name: give it another one',
    ]);
  });
});

describe('names are of one thing each', () => {
  const named_ = (id: string): z.ZodObject => z.object({ a: z.string() }).meta({ id });

  test.each<[string, Record<string, TableDeclaration>, string]>([
    [
      'roots of two tables',
      { a: table(base), aPage: table(base) },
      'table "aPage" makes the root "aPage", which table "a" has: name the table otherwise',
    ],
    [
      'a root of every API',
      { node: table({ ...base, type: 'Own' }) },
      'table "node" makes the root "node", which every API has',
    ],
    [
      'types of two tables',
      { a: table(base), A: table(base) },
      'table "A" makes the type "A", which table "a" has: name one by the option type, or by .meta({ id })',
    ],
    ['a type of every API', { date: table(base) }, 'table "date" makes the type "Date", which every API has'],
    [
      'a filter of every API',
      { a: table({ ...base, type: 'Count' }) },
      'makes the type "CountFilter", which every API has',
    ],
    [
      'a type that is made for a table',
      { a: table(base), b: table({ ...base, value: z.object({ x: named_('AEdge') }) }) },
      'x of table "b" makes the type "AEdge", which table "a" has',
    ],
    [
      'two types that are named by their place',
      {
        a: table({ ...base, value: z.object({ bC: z.object({ x: z.int() }) }) }),
        aB: table({ ...base, value: z.object({ c: z.array(z.enum(['x'])) }) }),
      },
      'c[] of table "aB" makes the type "ABC", which bC of table "a" has',
    ],
    [
      'the filter of an enum',
      {
        a: table({
          ...base,
          value: z.object({ s: z.enum(['x']).meta({ id: 'S' }), t: named_('SFilter') }),
          filter: ['s'],
        }),
      },
      'the filter of s of table "a" makes the type "SFilter", which t of table "a" has',
    ],
  ])('%s', (_what, tables, words) => {
    const { problems } = declared(tables);
    expect(problems.join('\n')).toContain(words);
  });

  test('a type with an id is one thing in all tables', () => {
    const value = z.object({ x: named_('Shared'), s: z.enum(['a']).meta({ id: 'Status' }) });
    expect(
      declared({ a: table({ ...base, value, filter: ['s'] }), b: table({ ...base, value, filter: ['s'] }) }).problems,
    ).toEqual([]);
  });

  test('one id on schemas of two tables is an error', () => {
    expect(
      declared({
        a: table({ ...base, value: z.object({ x: named_('Shared') }) }),
        b: table({ ...base, value: z.object({ y: named_('Shared') }) }),
      }).problems,
    ).toEqual(['table "b": y has the id "Shared", which another schema has, x of table "a": give each its own']);
  });
});
