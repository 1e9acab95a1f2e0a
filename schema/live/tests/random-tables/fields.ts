import fc from 'fast-check';
import { z } from 'zod';

/** What a value is compared by: null where there is none. */
export type Sort = string | number | bigint | boolean | null;

/** How a field of one plain value is compared, and with what. */
export interface PlainKind {
  /** Of a value as it was written. */
  readonly sort: (written: unknown) => Sort;
  /** Of a value as a client gives it. */
  readonly sortGiven: (given: unknown) => Sort;
  /** What clients compare it with, as JSON. */
  readonly given: fc.Arbitrary<unknown>;
  readonly operators: readonly string[];
}

/** A type of fields: how it is declared, what is written, and what clients see of that. */
export interface FieldKind {
  readonly schema: z.ZodType;
  /** Of a GraphQL operation, behind the field's name. */
  readonly selection: string;
  /** Undefined: the field is left out. */
  readonly written: fc.Arbitrary<unknown>;
  readonly shown: (written: unknown) => unknown;
  /** Null for what cannot be filtered and ordered by. */
  readonly plain: PlainKind | null;
}

const EQUAL = ['eq', 'in'];
const NUMBERS = [...EQUAL, 'lt', 'lte', 'gt', 'gte', 'isNull'];
export const TEXTS = [...NUMBERS, 'prefix', 'contains'];
const ENUMS = [...EQUAL, 'isNull'];
const BOOLEANS = ['eq', 'isNull'];

const asItIs = (value: unknown): unknown => value ?? null;

function leaf(
  schema: z.ZodType,
  written: readonly unknown[],
  operators: readonly string[],
  sort: (value: unknown) => Sort = (value) => (value ?? null) as Sort,
  shown: (value: unknown) => unknown = asItIs,
): FieldKind {
  const one = fc.constantFrom(...written);
  const plain = { sort, sortGiven: sort, given: one.map(shown), operators };
  return { schema, selection: '', written: one, shown, plain };
}

const instantOf = (text: unknown): Sort => (text == null ? null : Date.parse(String(text)));
const bigintOf = (value: unknown): Sort => (value == null ? null : BigInt(value as string | number));

/** Of one plain value. */
const LEAVES: Readonly<Record<string, () => FieldKind>> = {
  text: () => leaf(z.string(), ['', 'a', 'ab', 'b', 'ä', 'Ä', '\0', '"\n', '𝄞', '\uFFEE', '__proto__', '10'], TEXTS),
  int: () => leaf(z.int32(), [-(2 ** 31), -2, -1, 0, 1, 2, 2 ** 31 - 1], NUMBERS),
  count: () => leaf(z.int().min(0), [0, 1, 2, 3, Number.MAX_SAFE_INTEGER], NUMBERS),
  safe: () => leaf(z.int(), [Number.MIN_SAFE_INTEGER, -1, 0, 1, 2, Number.MAX_SAFE_INTEGER], NUMBERS),
  float: () => leaf(z.number(), [-1.5, 0, 0.25, 0.5, 1, 2, 1e300], NUMBERS),
  bigint: () =>
    leaf(
      z.bigint(),
      [-3, 0, 5, '5', '7', '-12345678901234567890', '12345678901234567890'],
      NUMBERS,
      bigintOf,
      (value) => (value == null ? null : String(BigInt(value as string | number))),
    ),
  boolean: () => leaf(z.boolean(), [true, false], BOOLEANS),
  enum: () => leaf(z.enum(['B', 'a', 'C_1']), ['B', 'a', 'C_1'], ENUMS),
  instant: () =>
    leaf(
      z.iso.datetime({ offset: true }),
      [
        '2026-01-01T00:00:00Z',
        '2026-01-01T01:00:00+01:00',
        '2026-01-01T00:00:00.123Z',
        '2025-12-31T23:30:00.5-01:30',
        '1969-12-31T23:59:59.999Z',
      ],
      NUMBERS,
      instantOf,
      (value) => (value == null ? null : new Date(String(value)).toISOString()),
    ),
  day: () => leaf(z.iso.date(), ['2026-01-31', '2024-02-29', '0099-01-01'], NUMBERS),
};

const anyLeaf: fc.Arbitrary<FieldKind> = fc.constantFrom(...Object.values(LEAVES)).map((make) => make());

/** Around a type of fields: what may be left out or null, or has a default. */
function wrapped(kind: FieldKind, how: string): FieldKind {
  const { schema, written } = kind;
  const shown = (value: unknown): unknown => (value == null ? null : kind.shown(value));
  switch (how) {
    case 'optional':
      return { ...kind, schema: schema.optional(), written: fc.option(written, { nil: undefined, freq: 2 }), shown };
    case 'nullable':
      return { ...kind, schema: schema.nullable(), written: fc.option(written, { freq: 2 }), shown };
    case 'nullish':
      return { ...kind, schema: schema.nullish(), written: fc.oneof(written, fc.constantFrom(null, undefined)), shown };
    case 'readonly':
      return { ...kind, schema: schema.readonly().describe('It is not changed.') };
    default:
      return kind;
  }
}

const anyWrap = fc.constantFrom('none', 'none', 'optional', 'nullable', 'nullish', 'readonly');

/** A plain field, such as can be listed in `filter` and `orderBy`. */
export const anyPlainField: fc.Arbitrary<FieldKind> = fc
  .tuple(anyLeaf, anyWrap)
  .map(([kind, how]) => wrapped(kind, how));

function objectOf(parts: readonly FieldKind[], prefix: string): FieldKind {
  const named = parts.map((kind, at) => [`${prefix}${at}`, kind] as const);
  return {
    schema: z.object(Object.fromEntries(named.map(([name, { schema }]) => [name, schema]))),
    selection: `{ ${named.map(([name, { selection }]) => `${name} ${selection}`).join(' ')} }`,
    written: fc.record(Object.fromEntries(named.map(([name, { written }]) => [name, written]))),
    shown: (value) =>
      Object.fromEntries(named.map(([name, { shown }]) => [name, shown((value as Record<string, unknown>)[name])])),
    plain: null,
  };
}

function listOf(item: FieldKind, nullableItems: boolean): FieldKind {
  const one = nullableItems ? wrapped(item, 'nullable') : item;
  return {
    schema: z.array(one.schema),
    selection: item.selection,
    // JSON has no absent items.
    written: fc.array(one.written, { maxLength: 3 }).map((all) => all.filter((part) => part !== undefined)),
    shown: (value) => (value as readonly unknown[]).map((part) => one.shown(part)),
    plain: null,
  };
}

/** Its members have ids, so that an operation can name their types; `unique` is in no other one. */
function unionOf(members: readonly FieldKind[], unique: string): FieldKind {
  const named = members.map((kind, at) => ({ tag: `t${at}`, type: `${unique}M${at}`, name: `m${at}`, kind }));
  return {
    schema: z.discriminatedUnion(
      'tag',
      named.map(({ tag, type, name, kind }) =>
        z.object({ tag: z.literal(tag), [name]: kind.schema }).meta({ id: type }),
      ) as never,
    ),
    selection: `{ ${named.map(({ type, name, kind }) => `... on ${type} { ${name} ${kind.selection} }`).join(' ')} }`,
    written: fc.oneof(...named.map(({ tag, name, kind }) => kind.written.map((part) => ({ tag, [name]: part })))),
    shown: (value) => {
      const written = value as Readonly<Record<string, unknown>>;
      const member = named.find(({ tag }) => tag === written['tag']);
      return member === undefined ? null : { [member.name]: member.kind.shown(written[member.name]) };
    },
    plain: null,
  };
}

const json: FieldKind = {
  schema: z.unknown(),
  selection: '',
  written: fc.constantFrom(null, 1, 'text', [1, [null]], { a: { b: [] } }),
  shown: asItIs,
  plain: null,
};

const record: FieldKind = {
  schema: z.record(z.string(), z.int()),
  selection: '',
  written: fc.constantFrom({}, { a: 1 }, { 'b c': -1, '': 2 }),
  shown: asItIs,
  plain: null,
};

/** `unique`: letters that no other field of the table has. */
function anyComposite(unique: string, depth: number): fc.Arbitrary<FieldKind> {
  const part = depth === 0 ? anyPlainField : fc.oneof(anyPlainField, anyComposite(`${unique}X`, depth - 1));
  const other = depth === 0 ? anyPlainField : fc.oneof(anyPlainField, anyComposite(`${unique}Y`, depth - 1));
  return fc.oneof(
    fc.tuple(part, other).map((parts) => objectOf(parts, 'p')),
    fc.tuple(part, fc.boolean()).map(([item, nullable]) => listOf(item, nullable)),
    fc.tuple(part, other).map((members) => unionOf(members, unique)),
    fc.constantFrom(json, record),
  );
}

/** A field of any type, of objects within objects among them. */
export function anyField(unique: string): fc.Arbitrary<FieldKind> {
  return fc.tuple(anyComposite(unique, 1), anyWrap).map(([kind, how]) => wrapped(kind, how));
}
