import type { PlainField } from '../types/type-model.ts';
import type { DeclaredTable } from './declared-table.ts';
import { keyTextOf } from './key-range.ts';
import { type Row, type RowName, rowName } from './row.ts';

/**
 * The global id of a row: the name of its type, its window where it has one, and its key, which may hold anything:
 * `SkuTotals:a:1`, `CountryHours:1767225600000:DE`.
 */
export function rowId({ typeName, shape }: DeclaredTable, { key, startMs, endMs }: Row): string {
  const text = keyIdText(key);
  if (shape.kind === 'key-value') return `${typeName}:${text}`;
  return shape.kind === 'window' ? `${typeName}:${startMs}:${text}` : `${typeName}:${startMs}:${endMs}:${text}`;
}

/** Two zeros have two bytes, and are two keys. */
function keyIdText(key: unknown): string {
  return Object.is(key, -0) ? '-0' : String(key);
}

const PARTS = {
  'key-value': /^()()(.*)$/s,
  window: /^(\d{1,16}):()(.*)$/s,
  session: /^(\d{1,16}):(\d{1,16}):(.*)$/s,
} as const;

/** The table and the row that an id names; null for what is no id of these tables. The row may not exist. */
export function rowOfId(
  id: string,
  tables: readonly DeclaredTable[],
): { readonly table: DeclaredTable; readonly name: RowName } | null {
  const typeName = id.slice(0, id.indexOf(':'));
  const table = tables.find((one) => one.typeName === typeName);
  const parts = table === undefined ? null : PARTS[table.shape.kind].exec(id.slice(typeName.length + 1));
  if (table === undefined || parts === null) return null;
  const [, startText = '', endText = '', keyText = ''] = parts;
  const key = keyOfText(table.key, keyText);
  if (key === null) return null;
  const startMs = Number(startText);
  const endMs = table.shape.kind === 'window' ? startMs + table.shape.sizeMs : Number(endText);
  try {
    return { table, name: rowName(table.shape.kind, keyTextOf(table.key, key), startMs, endMs) };
  } catch {
    return null;
  }
}

/** The key that `keyIdText` has made this text of; null for text that is none. */
function keyOfText({ type }: PlainField, text: string): unknown {
  if (type.kind === 'enum') return type.values.includes(text) ? text : null;
  switch (type.name) {
    case 'Int':
    case 'Count':
    case 'SafeInt':
    case 'Float': {
      const number = Number(text);
      return text.trim() === '' || Number.isNaN(number) ? null : number;
    }
    case 'BigInt':
      return /^-?\d+$/.test(text) ? BigInt(text) : null;
    case 'Boolean':
      return text === 'true' ? true : text === 'false' ? false : null;
    default:
      return text;
  }
}
