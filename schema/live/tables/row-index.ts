import sortedBtree from 'sorted-btree';

import type { PlainField } from '../types/type-model.ts';
import type { Row, RowPlace, SortValue } from './row.ts';
import { sortValueOf } from './sort-values.ts';

export type RowOrderFunction<Place = RowPlace> = (a: Place, b: Place) => number;

/** Rows in one order. A copy costs nothing until either changes. */
export class RowIndex<Place = RowPlace> {
  /** Below 0 where the first comes first. */
  readonly compare: RowOrderFunction<Place>;
  #tree: InstanceType<typeof sortedBtree.default<Place, undefined>>;

  constructor(compare: RowOrderFunction<Place>) {
    this.compare = compare;
    this.#tree = new sortedBtree.default<Place, undefined>(undefined, compare, MOST_IN_A_NODE);
  }

  get size(): number {
    return this.#tree.size;
  }

  add(row: Row & Place): void {
    // The key is written also where an equal one is there: an index holds the newest object of a row.
    this.#tree.set(row, undefined, true);
  }

  delete(row: Row & Place): void {
    this.#tree.delete(row);
  }

  clear(): void {
    this.#tree.clear();
  }

  /**
   * Visits rows in order, from the first on or from the first that is not before `from`, until `visit` returns false.
   */
  walk(from: Place | undefined, visit: (row: Row & Place) => boolean): void {
    const last = this.#tree.maxKey();
    const first = from ?? this.#tree.minKey();
    if (last === undefined || first === undefined) return;
    this.#tree.forRange(first, last, true, ((row: Place) => (visit(row as Row & Place) ? undefined : STOP)) as Visit);
  }

  /** The last row that is not after `from`. */
  lastUntil(from: Place): (Row & Place) | undefined {
    return this.#tree.getPairOrNextLower(from)?.[0] as (Row & Place) | undefined;
  }

  /** The last row. */
  last(): Row | undefined {
    return this.#tree.maxKey() as (Place & Row) | undefined;
  }

  /** These rows as they are now, whatever changes later. */
  copy(): RowIndex<Place> {
    const copy = new RowIndex<Place>(this.compare);
    copy.#tree = this.#tree.clone();
    return copy;
  }
}

const MOST_IN_A_NODE = 64;
const STOP = Object.freeze({ break: true });
/** The library calls it so, and its types do not say that it may end the walk. */
type Visit = (row: unknown) => void;

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of keys: by their bytes; rows of one key by start, then end. */
export function byKey(a: RowPlace, b: RowPlace): number {
  return compareTexts(a.keyText, b.keyText) || a.startMs - b.startMs || a.endMs - b.endMs;
}

/** By start, then key. */
export function byStart(a: RowPlace, b: RowPlace): number {
  return a.startMs - b.startMs || compareTexts(a.keyText, b.keyText) || a.endMs - b.endMs;
}

/** What ends last comes first; then what starts last; then by key. */
export function newestFirst(a: RowPlace, b: RowPlace): number {
  return b.endMs - a.endMs || b.startMs - a.startMs || compareTexts(a.keyText, b.keyText);
}

/** The largest key first; rows of one key by start. */
export function byKeyDescending(a: RowPlace, b: RowPlace): number {
  return compareTexts(b.keyText, a.keyText) || a.startMs - b.startMs || a.endMs - b.endMs;
}

/** In the order in which one partition has them. */
export function byOffset(a: Pick<Row, 'offset'>, b: Pick<Row, 'offset'>): number {
  return a.offset - b.offset;
}

/** By the value of a field, in either direction; rows without one come last, ties go by key. */
export function byField(field: PlainField, direction: 'ASC' | 'DESC'): RowOrderFunction {
  const { name } = field;
  const sign = direction === 'ASC' ? 1 : -1;
  return (a, b) => {
    const left = a.value[name];
    const right = b.value[name];
    if (left === right) return byKey(a, b);
    // The common case, some twenty times for each row that comes.
    if (typeof left === 'number' && typeof right === 'number') return left < right ? -sign : sign;
    return compareValues(sortValueOf(field, left), sortValueOf(field, right), sign) || byKey(a, b);
  };
}

function compareValues(left: SortValue, right: SortValue, sign: number): number {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return left < right ? -sign : left > right ? sign : 0;
}
