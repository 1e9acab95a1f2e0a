import { passingKeyOf } from './data-key.ts';
import { hashOfBytes } from './key-hash.ts';
import type { KnownKeys } from './known-keys.ts';
import { RowCache } from './row-cache.ts';
import type { RowChange } from './row-change.ts';
import type { EntryHash } from './state-store.ts';

/** Rows are kept as they are written where there was a read of LevelDB, at least, for so many writes. */
const WRITES_A_READ = 8;
/** A full cache takes one row in so many that reads have missed: each pushes out others, which may be worth as much. */
const MISSES_A_ROW = 4;
/** After so many commits in which nobody asked for rows in memory they are let go. */
const COMMITS_UNASKED = 1_000;

/** What is known of a store's rows, as of the last commit, without a read of LevelDB: keys, and some values. */
export class KnownRows {
  /** Of all rows, and of those that come with a commit under way. Undefined: not known. */
  keys: KnownKeys | undefined;
  #cache: RowCache;
  readonly #cacheBytes: number;
  /** Of which stores others know which rows there are; true: they keep the values, too. */
  readonly #others = new Map<string, boolean>();
  /** What was last asked of `#othersOf`: changes of one store are together. */
  #lastStore = '';
  #lastOthers: boolean | undefined;
  /** Rows that it did not know when it was asked, since the last commit. */
  #misses = 0;
  /** Commits since it was last asked. */
  #commitsUnasked = 0;
  /** By chance: rows that come in turn would all be taken, or never. */
  #chance = 1;
  #isClosed = false;

  /** @param cacheBytes of all memory that values take. */
  constructor(cacheBytes: number, keys: KnownKeys | undefined) {
    this.#cacheBytes = cacheBytes;
    this.#cache = new RowCache(cacheBytes);
    this.keys = keys;
  }

  /** From now on nothing is known here of this store's rows. Answers the memory that their values may take. */
  leave(store: string): number {
    const half = Math.floor(this.#cacheBytes / 2);
    if (this.#others.get(store) === true) return half;
    this.#others.set(store, true);
    this.#lastStore = '';
    this.#cache = new RowCache(this.#cacheBytes - half);
    return half;
  }

  /** Others know which rows this store has: that is not known here from now on. */
  leaveKeys(store: string): void {
    if (!this.#others.has(store)) this.#others.set(store, false);
    this.#lastStore = '';
  }

  #othersOf(store: string): boolean | undefined {
    if (this.#others.size === 0) return undefined;
    if (store !== this.#lastStore) {
      this.#lastStore = store;
      this.#lastOthers = this.#others.get(store);
    }
    return this.#lastOthers;
  }

  #isLeft(store: string): boolean {
    return this.#othersOf(store) === true;
  }

  /** It is sure that there is no row, nor comes one with a commit under way. `whole`: a data key (data-key.ts). */
  lacks(store: string, whole: Uint8Array): boolean {
    return this.#othersOf(store) === undefined && this.keys?.lacks(hashOfBytes(whole)) === true;
  }

  /** The value, the caller's own; null: there is no row; undefined: it is not known. */
  get(store: string, whole: Uint8Array): Buffer | null | undefined {
    const others = this.#othersOf(store);
    if (others === true) return undefined;
    const hash = hashOfBytes(whole);
    if (others === undefined && this.keys?.lacks(hash) === true) return null;
    this.#commitsUnasked = 0;
    const value = this.#cache.get(store, whole, hash);
    if (value === undefined) this.#misses += 1;
    return value;
  }

  /** The value of a row that `get` did not know. */
  found(store: string, whole: Uint8Array, value: Buffer): void {
    if (this.#isLeft(store)) return;
    // Of rows that are read at random each kept one is worth the same, and only rows that come again earn their place.
    if (!this.#cache.hasRoom && !this.#takesOne()) return;
    this.#cache.put(store, whole, hashOfBytes(whole), value, true);
  }

  #takesOne(): boolean {
    this.#chance = (Math.imul(this.#chance, 1_103_515_245) + 12_345) | 0;
    return this.#chance >>> 0 < 2 ** 32 / MISSES_A_ROW;
  }

  /** A row that was not there comes with the commit under way. */
  comes(store: string, whole: Uint8Array): void {
    if (this.#othersOf(store) === undefined) this.keys?.add(hashOfBytes(whole));
  }

  /** These changes are committed. `olds`: what was there before each; null or undefined: nothing. */
  committed(changes: readonly RowChange[], olds: readonly (Buffer | EntryHash | null | undefined)[]): void {
    if (this.#isClosed) return;
    // Values are worth the place of others where reads miss them: those that are only written, or that others keep,
    // are not.
    const areWanted = this.#misses > 0 && this.#misses * WRITES_A_READ >= this.#countOwn(changes);
    this.#misses = 0;
    if (changes.length > 0) this.#commitsUnasked += 1;
    if (this.#commitsUnasked >= COMMITS_UNASKED) this.#cache.clear();
    const areKept = areWanted || this.#cache.count > 0;
    for (let index = 0; index < changes.length; index += 1) {
      const change = changes[index] as RowChange;
      const { store, bytes, at, keyBytes, valueBytes } = change;
      const others = this.#othersOf(store);
      if (others === true) continue;
      const isDeleted = valueBytes < 0;
      const doesKeyGo = isDeleted && others === undefined && (olds[index] ?? null) !== null;
      if (!areKept && !doesKeyGo) continue;
      const whole = passingKeyOf(change);
      const hash = hashOfBytes(whole);
      if (doesKeyGo) this.keys?.remove(hash);
      // mutant: row-cache-removed
      if (isDeleted) this.#cache.remove(store, whole, hash);
      // mutant: row-cache
      if (!isDeleted)
        this.#cache.put(store, whole, hash, bytes, areWanted || this.#cache.hasRoom, at + keyBytes, valueBytes);
    }
  }

  #countOwn(changes: readonly RowChange[]): number {
    if (this.#others.size === 0) return changes.length;
    let count = 0;
    for (const { store } of changes) if (!this.#isLeft(store)) count += 1;
    return count;
  }

  /** Forgets all, and keeps nothing from here on. */
  close(): void {
    this.#isClosed = true;
    this.keys = undefined;
    this.#cache.clear();
  }
}
