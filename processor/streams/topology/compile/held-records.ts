import { numberAt, numberText } from '../../store/composite-ids.ts';
import type { KeyValueStore } from '../../store/typed-store.ts';

/** A record that has waited. */
export interface HeldRecord<V> {
  readonly timestampMs: number;
  /** In bytes. */
  readonly key: Buffer;
  readonly value: V;
}

/**
 * Records that wait in a store, in order of time, then of their keys' bytes, then of arrival. The store's keys are a
 * lane, 8 bytes of time, the key in which a 00 is 00 FF, a 00 that ends it, and 8 bytes of a number.
 */
export class HeldRecords<V> {
  readonly #rows: KeyValueStore<Buffer, V>;
  /** Several may share one store. */
  readonly #lane: string;
  /** None that waits is older; undefined: to be looked up. */
  #oldestMs: number | undefined;

  constructor(rows: KeyValueStore<Buffer, V>, lane = '') {
    this.#rows = rows;
    this.#lane = lane;
  }

  put(timestampMs: number, key: Buffer, value: V): void {
    const prefix = this.#prefixOf(timestampMs, key);
    let number = 0;
    for (const [last] of this.#rows.reverseRange(...rangeOf(prefix))) {
      number = numberAt(last.toString('latin1'), prefix.length) + 1;
      break;
    }
    this.#rows.put(bytesOf(prefix + numberText(number)), value);
    if (this.#oldestMs !== undefined && timestampMs < this.#oldestMs) this.#oldestMs = timestampMs;
  }

  /** Those of one time and key do not wait any more. */
  remove(timestampMs: number, key: Buffer): void {
    const found = [...this.#rows.range(...rangeOf(this.#prefixOf(timestampMs, key)))];
    for (const [id] of found) this.#rows.delete(id);
  }

  /** Those that are older than this: they do not wait any more. */
  takeBefore(limitMs: number): HeldRecord<V>[] {
    const lane = bytesOf(this.#lane);
    if (this.#oldestMs !== undefined && this.#oldestMs >= limitMs) return [];
    const taken: HeldRecord<V>[] = [];
    const ids: Buffer[] = [];
    this.#oldestMs = Infinity;
    for (const [id, value] of this.#rows.prefix(lane)) {
      const text = id.toString('latin1');
      const timestampMs = numberAt(text, this.#lane.length);
      if (timestampMs >= limitMs) {
        this.#oldestMs = timestampMs;
        break;
      }
      ids.push(id);
      taken.push({
        timestampMs,
        key: bytesOf(text.slice(this.#lane.length + 8, -9).replaceAll('\0\u00ff', '\0')),
        value,
      });
    }
    // mutant: taken-once
    for (const id of ids) this.#rows.delete(id);
    return taken;
  }

  #prefixOf(timestampMs: number, key: Buffer): string {
    return `${this.#lane}${numberText(timestampMs)}${key.toString('latin1').replaceAll('\0', '\0\u00ff')}\0`;
  }
}

/** All numbers of one time and key. No prefix: longer keys may begin with a key and a 00, too. */
function rangeOf(prefix: string): [from: Buffer, to: Buffer] {
  return [bytesOf(prefix + numberText(0)), bytesOf(prefix + numberText(Number.MAX_SAFE_INTEGER))];
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
