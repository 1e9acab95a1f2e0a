import { CommitObservers } from './commit-observers.ts';
import { KeyIndex } from './key-index.ts';
import { dataKey, storeEnd, storePrefix } from './data-key.ts';
import { NOTHING_COMMITTED, mergeOffsets } from './reserved-records.ts';
import type { CommittedRecord } from './reserved-records.ts';
import type {
  CommitObserver,
  StateStore,
  StoreBatch,
  StoreDigest,
  StoreOffsets,
  StoreSnapshot,
} from './state-store.ts';
import { DigestSum, digestsEqual } from './store-digest.ts';
import { StoreLockedError } from './store-errors.ts';

/** What survives closing a memory store: pass it to `openMemoryStore` again to reopen the same store. */
export class MemoryStoreImage {
  /** Data keys as latin1 text: its order is the order of the bytes. */
  readonly data = new Map<string, Buffer>();
  /** The same keys in order. */
  readonly order = new KeyIndex();
  committed: CommittedRecord = NOTHING_COMMITTED;
  open = false;
  unclean = false;
}

/**
 * A StateStore in memory, for tests and for the TopologyTestDriver: with the same results, order and digest as
 * LevelDB's.
 * @throws StoreLockedError when the image is open already.
 */
export function openMemoryStore(image: MemoryStoreImage = new MemoryStoreImage()): StateStore {
  if (image.open) throw new StoreLockedError('the memory store is open already');
  return new OpenMemoryStore(image);
}

class OpenMemoryStore implements StateStore {
  readonly uncleanOpen: boolean;
  readonly #image: MemoryStoreImage;
  /** Of each snapshot that has no rows of its own yet: makes it have them. */
  readonly #snapshots = new Set<() => void>();
  readonly #observers = new CommitObservers();
  #trusted: boolean;
  #closed = false;

  constructor(image: MemoryStoreImage) {
    this.#image = image;
    this.uncleanOpen = image.unclean;
    this.#trusted = !image.unclean;
    image.open = true;
    image.unclean = true;
  }

  get(store: string, key: Buffer): Buffer | undefined {
    this.#checkOpen();
    const value = this.#image.data.get(dataKey(store, key).toString('latin1'));
    return value === undefined ? undefined : Buffer.from(value);
  }

  async *entries(store: string, from?: Buffer, to?: Buffer): AsyncIterable<[Buffer, Buffer]> {
    this.#checkOpen();
    const prefixBytes = storePrefix(store).length;
    const keys = this.#range(store, from, to);
    // The values as of now, as LevelDB's iterator reads a snapshot.
    const snapshot = keys.map((key): [Buffer, Buffer] => [
      Buffer.from(key.slice(prefixBytes), 'latin1'),
      Buffer.from(this.#image.data.get(key) ?? ''),
    ]);
    yield* snapshot;
  }

  async keysBelow(store: string, to: Buffer, limit: number, from?: Buffer): Promise<Buffer[]> {
    this.#checkOpen();
    const prefixBytes = storePrefix(store).length;
    return this.#range(store, from, to, limit).map((key) => Buffer.from(key.slice(prefixBytes), 'latin1'));
  }

  async *keys(store: string): AsyncIterable<readonly Buffer[]> {
    this.#checkOpen();
    const prefixBytes = storePrefix(store).length;
    yield this.#range(store).map((key) => Buffer.from(key.slice(prefixBytes), 'latin1'));
  }

  snapshot(): StoreSnapshot {
    this.#checkOpen();
    const { offsets } = this.#image.committed;
    // The next commit leaves it what it had.
    let kept: ReadonlyMap<string, Buffer> | undefined;
    const keep = (): void => {
      kept ??= new Map(this.#range().map((key) => [key, this.#image.data.get(key) as Buffer]));
      this.#snapshots.delete(keep);
    };
    this.#snapshots.add(keep);
    const range = (store: string, from?: Buffer, to?: Buffer): string[] => {
      if (kept === undefined) return this.#range(store, from, to);
      const [first, end] = boundsOf(store, from, to);
      return [...kept.keys()].filter((key) => key >= first && key < end);
    };
    const valueOf = (key: string): Buffer | undefined => {
      const value = (kept ?? this.#image.data).get(key);
      return value === undefined ? undefined : Buffer.from(value);
    };
    return {
      offsets,
      getMany: async (store, keys) => keys.map((key) => valueOf(dataKey(store, key).toString('latin1'))),
      entries: async function* (store, from, to, reverse = false) {
        const prefixBytes = storePrefix(store).length;
        const keys = range(store, from, to);
        for (const key of reverse ? keys.toReversed() : keys)
          yield [Buffer.from(key.slice(prefixBytes), 'latin1'), valueOf(key) as Buffer];
      },
      close: async () => {
        this.#snapshots.delete(keep);
      },
    };
  }

  get isCommitting(): boolean {
    return this.#observers.isCommitting;
  }

  observe(observer: CommitObserver): () => void {
    return this.#observers.add(observer);
  }

  offsets(): StoreOffsets {
    return this.#image.committed.offsets;
  }

  digest(): StoreDigest {
    return this.#image.committed.digest;
  }

  commit(batch: StoreBatch): Promise<void> {
    return this.#observers.around(batch.changes, async () => this.#commit(batch));
  }

  #commit(batch: StoreBatch): void {
    this.#checkOpen();
    const { data, order, committed } = this.#image;
    const digest = new DigestSum(committed.digest);
    // Names are checked before the first change: a batch applies whole or not at all.
    const changes = batch.changes.map(({ store, key, value }) => ({ key: dataKey(store, key), value }));
    for (const keep of this.#snapshots) keep();
    for (const { key, value } of changes) {
      const text = key.toString('latin1');
      const old = data.get(text);
      if (old !== undefined) digest.remove(key, old);
      if (value === null) {
        data.delete(text);
        order.delete(text);
      } else {
        digest.add(key, value);
        data.set(text, Buffer.from(value));
        order.add(text);
      }
    }
    this.#image.committed = {
      offsets: mergeOffsets(committed.offsets, batch.changelogOffsets, batch.inputOffsets),
      digest: digest.get(),
      committedAtMs: Date.now(),
    };
  }

  async verify(): Promise<boolean> {
    this.#checkOpen();
    const actual = new DigestSum();
    for (const [key, value] of this.#image.data) actual.add(Buffer.from(key, 'latin1'), value);
    const sound = digestsEqual(actual.get(), this.#image.committed.digest);
    if (sound) this.#trusted = true;
    return sound;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#trusted) this.#image.unclean = false;
    await this.closeDirty();
  }

  async closeDirty(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#image.open = false;
  }

  /** Without a store the keys of all. */
  #range(store?: string, from?: Buffer, to?: Buffer, limit = Infinity): string[] {
    const [first, end] = store === undefined ? ['', LAST] : boundsOf(store, from, to);
    const found: string[] = [];
    for (const key of this.#image.order.range(first, end)) {
      if (found.length >= limit) break;
      found.push(key);
    }
    return found;
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('the memory store is closed');
  }
}

/** Behind all data keys. */
const LAST = '\xff';

function boundsOf(store: string, from: Buffer | undefined, to: Buffer | undefined): [first: string, end: string] {
  const first = from === undefined ? storePrefix(store) : dataKey(store, from);
  const end = to === undefined ? storeEnd(store) : dataKey(store, to);
  return [first.toString('latin1'), end.toString('latin1')];
}
