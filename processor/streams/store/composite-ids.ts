import type { RowIds } from './row-buffer.ts';
import type { StoreKeys } from './store-keys.ts';
import { checkWindowStart } from './window-key.ts';

/** Bytes of one number behind a key. */
export const NUMBER_BYTES = 8;
const LANE = 0x1_0000_0000;

/** What stands on disk of a row: its parts as latin1 texts. */
export interface DiskLayout {
  /** How many numbers (times, and the like) a row has beside its key. */
  readonly numbers: number;
  join(key: string, numbers: string): string;
  split(bytes: string): { key: string; numbers: string };
}

/**
 * Ids of rows that have a key and numbers. The order of ids is that of the keys' bytes, then of the numbers: a 00 in a
 * key becomes 00 FF, and one 00 ends it, behind which a number begins, never with FF. So all rows of one key are
 * together, in any index, while on disk they lie as expiry wants them.
 */
export class CompositeIds<K> implements RowIds {
  readonly #keys: StoreKeys<K>;
  readonly #layout: DiskLayout;
  readonly #numbersLength: number;
  /** What `startOf` was asked last: a record asks for the same key several times. */
  #last = { id: '', start: '\0' };

  constructor(keys: StoreKeys<K>, layout: DiskLayout) {
    this.#keys = keys;
    this.#layout = layout;
    this.#numbersLength = layout.numbers * NUMBER_BYTES;
  }

  /** @throws RangeError for a number that is no time, TypeError for a key that cannot be. */
  idOf(key: K, ...numbers: readonly number[]): string {
    let id = this.startOf(key);
    for (const number of numbers) {
      checkWindowStart(number);
      id += numberText(number);
    }
    return id;
  }

  /** What the ids of all rows of a key begin with, and no others. */
  startOf(key: K): string {
    const id = this.#keys.idOf(key);
    if (id === this.#last.id) return this.#last.start;
    const text = this.#keys.textOf(id);
    const start = `${text.includes('\0') ? text.replaceAll('\0', '\0\u00ff') : text}\0`;
    this.#last = { id, start };
    return start;
  }

  keyOf(id: string): K {
    return this.#keys.keyOf(Buffer.from(this.#keyText(id), 'latin1'));
  }

  /** The id that the store's keys have for the key. */
  keyIdOf(id: string): string {
    return this.#keys.idOfText(this.#keyText(id));
  }

  /** The number at this place, counted from 0. */
  numberOf(id: string, at: number): number {
    return numberAt(id, id.length - this.#numbersLength + at * NUMBER_BYTES);
  }

  check(): void {
    // An id is made by `idOf`, which checks.
  }

  bytesOf(id: string): Buffer {
    const numbers = id.slice(id.length - this.#numbersLength);
    return Buffer.from(this.#layout.join(this.#keyText(id), numbers), 'latin1');
  }

  idOfBytes(bytes: Buffer): string {
    const { key, numbers } = this.#layout.split(bytes.toString('latin1'));
    return `${key.includes('\0') ? key.replaceAll('\0', '\0\u00ff') : key}\0${numbers}`;
  }

  textOf(id: string): string {
    // One flat text: ids are put together of pieces, each of which would stay in memory with it.
    return Buffer.from(id, 'latin1').toString('latin1');
  }

  idOfText(text: string): string {
    return text;
  }

  #keyText(id: string): string {
    const text = id.slice(0, id.length - this.#numbersLength - 1);
    return text.includes('\0') ? text.replaceAll('\0\u00ff', '\0') : text;
  }
}

/** 8 bytes, big-endian, as latin1: its order is that of the numbers. */
export function numberText(value: number): string {
  const [high, low] = [Math.floor(value / LANE), value % LANE];
  return String.fromCharCode(
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
}

/** The opposite of `numberText`. */
export function numberAt(text: string, at: number): number {
  let value = 0;
  for (let byte = at; byte < at + NUMBER_BYTES; byte += 1) value = value * 0x100 + text.charCodeAt(byte);
  return value;
}
