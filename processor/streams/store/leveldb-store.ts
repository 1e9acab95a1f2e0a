import { randomUUID } from 'node:crypto';
import { Level } from 'level';
import type { BatchOptions } from 'level';
import { StreamsError } from '../errors.ts';
import { isTable, removeCleanMark, storeFiles, writeCleanMark } from './clean-mark.ts';
import { CommitObservers } from './commit-observers.ts';
import { dataKey, passingDataKey, passingKeyOf, passingTextKey, storeEnd, storePrefix } from './data-key.ts';
import { inspectFiles, recoveryDoubt } from './leveldb-inspection.ts';
import type { FoundFiles } from './leveldb-inspection.ts';
import {
  NOTHING_COMMITTED,
  decodeCommitted,
  decodeStatus,
  encodeCommitted,
  encodeIdentity,
  encodeStatus,
  identityContradiction,
  identityMismatch,
  layoutMismatch,
  layoutsOf,
  mergeOffsets,
} from './reserved-records.ts';
import type { CommittedRecord, StoreIdentity, StoreLayouts } from './reserved-records.ts';
import { hashOfBytes } from './key-hash.ts';
import { keyOrder } from './key-order.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownRows } from './known-rows.ts';
import { LevelDbLoad } from './leveldb-load.ts';
import { EMPTY_SNAPSHOT_ROWS, LevelDbSnapshot, ReadPace } from './leveldb-snapshot.ts';
import { TableFiles } from './manifest-writer.ts';
import { RowChange } from './row-change.ts';
import { TableWriter } from './table-writer.ts';
import { crashPoint } from '../task/crash-point.ts';
import { PassingBytes } from '../passing-bytes.ts';
import { isReservedKey, isRuntimeRow, RESERVED_KEYS } from './runtime-rows.ts';
import type {
  CommitObserver,
  EntryHash,
  OffsetMap,
  StateStore,
  StoreBatch,
  StoreChange,
  StoreDigest,
  StoreLoad,
  StoreOffsets,
  StoreSnapshot,
} from './state-store.ts';
import { storeBuffers, type StoreBuffers } from './store-buffers.ts';
import { DigestSum, digestsEqual } from './store-digest.ts';
import { StoreLockedError, diskTrouble, levelCause, storeDamaged, storeIoFailed } from './store-errors.ts';

export type { StoreIdentity } from './reserved-records.ts';

interface LevelDbStoreOptions extends Partial<StoreBuffers> {
  readonly identity: StoreIdentity;
}

export interface LevelDbStore extends StateStore {
  readonly directory: string;
  /**
   * What LevelDB itself found wrong while it opened, or null. It drops damaged parts of its log, and only its LOG file
   * says so; a store with a doubt fails `verify`.
   */
  readonly doubt: string | null;
  /**
   * Wall clock of the last batch as of the opening, epoch milliseconds; null for a new store. A store that missed more
   * than the changelog's delete.retention.ms may hold keys whose tombstones are gone: it is set aside and restored.
   */
  readonly openedAsOfMs: number | null;
  /** How its stores keep their rows. */
  readonly layouts: StoreLayouts;
}

const { committed: COMMITTED, identity: IDENTITY, status: STATUS } = RESERVED_KEYS;

/** Entries fetched at a time by scans: each fetch is one turn of the event loop. */
const SCAN_CHUNK = 1_000;
const SCAN_CHUNK_BYTES = 1 << 20;
/** A load of so many rows, and fewer, is a commit: files of their own would take longer. */
const FEW_ROWS = 1_000;
/** So many old values, and fewer, are read at once: the way to LevelDB's own thread and back takes longer. */
const FEW_READS = 4;
/** LevelDB merges tables of its first level when there are so many. */
const MERGED_TABLES = 4;

type Db = Level<Buffer, Buffer>;

/**
 * Opens the store of one task, creating it when the directory is empty or absent. Never repairs: LevelDB's repair
 * "succeeds" with part of the data and the newest offsets.
 *
 * @throws StoreLockedError when another thread or process has it open: try again when the hand-over is done.
 * @throws StreamsError `STORE_DAMAGED` when it is corrupted or of another task: set it aside and restore.
 * @throws StreamsError `TOPOLOGY_CHANGED` and others that mean `exit` when it is sound, ours, and of another topology
 * or topic.
 * @throws StreamsError `STORE_IO_FAILED` when the disk is full, failing or not writable.
 */
export async function openLevelDbStore(directory: string, options: LevelDbStoreOptions): Promise<LevelDbStore> {
  const found = await inspectFiles(directory);
  const open = (): Promise<Db> => openDb(directory, options);
  const db = await open();
  try {
    return await takeOver(db, directory, options, found, open);
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openDb(directory: string, options: LevelDbStoreOptions): Promise<Db> {
  const { blockCacheBytes, writeBufferBytes } = { ...storeBuffers(1), ...options };
  const db: Db = new Level(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: blockCacheBytes,
    writeBufferSize: writeBufferBytes,
    compression: false,
  });
  try {
    await db.open();
    return db;
  } catch (error) {
    const { code, message } = levelCause(error);
    if (code === 'LEVEL_LOCKED') throw new StoreLockedError(`the store in ${directory} is open elsewhere: ${message}`);
    const trouble = diskTrouble(message);
    if (trouble !== null) throw storeIoFailed(directory, trouble, error);
    throw storeDamaged(directory, message, error);
  }
}

/** Checks whose store it is and how it was left, then marks it open. */
async function takeOver(
  db: Db,
  directory: string,
  { identity, rowCacheBytes = storeBuffers(1).rowCacheBytes }: LevelDbStoreOptions,
  found: FoundFiles,
  open: () => Promise<Db>,
): Promise<LevelDbStore> {
  const doubt = await recoveryDoubt(directory);
  const [identityRecord, statusRecord, committedRecord] = await readReserved(db, directory);
  if (identityRecord !== undefined) {
    const mismatch = identityMismatch(identityRecord, identity);
    if (mismatch !== null) throw storeDamaged(directory, mismatch);
    const contradiction = identityContradiction(directory, identityRecord, identity);
    if (contradiction !== null) throw contradiction;
    const layout = layoutMismatch(identityRecord, identity);
    // mutant: layout-checked
    if (layout !== null) throw storeDamaged(directory, layout);
  }
  const committed = committedRecord === undefined ? NOTHING_COMMITTED : decodeCommitted(committedRecord);
  if (committed === null) throw storeDamaged(directory, 'its record of offsets and digest does not match its checksum');
  const lastOpenId = statusRecord === undefined ? null : decodeStatus(statusRecord);
  const closedCleanly = found.cleanOpenId !== null && found.cleanOpenId === lastOpenId;
  const openId = randomUUID();
  const identityBytes = encodeIdentity(identity, identityRecord);
  try {
    await removeCleanMark(directory);
    await db.batch([
      { type: 'put', key: STATUS, value: encodeStatus(openId) },
      { type: 'put', key: IDENTITY, value: identityBytes },
    ]);
  } catch (error) {
    throw writeFailed(directory, error);
  }
  const uncleanOpen = doubt !== null || (!found.isNew && !closedCleanly);
  const layouts = identity.layouts ?? layoutsOf(identityRecord);
  return new OpenLevelDbStore({
    ...{ db, open, directory, openId, identityBytes, committed, uncleanOpen, doubt, layouts, rowCacheBytes },
  });
}

async function readReserved(db: Db, directory: string): Promise<(Buffer | undefined)[]> {
  try {
    return (await db.getMany([IDENTITY, STATUS, COMMITTED])) as (Buffer | undefined)[];
  } catch (error) {
    throw storeDamaged(directory, levelCause(error).message, error);
  }
}

function writeFailed(directory: string, error: unknown): Error {
  const { code, message } = levelCause(error);
  if (code === 'LEVEL_CORRUPTION') return storeDamaged(directory, message, error);
  return storeIoFailed(directory, diskTrouble(message) ?? message, error);
}

/** One change per data key, the last one winning. */
function lastChanges({ changes }: StoreBatch): readonly RowChange[] {
  if (areOfOneRowEach(changes)) return changes.map(RowChange.from);
  const last = new Map<string, StoreChange>();
  for (const change of changes) {
    const id = `${change.store}\0${change.key.toString('latin1')}`;
    // What was committed before is the same for every change of the key.
    const previous = change.previous === undefined ? last.get(id)?.previous : change.previous;
    const { store, key, value, hash } = change;
    last.set(id, previous === undefined ? change : { store, key, value, hash, previous });
  }
  return [...last.values()].map(RowChange.from);
}

/**
 * Changes with a place for their hash are. Rows of the runtime have none: a task's commit has one of each, and what a
 * standby has fetched at once may have many.
 */
function areOfOneRowEach(changes: readonly StoreChange[]): boolean {
  const ofRuntime = new Set<string>();
  return changes.every((change) => {
    if (change.hash !== undefined) return true;
    const { store, key } = change;
    const before = ofRuntime.size;
    return isRuntimeRow(key) && ofRuntime.add(`${store}\0${key.toString('latin1')}`).size > before;
  });
}

/** The committed value, or the hash of its entry; null: there is none; undefined: not known. */
function knownBefore({ previous }: StoreChange): Buffer | EntryHash | null | undefined {
  return Buffer.isBuffer(previous) || previous === null || previous?.isKnown === true ? previous : undefined;
}

interface OpenedWith {
  readonly db: Db;
  /** Opens it again. */
  readonly open: () => Promise<Db>;
  readonly identityBytes: Buffer;
  readonly directory: string;
  readonly openId: string;
  readonly committed: CommittedRecord;
  readonly uncleanOpen: boolean;
  readonly doubt: string | null;
  readonly layouts: StoreLayouts;
  readonly rowCacheBytes: number;
}

class OpenLevelDbStore implements LevelDbStore {
  readonly directory: string;
  readonly uncleanOpen: boolean;
  readonly doubt: string | null;
  readonly openedAsOfMs: number | null;
  readonly layouts: StoreLayouts;
  #db: Db;
  readonly #open: () => Promise<Db>;
  readonly #openId: string;
  readonly #identityBytes: Buffer;
  /** Nothing is committed meanwhile. */
  #loading: LevelDbLoad | undefined;
  #committed: CommittedRecord;
  /** Whether the data is known to match the digest: without that no clean mark may vouch for it. */
  #trusted: boolean;
  #failure: Error | null = null;
  #committing = false;
  /** While a commit is under way only LevelDB has the values: nobody knows whether it has the old ones or the new. */
  readonly #rows: KnownRows;
  readonly #passing = new PassingBytes();
  readonly #observers = new CommitObservers();
  readonly #readPace = new ReadPace();
  #closed = false;

  constructor(opened: OpenedWith) {
    this.directory = opened.directory;
    this.uncleanOpen = opened.uncleanOpen;
    this.doubt = opened.doubt;
    this.layouts = opened.layouts;
    this.openedAsOfMs = opened.committed.committedAtMs;
    this.#db = opened.db;
    this.#open = opened.open;
    this.#openId = opened.openId;
    this.#identityBytes = opened.identityBytes;
    this.#committed = opened.committed;
    this.#trusted = !opened.uncleanOpen;
    const isEmpty = this.#trusted && opened.committed.digest.entries === 0;
    this.#rows = new KnownRows(opened.rowCacheBytes, isEmpty ? new KnownKeys() : undefined);
  }

  /** LevelDB is closed for a moment while a load ends: what is empty is not asked. */
  get #isEmpty(): boolean {
    const isKnown = this.#failure === null && !this.#committing;
    return isKnown && !this.#closed && this.#committed.digest.entries === 0;
  }

  get(store: string, key: Buffer): Buffer | undefined {
    return this.#get(store, passingDataKey(store, key));
  }

  getText(store: string, key: string): Buffer | null | undefined {
    const whole = passingTextKey(store, key);
    return whole === undefined ? undefined : (this.#get(store, whole) ?? null);
  }

  #get(store: string, whole: Buffer): Buffer | undefined {
    if (this.#isEmpty) return undefined;
    if (!this.#isUsable) return this.#read(whole);
    // mutant: reads-in-commit
    if (this.#committing) return this.#rows.lacks(store, whole) ? undefined : this.#read(whole);
    const known = this.#rows.get(store, whole);
    if (known !== undefined) return known ?? undefined;
    const value = this.#read(whole);
    if (value !== undefined) this.#rows.found(store, whole, value);
    return value;
  }

  leaveRows(store: string): number {
    return this.#rows.leave(store);
  }

  leaveKeys(store: string): void {
    this.#rows.leaveKeys(store);
  }

  get #isUsable(): boolean {
    return this.#failure === null && !this.#closed;
  }

  async *entries(store: string, from?: Buffer, to?: Buffer): AsyncIterable<[Buffer, Buffer]> {
    if (this.#isEmpty) return;
    const prefixBytes = storePrefix(store).length;
    const iterator = this.#db.iterator({
      gte: from === undefined ? storePrefix(store) : dataKey(store, from),
      lt: to === undefined ? storeEnd(store) : dataKey(store, to),
      highWaterMarkBytes: SCAN_CHUNK_BYTES,
    });
    try {
      for (;;) {
        const chunk = await iterator.nextv(SCAN_CHUNK);
        if (chunk.length === 0) return;
        for (const [key, value] of chunk) yield [key.subarray(prefixBytes), value];
      }
    } catch (error) {
      throw this.#readFailed(error);
    } finally {
      await iterator.close();
    }
  }

  async keysBelow(store: string, to: Buffer, limit: number, from?: Buffer): Promise<Buffer[]> {
    if (this.#isEmpty) return [];
    const prefix = storePrefix(store);
    try {
      const gte = from === undefined ? prefix : dataKey(store, from);
      const keys = await this.#db.keys({ gte, lt: dataKey(store, to), limit }).all();
      return keys.map((key) => key.subarray(prefix.length));
    } catch (error) {
      throw this.#readFailed(error);
    }
  }

  async *keys(store: string): AsyncIterable<readonly Buffer[]> {
    if (this.#isEmpty) return;
    const prefixBytes = storePrefix(store).length;
    const iterator = this.#db.keys({
      gte: storePrefix(store),
      lt: storeEnd(store),
      highWaterMarkBytes: SCAN_CHUNK_BYTES,
    });
    try {
      for (;;) {
        const chunk = await iterator.nextv(SCAN_CHUNK);
        if (chunk.length === 0) return;
        yield chunk.map((key) => key.subarray(prefixBytes));
      }
    } catch (error) {
      throw this.#readFailed(error);
    } finally {
      await iterator.close();
    }
  }

  snapshot(): StoreSnapshot {
    if (this.#isEmpty) return { offsets: this.#committed.offsets, ...EMPTY_SNAPSHOT_ROWS };
    const failed = (error: unknown): Error => this.#readFailed(error);
    try {
      const snapshot = this.#db.snapshot();
      return new LevelDbSnapshot(this.#db, snapshot, this.#offsetsIn(snapshot), failed, this.#readPace);
    } catch (error) {
      throw failed(error);
    }
  }

  offsets(): StoreOffsets {
    return this.#committed.offsets;
  }

  digest(): StoreDigest {
    return this.#committed.digest;
  }

  get isCommitting(): boolean {
    return this.#committing;
  }

  observe(observer: CommitObserver): () => void {
    return this.#observers.add(observer);
  }

  commit(batch: StoreBatch): Promise<void> {
    return this.#observers.around(batch.changes, () => this.#commit(batch));
  }

  async #commit(batch: StoreBatch): Promise<void> {
    this.#checkWritable();
    this.#committing = true;
    try {
      const changes = lastChanges(batch);
      const olds = await this.#readAll(changes);
      const digest = new DigestSum(this.#committed.digest);
      const writes = this.#db.batch();
      const order = keyOrder(changes);
      for (let nth = 0; nth < changes.length; nth += 1) {
        const index = order?.[nth] ?? nth;
        const change = changes[index] as RowChange;
        const { bytes, valueAt, valueBytes } = change;
        const whole = passingKeyOf(change);
        const old = olds[index] ?? null;
        if (Buffer.isBuffer(old)) digest.remove(whole, old);
        else if (old !== null) digest.removeHash(old);
        if (valueBytes >= 0) {
          digest.add(whole, bytes, change.hash, valueAt, valueBytes);
          writes.put(whole, this.#passing.of(bytes, valueAt, valueBytes));
          // mutant: known-keys
          if (old === null) this.#rows.comes(change.store, whole);
        } else if (old !== null) writes.del(whole);
      }
      const committed: CommittedRecord = {
        offsets: mergeOffsets(this.#committed.offsets, batch.changelogOffsets, batch.inputOffsets),
        digest: digest.get(),
        committedAtMs: Date.now(),
      };
      writes.put(COMMITTED, encodeCommitted(committed));
      await writes.write().catch((error: unknown) => {
        // Whether the batch is on disk is not known, so neither is the digest to go on from.
        this.#failure ??= writeFailed(this.directory, error);
        throw this.#failure;
      });
      this.#committed = committed;
      this.#rows.committed(changes, olds);
    } finally {
      this.#committing = false;
    }
  }

  async beginLoad(): Promise<StoreLoad | undefined> {
    this.#checkWritable();
    if (!this.#isEmpty || !this.#trusted) return undefined;
    // Each opening may leave a small table. While LevelDB merges them, it deletes what it does not know.
    if ((await storeFiles(this.directory)).filter(isTable).length >= MERGED_TABLES) return undefined;
    const rows = new LevelDbLoad();
    this.#loading = rows;
    return {
      rowsOf: (store) => rows.rowsOf(store),
      get sizeBytes() {
        return rows.sizeBytes;
      },
      shrink: () => rows.shrink(),
      finish: (offsets) => this.#finishLoad(rows, offsets),
      drop: () => {
        if (this.#loading === rows) this.#loading = undefined;
      },
    };
  }

  async #finishLoad(rows: LevelDbLoad, changelogOffsets: OffsetMap): Promise<void> {
    if (this.#loading !== rows) throw new Error(`the load of the store in ${this.directory} is over`);
    if (rows.count <= FEW_ROWS) {
      this.#loading = undefined;
      const changes: StoreChange[] = [];
      rows.forEach((store, key, value) =>
        changes.push({ store, key: Buffer.from(key), value: Buffer.from(value), previous: null }),
      );
      await this.commit({ changes, changelogOffsets, inputOffsets: new Map() });
      return;
    }
    try {
      await this.#replaceFiles(rows, changelogOffsets);
    } catch (error) {
      this.#failure ??= error instanceof StreamsError ? error : writeFailed(this.directory, error);
      throw this.#failure;
    } finally {
      this.#loading = undefined;
      this.#observers.lost();
    }
  }

  /**
   * LevelDB stays open, and locked, until its CURRENT file names the new tables: whoever opens it after that, also
   * another thread while it is closed here for a moment, finds all of the load.
   */
  async #replaceFiles(rows: LevelDbLoad, changelogOffsets: OffsetMap): Promise<void> {
    const files = await TableFiles.begin(this.directory);
    const keys = new KnownKeys(rows.count);
    const committed = await this.#writeTables(files, rows, changelogOffsets, keys).catch(async (error: unknown) => {
      // A full disk would stay full: LevelDB deletes them when it opens, and does not open without room.
      await files.remove();
      throw error;
    });
    crashPoint('beforeSwitch');
    // mutant: load-switch
    await files.switchOver();
    crashPoint('afterSwitch');
    await this.#db.close();
    this.#db = await this.#open();
    const doubt = await recoveryDoubt(this.directory);
    const found = await this.#db.get(COMMITTED);
    if (doubt !== null || found?.equals(encodeCommitted(committed)) !== true)
      throw storeDamaged(this.directory, doubt ?? 'it does not hold what it was loaded with');
    this.#committed = committed;
    this.#rows.keys = keys;
  }

  async #writeTables(
    files: TableFiles,
    rows: LevelDbLoad,
    changelogOffsets: OffsetMap,
    keys: KnownKeys,
  ): Promise<CommittedRecord> {
    const digest = new DigestSum();
    await rows.write(files, digest, keys);
    const committed: CommittedRecord = {
      offsets: mergeOffsets(this.#committed.offsets, changelogOffsets, new Map()),
      digest: digest.get(),
      committedAtMs: Date.now(),
    };
    const reserved = new TableWriter();
    for (const [key, value] of [
      [COMMITTED, encodeCommitted(committed)],
      [IDENTITY, this.#identityBytes],
      [STATUS, encodeStatus(this.#openId)],
    ] as const)
      reserved.add(key, key.length, value, 0, value.length);
    await files.add(reserved.finish());
    await files.finish();
    return committed;
  }

  async verify(): Promise<boolean> {
    if (this.#committing) throw new Error(`the store in ${this.directory} cannot be verified during a commit`);
    // mutant: doubt
    if (this.doubt !== null || this.#failure !== null) return false;
    const expected = this.#committed.digest;
    const actual = new DigestSum();
    const keys = new KnownKeys();
    const iterator = this.#db.iterator({ highWaterMarkBytes: SCAN_CHUNK_BYTES });
    try {
      for (;;) {
        const chunk = await iterator.nextv(SCAN_CHUNK);
        if (chunk.length === 0) break;
        for (const [key, value] of chunk) {
          if (isReservedKey(key)) continue;
          actual.add(key, value);
          keys.add(hashOfBytes(key));
        }
      }
    } catch (error) {
      if (this.#closed) throw error;
      return false;
    } finally {
      await iterator.close();
    }
    // mutant: digest
    const sound = digestsEqual(actual.get(), expected);
    if (!sound) return false;
    this.#trusted = true;
    if (this.#committed.digest === expected && !this.#committing) this.#rows.keys = keys;
    return true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#failure !== null || !this.#trusted || this.#committing) return this.closeDirty();
    try {
      const options: BatchOptions<Buffer, Buffer> = { sync: true };
      await this.#db.batch([{ type: 'put', key: COMMITTED, value: encodeCommitted(this.#committed) }], options);
      await this.closeDirty();
      await writeCleanMark(this.directory, this.#openId);
    } catch (error) {
      await this.closeDirty();
      throw writeFailed(this.directory, error);
    }
  }

  async closeDirty(): Promise<void> {
    this.#closed = true;
    this.#rows.close();
    await this.#db.close();
  }

  /** During a commit, and after one that failed, only LevelDB knows whether the batch is in it. */
  #offsetsIn(snapshot: ReturnType<Db['snapshot']>): StoreOffsets {
    // mutant: snapshot-offsets
    if (!this.#committing && this.#failure === null) return this.#committed.offsets;
    const bytes = this.#db.getSync(COMMITTED, { snapshot });
    if (bytes === undefined) return NOTHING_COMMITTED.offsets;
    const committed = decodeCommitted(bytes);
    if (committed === null) throw new Error('its record of offsets is damaged');
    return committed.offsets;
  }

  #read(whole: Buffer): Buffer | undefined {
    try {
      return this.#db.getSync(whole);
    } catch (error) {
      throw this.#readFailed(error);
    }
  }

  /**
   * The committed value of each key. Many are read in one go by LevelDB's own thread: a read from here costs several
   * microseconds.
   */
  async #readAll(changes: readonly RowChange[]): Promise<readonly (Buffer | EntryHash | null | undefined)[]> {
    if (this.#committed.digest.entries === 0) return [];
    const known = changes.map((change) => {
      const before = knownBefore(change);
      return before === undefined ? this.#rows.get(change.store, passingKeyOf(change)) : before;
    });
    const unread = changes.filter((_, index) => known[index] === undefined);
    if (unread.length === 0) return known;
    try {
      const keys = unread.map(({ store, key }) => dataKey(store, key));
      const found: readonly (Buffer | undefined)[] =
        keys.length <= FEW_READS ? keys.map((key) => this.#db.getSync(key)) : await this.#db.getMany(keys);
      let next = 0;
      return known.map((before) => (before === undefined ? found[next++] : before));
    } catch (error) {
      throw this.#readFailed(error);
    }
  }

  /** A store that cannot be read cannot be trusted, whatever the cause. */
  #readFailed(error: unknown): Error {
    if (this.#closed) return new Error(`the store in ${this.directory} is closed`, { cause: error });
    this.#failure ??= storeDamaged(this.directory, levelCause(error).message, error);
    return this.#failure;
  }

  #checkWritable(): void {
    if (this.#failure !== null) {
      throw storeIoFailed(
        this.directory,
        `an earlier failure left it undecided (${this.#failure.message}): close and open it again`,
        this.#failure,
      );
    }
    if (this.#closed) throw new Error(`the store in ${this.directory} is closed`);
    if (this.#committing) throw new Error(`the store in ${this.directory} has a commit under way already`);
    if (this.#loading !== undefined) throw new Error(`the store in ${this.directory} is being loaded`);
  }
}
