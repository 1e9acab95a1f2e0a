import type { TableShape } from './declared-table.ts';

/** Tells a row apart from all others of its table: its key, and its window where it has one. */
export type RowName = string;

/** By what rows are ordered: plain data, comparable by `<`; null where there is none. */
export type SortValue = string | number | bigint | boolean | null;

/** Where a row stands in an order, without the row: a page goes on after such a place. */
export interface RowPlace {
  /** The bytes of the key as latin1, whose order is theirs. */
  readonly keyText: string;
  /** Of windows and sessions, epoch milliseconds; 0 for rows without. */
  readonly startMs: number;
  /** As `startMs`; the end of a window is exclusive, of a session inclusive. */
  readonly endMs: number;
  /** Of a row all fields of its value; of a place the one that it is ordered by, where there is one. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** Of a place in an order by keys or by time. */
export const NO_VALUE: RowPlace['value'] = Object.freeze({});

/** Starts of windows from `fromMs` to before `toMs`, epoch milliseconds. */
export interface StartRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One row as it was written. A change makes another object: who holds a row holds the state that it was of. */
export interface Row extends RowPlace {
  readonly name: RowName;
  readonly key: unknown;
  readonly partition: number;
  readonly offset: number;
  /** The record's Kafka timestamp. */
  readonly timestampMs: number;
  /** Of key and value as they are in the topic. */
  readonly bytes: number;
}

export function rowName(kind: TableShape['kind'], keyText: string, startMs: number, endMs: number): RowName {
  if (kind === 'key-value') return keyText;
  return kind === 'window' ? `${startMs}:${keyText}` : `${startMs}:${endMs}:${keyText}`;
}

/** What a row's name says of it. */
export function placeOfName(kind: TableShape['kind'], name: RowName): Omit<RowPlace, 'value'> {
  if (kind === 'key-value') return { keyText: name, startMs: 0, endMs: 0 };
  const first = name.indexOf(':');
  const startMs = Number(name.slice(0, first));
  if (kind === 'window') return { keyText: name.slice(first + 1), startMs, endMs: 0 };
  const second = name.indexOf(':', first + 1);
  return { keyText: name.slice(second + 1), startMs, endMs: Number(name.slice(first + 1, second)) };
}
