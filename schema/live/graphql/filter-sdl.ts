import type { DeclaredTable } from '../tables/declared-table.ts';
import { filterName, keyRangeName } from '../types/generated-names.ts';
import type { EnumType, ScalarName, ScalarType } from '../types/type-model.ts';
import { sdlBlock, sdlPart, type SdlPart } from './sdl-text.ts';

/** The inputs that filter by one value: one for each scalar and enum that a table can be filtered by. */
export function fieldFilters(tables: readonly DeclaredTable[]): string[] {
  const types = tables.flatMap(({ filterFields }) => filterFields.map(({ type }) => type));
  return once(types, (type) =>
    sdlBlock(
      `What a field is compared with. Given together, all must hold; only \`isNull\` holds for null.`,
      `input ${filterName(type.name)}`,
      comparisons(type),
    ),
  );
}

/** The inputs for ranges of keys. */
export function keyRanges(tables: readonly DeclaredTable[]): string[] {
  return [
    ...new Set(
      tables.map((table) => {
        const { type } = table.key;
        return sdlBlock('A range of keys, in the order of their bytes.', `input ${keyRangeType(table)}`, [
          ...(table.key.isText ? [sdlPart('prefix', 'String', 'Keys that begin with this text.')] : []),
          sdlPart('from', type.name, 'The first key; it is in the range.'),
          sdlPart('to', type.name, 'The last key; it is in the range.'),
        ]);
      }),
    ),
  ];
}

export function keyRangeType({ key }: DeclaredTable): string {
  return key.isText ? 'KeyRange' : keyRangeName(key.type.name);
}

const WORDS = {
  eq: 'The same.',
  in: 'One of these.',
  prefix: 'Begins with this text.',
  contains: 'Has this text in it.',
  lt: 'Less than this.',
  lte: 'This or less.',
  gt: 'More than this.',
  gte: 'This or more.',
  isNull: 'Whether there is no value.',
} as const;

type Comparison = keyof typeof WORDS;

const EQUAL: readonly Comparison[] = ['eq', 'in'];
const OF_NUMBERS: readonly Comparison[] = [...EQUAL, 'lt', 'lte', 'gt', 'gte', 'isNull'];
const OF_TEXT: readonly Comparison[] = [...EQUAL, 'prefix', 'contains', 'gt', 'gte', 'lt', 'lte', 'isNull'];

function comparisonsOf(type: ScalarType | EnumType): readonly Comparison[] {
  if (type.kind === 'enum') return [...EQUAL, 'isNull'];
  const special: Partial<Record<ScalarName, readonly Comparison[]>> = { String: OF_TEXT, Boolean: ['eq', 'isNull'] };
  return special[type.name] ?? OF_NUMBERS;
}

function comparisons(type: ScalarType | EnumType): readonly SdlPart[] {
  return comparisonsOf(type).map((name) => {
    const of = name === 'isNull' ? 'Boolean' : name === 'in' ? `[${type.name}!]` : type.name;
    return sdlPart(name, of, WORDS[name]);
  });
}

function once<T extends { readonly name: string }>(types: readonly T[], make: (type: T) => string): string[] {
  return [...new Map(types.map((type) => [type.name, type])).values()].map(make);
}
