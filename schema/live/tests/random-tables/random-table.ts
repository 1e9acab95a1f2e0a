import fc from 'fast-check';
import { z } from 'zod';

import { table, type TableDeclaration } from '../../tables/table.ts';
import { anyField, anyPlainField, type FieldKind, type PlainKind } from './fields.ts';
import { KEY_KINDS, type KeyKind } from './keys.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

type Layout =
  | { readonly kind: 'topic' | 'store' | 'versioned' | 'session' }
  | { readonly kind: 'window'; readonly sizeMs: number; readonly advanceMs: number; readonly retentionMs: number };

interface NamedField extends FieldKind {
  readonly name: string;
}

/** A field that can be compared; the key is one. */
export interface ComparedField extends PlainKind {
  readonly name: string;
}

/** A table as an application might declare it. */
export interface RandomTable {
  readonly layout: Layout;
  readonly keyName: string;
  readonly key: KeyKind;
  readonly fields: readonly NamedField[];
  /** Names of fields beside the key. */
  readonly orderBy: readonly string[];
  readonly filter: readonly string[];
}

const FIELD_NAMES = ['cents', 'note', 'Amount_2', 'first', 'keys', 'cursor', '_x', 'rows', 'z9', 'tags'];
const KEY_NAMES = ['sku', 'id', 'k_1'];

const layout: fc.Arbitrary<Layout> = fc.oneof(
  fc.constantFrom<Layout>({ kind: 'topic' }, { kind: 'store' }, { kind: 'versioned' }, { kind: 'session' }),
  fc.record({
    kind: fc.constant('window' as const),
    sizeMs: fc.constant(HOUR_MS),
    advanceMs: fc.constantFrom(HOUR_MS, HOUR_MS, 20 * MINUTE_MS),
    retentionMs: fc.constantFrom(HOUR_MS, 3 * HOUR_MS),
  }),
);

export const anyTable: fc.Arbitrary<RandomTable> = fc
  .record({
    layout,
    keyName: fc.constantFrom(...KEY_NAMES),
    key: fc.constantFrom(...KEY_KINDS),
    plain: fc.array(anyPlainField, { minLength: 1, maxLength: 4 }),
    others: fc.tuple(anyField('UnionA'), anyField('UnionB')),
    otherCount: fc.integer({ min: 0, max: 2 }),
    names: fc.shuffledSubarray(FIELD_NAMES, { minLength: 6 }),
    isOrdered: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    isFiltered: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  })
  .map(({ plain, others, otherCount, names, isOrdered, isFiltered, ...table_ }) => {
    const kinds = [...plain, ...others.slice(0, otherCount)];
    const fields = kinds.map((kind, at) => ({ ...kind, name: names[at] ?? '' }));
    const listed = (which: readonly boolean[]): string[] =>
      fields.filter(({ plain: one }, at) => one !== null && which[at] === true).map(({ name }) => name);
    return { ...table_, fields, orderBy: listed(isOrdered), filter: listed(isFiltered) };
  });

/** Where its records are. */
export function topicOf({ layout: { kind } }: RandomTable): string {
  return kind === 'topic' ? 'things' : 'app-things-changelog';
}

export function declarationOf({ layout: shape, keyName, key, fields, orderBy, filter }: RandomTable): TableDeclaration {
  return table({
    ...(shape.kind === 'topic' ? { topic: 'things' } : { store: 'things' }),
    ...(shape.kind === 'session' ? { session: {} } : {}),
    ...(shape.kind === 'window'
      ? { window: { sizeMs: shape.sizeMs, advanceMs: shape.advanceMs, retentionMs: shape.retentionMs } }
      : {}),
    key: { [keyName]: key.type },
    value: z.object(Object.fromEntries(fields.map(({ name, schema }) => [name, schema]))),
    orderBy,
    filter,
  } as never);
}

/** The field of a row that holds its key. */
export function keyField({ keyName }: RandomTable): string {
  return keyName === 'id' ? 'key' : keyName;
}

export function keyType({ keyName, key }: RandomTable): string {
  return key.typeName ?? `Things${keyName.charAt(0).toUpperCase()}${keyName.slice(1)}`;
}

export function rangeType(given: RandomTable): string {
  return given.key.hasPrefix ? 'KeyRange' : `${keyType(given)}KeyRange`;
}

export function isWindowed({ layout: { kind } }: RandomTable): boolean {
  return kind === 'window' || kind === 'session';
}

/** All that a client can ask of a row. */
export function rowSelection(given: RandomTable): string {
  const fields = given.fields.map(({ name, selection }) => `${name} ${selection}`);
  return ['id', keyField(given), ...fields, isWindowed(given) ? 'window { start end }' : ''].join(' ');
}

/** The key, and the fields that can be compared. */
export function comparedFields(given: RandomTable, names: readonly string[]): readonly ComparedField[] {
  const { key, keyName, fields } = given;
  const sortGiven = (shown: unknown) => key.keys.find((one) => one.shown === shown)?.sort ?? null;
  return [
    {
      name: keyName,
      sort: () => null,
      sortGiven,
      given: fc.constantFrom(...key.keys.map(({ shown }) => shown)),
      operators: key.operators,
    },
    ...fields.flatMap(({ name, plain }) => (plain !== null && names.includes(name) ? [{ ...plain, name }] : [])),
  ];
}

/** A failed run, without the generators that are part of a table. */
export function describeRun(given: RandomTable, run: object): string {
  const { layout: shape, keyName, key, fields, orderBy, filter } = given;
  const types = fields.map(({ name, schema }) => `${name}: ${schema.type}`);
  const declared = { ...shape, key: `${keyName}: ${key.kind}`, types, orderBy, filter };
  return `${JSON.stringify(declared)}\n${JSON.stringify(run, readable)}`;
}

function readable(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  const isBuffer = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
  return isBuffer && 'data' in value ? Buffer.from(value.data as number[]).toString('latin1') : value;
}
