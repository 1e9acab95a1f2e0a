/**
 * The bytes-level store of one task: every named store of the task lives in it, and so do its offsets.
 *
 * What "committed" means: the store never holds data of a transaction that Kafka has not committed. All changes arrive
 * through `commit`, as one atomic batch of data, changelog offsets, input offsets and digest (docs/commit.md, step 5).
 * A kill -9 at any moment leaves the store before or after a batch, never between.
 */
export interface StateStore {
  /** The committed value, or undefined. Synchronous: user code runs in the record loop. */
  get(store: string, key: Buffer): Buffer | undefined;

  /**
   * `get` of the key whose bytes are those of an ASCII text, without a buffer for it. Null: there is no row.
   * Undefined: the text is not ASCII, or too long, ask `get`. Left out: the same of every text.
   */
  getText?(store: string, key: string): Buffer | null | undefined;

  /**
   * The caller knows from now on which rows this named store has, and keeps their values itself: none of them is kept
   * here. Answers how many bytes it may keep, of all stores that are left to it. Left out: nothing is kept of any row.
   */
  leaveRows?(store: string): number;

  /** The same of one who knows which rows there are, and reads their values here. */
  leaveKeys?(store: string): void;

  /** Committed entries of one named store, in key order, `from` inclusive to `to` exclusive. */
  entries(store: string, from?: Buffer, to?: Buffer): AsyncIterable<[Buffer, Buffer]>;

  /**
   * The first `limit` keys of one named store below `to`, in key order: what expiry asks for. `from` (inclusive) skips
   * what the caller knows to be gone: a store pays for each key deleted at its front until the next compaction.
   */
  keysBelow(store: string, to: Buffer, limit: number, from?: Buffer): Promise<Buffer[]>;

  /** All keys of one named store, in key order, some at a time. */
  keys(store: string): AsyncIterable<readonly Buffer[]>;

  /** The store as of one commit, whatever is committed meanwhile; the caller closes it. */
  snapshot(): StoreSnapshot;

  /** A batch is being written: whether it is in what is read just now is not known. */
  readonly isCommitting: boolean;

  /** Tells of the commits that begin from now on, until what this answers is called. */
  observe(observer: CommitObserver): () => void;

  /** Offsets as of the last committed batch. */
  offsets(): StoreOffsets;

  /** Entry count and incremental digest as of the last committed batch. */
  digest(): StoreDigest;

  /**
   * Applies one batch atomically. A failure is indefinite (the batch may or may not be on disk): the store refuses
   * further commits and must be closed and opened again. One commit at a time. A key may change more than once in a
   * batch, e.g. be put and then expire: the last change wins.
   * @throws StreamsError `STORE_IO_FAILED` when the disk is full or fails, `STORE_DAMAGED` when the store is.
   */
  commit(batch: StoreBatch): Promise<void>;

  /**
   * Begins to load a store that holds nothing with many rows at once; undefined: it has no faster way than `commit`.
   * Until `finish` the store stays empty for all who read it, and takes no commit.
   */
  beginLoad?(): Promise<StoreLoad | undefined>;

  /**
   * Recomputes the digest by a scan and compares; false means the store is damaged and must be set aside.
   * Not to be called during a commit; takes about a second for 400,000 entries and lets other work run meanwhile.
   */
  verify(): Promise<boolean>;

  /** True when the previous owner did not close cleanly: `verify` is due before the first commit. */
  readonly uncleanOpen: boolean;

  /**
   * Marks the store clean (synced to disk) and releases it. After a failure, or an unclean open that nothing verified,
   * it releases without the mark.
   */
  close(): Promise<void>;

  /** Releases it without the clean mark: the next open verifies. */
  closeDirty(): Promise<void>;
}

/** Is told of each commit of a store. May not throw. */
export interface CommitObserver {
  /** The store still has the old rows. Of a key that changes more than once the last change counts. */
  before(changes: readonly StoreChange[]): void;
  /** The batch is in. */
  after(): void;
  /** Whether the batch is in is not known. */
  failed(): void;
}

/** What a store held after one of its commits. */
export interface StoreSnapshot {
  /** Of the same commit as the rows. */
  readonly offsets: StoreOffsets;
  /** In the order of the keys. */
  getMany(store: string, keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  /** As of the store; `reverse`: from the last key to the first. */
  entries(store: string, from?: Buffer, to?: Buffer, reverse?: boolean): AsyncIterable<[Buffer, Buffer]>;
  close(): Promise<void>;
}

/** Rows on their way into a store that holds nothing. They are in memory until `finish`. */
export interface StoreLoad {
  /** Takes the rows of one named store; of each key the last one counts. */
  rowsOf(store: string): LoadedStore;
  /** What it takes in memory. */
  readonly sizeBytes: number;
  /** Lets go of what rows take that later ones have replaced. */
  shrink(): void;
  /**
   * All rows and these offsets are in the store, by one step that a death leaves before or after it. Who observes the
   * commits is told that it has missed some. The load is over, also when this throws, as `commit` does.
   */
  finish(changelogOffsets: OffsetMap): Promise<void>;
  /** Forgets the rows, if it is not finished. */
  drop(): void;
}

/** Takes rows out of bytes that hold many of them. */
export interface LoadedStore {
  /** Says that about so many rows are to come. Memory of more than `mostBytes` is not made before they are there. */
  expect(rows: number, mostBytes: number): void;
  /** The value stands behind a head, of 0 bytes or more. `valueBytes` -1: the row is deleted. */
  put(
    from: Uint8Array,
    keyAt: number,
    keyBytes: number,
    headAt: number,
    headBytes: number,
    valueAt: number,
    valueBytes: number,
  ): void;
}

/** `topic-partition` to the next offset to read. */
export type OffsetMap = ReadonlyMap<string, number>;

export interface StoreOffsets {
  /** Changelog positions: everything before them is in the store. */
  readonly changelog: OffsetMap;
  /** Input positions: everything before them is counted in the store. */
  readonly input: OffsetMap;
}

export interface StoreDigest {
  /** Number of data entries. */
  readonly entries: number;
  /** Sum modulo 2^64 of a 64-bit hash over (store, key, value) of every data entry: independent of order. */
  readonly sum: bigint;
}

export interface StoreChange {
  readonly store: string;
  readonly key: Buffer;
  /** null deletes. */
  readonly value: Buffer | null;
  /**
   * The committed value, or the hash of its entry, where the caller knows it (null: there is none): saves the store a
   * read.
   */
  readonly previous?: Buffer | EntryHash | null | undefined;
  /**
   * Where the store may note the hash of the new entry, for the caller to give as `previous` the next time. Of all
   * changes of a row that a batch has, only the first may have one.
   */
  readonly hash?: EntryHash | undefined;
}

/** The hash of an entry of the store, as its digest has it, in two signed halves of 32 bits. */
export interface EntryHash {
  low: number;
  high: number;
  isKnown: boolean;
}

export interface StoreBatch {
  readonly changes: readonly StoreChange[];
  /** Merged over the stored ones. */
  readonly changelogOffsets: OffsetMap;
  readonly inputOffsets: OffsetMap;
}
