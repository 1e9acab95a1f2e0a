import { copied, GONE, NONE, type DuplicateRows } from './duplicate-rows.ts';
import { KeyTable } from './key-table.ts';
import type { StoreKeys } from './store-keys.ts';

const LEAST_KEYS = 16;
const LEAST_PLACES = 64;
/** Of the powers of two that are lengths of pieces. */
const LENGTHS = 32;

/**
 * The rows of each key by start, then as they were put. A key is a number, and its rows lie in a piece of one array
 * that all keys share: its length is a power of two, and it goes to the next key that needs one as long.
 */
export class RowsOfKeys {
  readonly #rows: DuplicateRows;
  readonly keys: KeyTable;
  /** The keys in the order of their bytes; undefined: to be sorted. */
  #sorted: readonly number[] | undefined;
  #places = new Int32Array(LEAST_PLACES);
  #usedPlaces = 0;
  /** The first free piece of each length, in which the place of the next one stands. */
  readonly #freePieces = new Int32Array(LENGTHS).fill(NONE);
  /** Of each key: where its piece begins, the power of two that is its length, its first row, and how many it has. */
  #piece = new Int32Array(LEAST_KEYS);
  #power = new Uint8Array(LEAST_KEYS);
  #first = new Int32Array(LEAST_KEYS);
  #count = new Int32Array(LEAST_KEYS);

  constructor(rows: DuplicateRows, keys: Pick<StoreKeys<never>, 'isText' | 'bytesOf' | 'textOf'>) {
    this.#rows = rows;
    this.keys = new KeyTable(keys);
  }

  /** NONE: it has no rows. */
  find(id: string): number {
    return this.keys.find(id);
  }

  /** The same, for a row that comes: `add` is called next. */
  findOrMake(id: string): number {
    const key = this.keys.find(id);
    return key === NONE ? this.#make(id) : key;
  }

  /** The row's key has it, behind all that start before, and those of its start whose numbers are smaller. */
  add(row: number): void {
    const { startMs, number, key: keys } = this.#rows;
    const key = keys[row] as number;
    const count = this.#count[key] as number;
    if ((this.#first[key] as number) + count === (this.#piece[key] as number) + (1 << (this.#power[key] as number)))
      this.#makeRoom(key);
    const places = this.#places;
    const first = this.#first[key] as number;
    const end = first + count;
    const start = startMs[row] as number;
    let place = end;
    if (count > 0 && (startMs[places[end - 1] as number] as number) > start) place = this.#placeOf(key, start, true);
    for (; place > first; place -= 1) {
      const before = places[place - 1] as number;
      if (startMs[before] !== start || (number[before] as number) < (number[row] as number)) break;
    }
    if (place < end) places.copyWithin(place + 1, place, end);
    places[place] = row;
    this.#count[key] = count + 1;
  }

  /** The place of the first row of a key that starts at this time or later. */
  firstFrom(key: number, startMs: number): number {
    return this.#placeOf(key, startMs, false);
  }

  /** The place behind the last row of a key. */
  endOf(key: number): number {
    return (this.#first[key] as number) + (this.#count[key] as number);
  }

  rowAt(place: number): number {
    return this.#places[place] as number;
  }

  /** All keys, in the order of their bytes. */
  inOrder(): readonly number[] {
    this.#sorted ??= this.keys.inOrder();
    return this.#sorted;
  }

  /** These rows are gone, as each of them says. It costs least where each is its key's first one then, or its last. */
  removeAll(gone: readonly number[]): void {
    let torn: Set<number> | undefined;
    for (const row of gone) {
      const key = this.#rows.key[row] as number;
      const first = this.#first[key] as number;
      const count = this.#count[key] as number;
      if (this.#places[first] === row) this.#first[key] = first + 1;
      else if (this.#places[first + count - 1] !== row) {
        torn = (torn ?? new Set()).add(key);
        continue;
      }
      this.#count[key] = count - 1;
      this.#shrink(key);
    }
    if (torn !== undefined) for (const key of torn) this.#mend(key);
  }

  #mend(key: number): void {
    const places = this.#places;
    const first = this.#first[key] as number;
    const end = first + (this.#count[key] as number);
    let to = first;
    for (let place = first; place < end; place += 1) {
      const row = places[place] as number;
      if (!this.#rows.is(row, GONE)) places[to++] = row;
    }
    this.#count[key] = to - first;
    this.#shrink(key);
  }

  #make(id: string): number {
    const key = this.keys.add(id);
    if (key === this.#count.length) this.#growKeys();
    this.#sorted = undefined;
    this.#power[key] = 0;
    this.#piece[key] = this.#first[key] = this.#take(0);
    this.#count[key] = 0;
    return key;
  }

  /** A key without rows goes, and one with few gets a shorter piece. */
  #shrink(key: number): void {
    const count = this.#count[key] as number;
    const power = this.#power[key] as number;
    if (count === 0) {
      this.#release(this.#piece[key] as number, power);
      this.keys.remove(key);
      this.#sorted = undefined;
    } else if (4 * count <= 1 << power) this.#move(key, power - 1);
  }

  /** There is a place behind the last row of a key. */
  #makeRoom(key: number): void {
    const [piece, first, count] = [this.#piece[key] as number, this.#first[key] as number, this.#count[key] as number];
    const power = this.#power[key] as number;
    if (2 * count > 1 << power || first === piece) return this.#move(key, power + 1);
    this.#places.copyWithin(piece, first, first + count);
    this.#first[key] = piece;
  }

  #move(key: number, power: number): void {
    const [first, count] = [this.#first[key] as number, this.#count[key] as number];
    const to = this.#take(power);
    this.#places.copyWithin(to, first, first + count);
    this.#release(this.#piece[key] as number, this.#power[key] as number);
    this.#piece[key] = this.#first[key] = to;
    this.#power[key] = power;
  }

  #take(power: number): number {
    const free = this.#freePieces[power] as number;
    if (free !== NONE) {
      this.#freePieces[power] = this.#places[free] as number;
      return free;
    }
    const piece = this.#usedPlaces;
    this.#usedPlaces += 1 << power;
    let length = this.#places.length;
    while (length < this.#usedPlaces) length *= 2;
    if (length > this.#places.length) this.#places = copied(this.#places, new Int32Array(length));
    return piece;
  }

  #release(piece: number, power: number): void {
    this.#places[piece] = this.#freePieces[power] as number;
    this.#freePieces[power] = piece;
  }

  #growKeys(): void {
    const keys = 2 * this.#count.length;
    this.#piece = copied(this.#piece, new Int32Array(keys));
    this.#power = copied(this.#power, new Uint8Array(keys));
    this.#first = copied(this.#first, new Int32Array(keys));
    this.#count = copied(this.#count, new Int32Array(keys));
  }

  /** The place of the first row of a key that starts at this time or later; or, with `isBehind`, later. */
  #placeOf(key: number, startMs: number, isBehind: boolean): number {
    const starts = this.#rows.startMs;
    let low = this.#first[key] as number;
    let high = low + (this.#count[key] as number);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = starts[this.#places[middle] as number] as number;
      if (start < startMs || (isBehind && start === startMs)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
