import { setImmediate } from 'node:timers/promises';
import { CommitObservers } from './commit-observers.ts';
import { LevelDbLoad } from './leveldb-load.ts';
import { openMemoryStore } from './memory-store.ts';
import type {
  CommitObserver,
  OffsetMap,
  StateStore,
  StoreBatch,
  StoreChange,
  StoreDigest,
  StoreLoad,
  StoreOffsets,
  StoreSnapshot,
} from './state-store.ts';

const SUM_BITS = 64;
/** So many rows are put into memory between two looks at what else is to be done. */
const ROWS_AT_ONCE = 4_096;

/**
 * A task's store some of whose named stores are in memory: their rows, and how far their changelogs are in them, are
 * gone when it is closed. All else is on disk, below.
 */
export class LayeredStore implements StateStore {
  readonly #disk: StateStore;
  readonly #memory = openMemoryStore();
  readonly #inMemory: ReadonlySet<string>;
  readonly #changelogs: ReadonlySet<string>;
  readonly #observers = new CommitObservers();

  /** @param changelogs of the stores in memory: `topic-partition`. */
  constructor(disk: StateStore, inMemory: ReadonlySet<string>, changelogs: ReadonlySet<string>) {
    this.#disk = disk;
    this.#inMemory = inMemory;
    this.#changelogs = changelogs;
  }

  get uncleanOpen(): boolean {
    return this.#disk.uncleanOpen;
  }

  get(store: string, key: Buffer): Buffer | undefined {
    return this.#layer(store).get(store, key);
  }

  getText(store: string, key: string): Buffer | null | undefined {
    return this.#layer(store).getText?.(store, key);
  }

  leaveRows(store: string): number {
    return this.#layer(store).leaveRows?.(store) ?? 0;
  }

  leaveKeys(store: string): void {
    this.#layer(store).leaveKeys?.(store);
  }

  entries(store: string, from?: Buffer, to?: Buffer): AsyncIterable<[Buffer, Buffer]> {
    return this.#layer(store).entries(store, from, to);
  }

  keysBelow(store: string, to: Buffer, limit: number, from?: Buffer): Promise<Buffer[]> {
    return this.#layer(store).keysBelow(store, to, limit, from);
  }

  keys(store: string): AsyncIterable<readonly Buffer[]> {
    return this.#layer(store).keys(store);
  }

  /** Either layer is of one commit of its own: while one is under way, the memory has not got it yet. */
  snapshot(): StoreSnapshot {
    const [disk, memory] = [this.#disk.snapshot(), this.#memory.snapshot()];
    const layer = (store: string): StoreSnapshot => (this.#inMemory.has(store) ? memory : disk);
    return {
      offsets: this.#both(disk.offsets, memory.offsets),
      getMany: (store, keys) => layer(store).getMany(store, keys),
      entries: (store, ...range) => layer(store).entries(store, ...range),
      close: async () => {
        await memory.close();
        await disk.close();
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
    return this.#both(this.#disk.offsets(), this.#memory.offsets());
  }

  digest(): StoreDigest {
    const [disk, memory] = [this.#disk.digest(), this.#memory.digest()];
    return { entries: disk.entries + memory.entries, sum: BigInt.asUintN(SUM_BITS, disk.sum + memory.sum) };
  }

  commit(batch: StoreBatch): Promise<void> {
    return this.#observers.around(batch.changes, () => this.#commit(batch));
  }

  /** The disk first: what is in memory is undone with a batch that fails. */
  async #commit({ changes, changelogOffsets, inputOffsets }: StoreBatch): Promise<void> {
    await this.#disk.commit({
      changes: changes.filter(({ store }) => !this.#inMemory.has(store)),
      changelogOffsets: this.#part(changelogOffsets, false),
      inputOffsets,
    });
    await this.#memory.commit({
      changes: changes.filter(({ store }) => this.#inMemory.has(store)),
      changelogOffsets: this.#part(changelogOffsets, true),
      inputOffsets: new Map(),
    });
  }

  /** As fast as the disk below: a store in memory must not have all others restored row by row. */
  async beginLoad(): Promise<StoreLoad | undefined> {
    if (this.#memory.digest().entries > 0 || this.#memory.offsets().changelog.size > 0) return undefined;
    const disk = await this.#disk.beginLoad?.();
    if (disk === undefined) return undefined;
    const memory = new LevelDbLoad();
    return {
      rowsOf: (store) => (this.#inMemory.has(store) ? memory : disk).rowsOf(store),
      get sizeBytes() {
        return disk.sizeBytes + memory.sizeBytes;
      },
      shrink: () => {
        disk.shrink();
        memory.shrink();
      },
      finish: (offsets) => this.#finishLoad(disk, memory, offsets),
      drop: () => disk.drop(),
    };
  }

  /** The disk first, as in a commit: where it fails, nothing is in memory either. */
  async #finishLoad(disk: StoreLoad, memory: LevelDbLoad, changelogOffsets: OffsetMap): Promise<void> {
    try {
      await disk.finish(this.#part(changelogOffsets, false));
      const changes: StoreChange[] = [];
      memory.forEach((store, key, value) => changes.push({ store, key: Buffer.from(key), value: Buffer.from(value) }));
      for (let first = 0; first < changes.length; first += ROWS_AT_ONCE) {
        const some = changes.slice(first, first + ROWS_AT_ONCE);
        await this.#memory.commit({ changes: some, changelogOffsets: new Map(), inputOffsets: new Map() });
        await setImmediate();
      }
      const offsets = this.#part(changelogOffsets, true);
      await this.#memory.commit({ changes: [], changelogOffsets: offsets, inputOffsets: new Map() });
    } finally {
      this.#observers.lost();
    }
  }

  verify(): Promise<boolean> {
    return this.#disk.verify();
  }

  async close(): Promise<void> {
    await this.#memory.close();
    await this.#disk.close();
  }

  async closeDirty(): Promise<void> {
    await this.#memory.closeDirty();
    await this.#disk.closeDirty();
  }

  #both({ changelog, input }: StoreOffsets, memory: StoreOffsets): StoreOffsets {
    return { changelog: new Map([...this.#part(changelog, false), ...memory.changelog]), input };
  }

  #layer(store: string): StateStore {
    return this.#inMemory.has(store) ? this.#memory : this.#disk;
  }

  #part(offsets: OffsetMap, inMemory: boolean): OffsetMap {
    return new Map([...offsets].filter(([name]) => this.#changelogs.has(name) === inMemory));
  }
}
