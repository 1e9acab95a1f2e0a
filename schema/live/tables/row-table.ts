import type { TableChange } from '@tributary/streams';

import { AppliedPositions, type PositionVector, writtenAtMsOf } from './applied-positions.ts';
import { isOfRegistry } from '../types/value-reader.ts';
import type { CursorContent } from '../updates/cursor.ts';
import { CopiedPartitions } from './copied-partitions.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { LiveTable } from './live-table.ts';
import { placeOfName, type Row, type RowName, rowName } from './row.ts';
import { RowIndexes } from './row-indexes.ts';
import { type PastRow, type RowChange, RowLog } from './row-log.ts';
import type { RowObserver } from './row-observer.ts';
import type { SourceLayout } from '../feed/feed-source.ts';
import { type TakenRecord, takeKeyApart } from '../feed/take-key-apart.ts';

/** This instance's copy of one table: the newest row of each key, in every order that can be asked for. */
export class RowTable implements LiveTable {
  readonly declared: DeclaredTable;
  readonly positions = new AppliedPositions();
  readonly #rows = new Map<RowName, Row>();
  readonly #indexes: RowIndexes;
  readonly #logs = new Map<number, RowLog>();
  /** Rows whose newest value cannot be read, with their partitions. */
  readonly #unreadable = new Map<RowName, number>();
  /** Keys, as latin1, that no store of the table's kind has, with their partitions. */
  readonly #oddKeys = new Map<string, number>();
  readonly #copied = new CopiedPartitions();
  #layout: SourceLayout;
  #takeKeyApart: ReturnType<typeof takeKeyApart>;
  #observer: RowObserver | null = null;
  #version = 0;
  #epoch = 0;
  #bytes = 0;
  #isTooLarge = false;

  constructor(declared: DeclaredTable) {
    this.declared = declared;
    const { shape } = declared;
    // As it is declared, until it is known how the topic's keys are put together.
    this.#layout = shape.kind;
    this.#takeKeyApart = takeKeyApart(shape.kind, shape);
    this.#indexes = new RowIndexes(declared);
  }

  follow(layout: SourceLayout): void {
    this.#layout = layout;
    this.#takeKeyApart = takeKeyApart(layout, this.declared.shape);
    this.#clear(this.#version);
    this.#copied.clear();
    this.positions.clear();
  }

  /**
   * Who is told of each change from the first one on.
   * @throws TypeError where there is an observer, or a row, already.
   */
  observe(observer: RowObserver): void {
    if (this.#observer !== null) throw new TypeError(`the rows of ${this.declared.name} are observed already`);
    if (this.#rows.size > 0)
      throw new TypeError(`the rows of ${this.declared.name} are observed from the first one on`);
    this.#observer = observer;
  }

  get unreadableRow(): string | undefined {
    return this.#observer?.keepsLastValue === true ? undefined : 'its row is left out';
  }

  /** The version of the newest change applied here. */
  get version(): number {
    return this.#version;
  }

  /** Grows when rows were dropped: what a subscriber was sent before no longer has a successor. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How many rows there are. */
  get size(): number {
    return this.#rows.size;
  }

  /** Of keys and values as they are in the topic. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of how many rows key or newest value cannot be read: they are left out, or are as they were. */
  get unreadable(): number {
    return this.#unreadable.size + this.#oddKeys.size;
  }

  get trouble(): string | null {
    const { name, maxRows } = this.declared;
    return this.#isTooLarge
      ? `TABLE_TOO_LARGE: the table ${name} has more than ${maxRows} rows, of which no copy is kept here; raise its ` +
          `maxRows, or declare it with held: 'owner'`
      : null;
  }

  /** How many windows have rows, of a table of windows. */
  get windowCount(): number | undefined {
    return this.#indexes.windowCount;
  }

  /** There were more rows than the table may have here: none is kept. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  copied(positions: ReadonlyMap<number, number>, tombstonesSinceMs: number): void {
    for (const [partition, until] of positions) {
      if (this.#copied.has(partition)) continue;
      this.#copied.add(partition, until, tombstonesSinceMs);
      this.#logs.get(partition)?.copied(until);
      // What the topic no longer has is known by all that is here, as tombstones that were compacted away.
      this.positions.reach(partition, until);
    }
  }

  /**
   * Whether the rows of a cursor can be told from those of today: not where its topic was made anew since, and not
   * where tombstones after it may have been compacted away before this copy was made.
   */
  canResume(cursor: Pick<CursorContent, 'positions' | 'newestWrittenAtMs'>): boolean {
    return this.#copied.haveTombstonesSince(cursor) && this.isOfThisTopic(cursor);
  }

  /** Whether the offsets of a cursor mean something here: not where the topic was made anew since. */
  isOfThisTopic({ positions, newestWrittenAtMs }: Pick<CursorContent, 'positions' | 'newestWrittenAtMs'>): boolean {
    return Object.entries(positions).every(
      ([partition, position]) =>
        (this.#logs.get(Number(partition))?.timestampBefore(position) ?? 0) <= newestWrittenAtMs,
    );
  }

  /**
   * @throws Error for a record that cannot be read; its row is left out then, unless the observer keeps it.
   * StreamsError of a schema registry: nothing has changed, and the record is to come again.
   */
  apply(change: TableChange, version: number): void {
    if (this.#isTooLarge) return this.positions.advance(change);
    const taken = this.#takeKeyApart(change);
    if (taken === null) {
      this.positions.advance(change);
      return this.#passOver(change);
    }
    const name = this.#nameOf(taken);
    if (taken.value === null) {
      this.positions.advance(change);
      return this.#remove(name, change, version);
    }
    let row: Row;
    try {
      row = this.#rowOf(name, taken, taken.value, change);
      this.#observer?.check?.(row);
    } catch (error) {
      if (isOfRegistry(error)) throw error;
      this.positions.advance(change);
      if (this.#observer?.keepsLastValue !== true) this.#remove(name, change, version);
      this.#unreadable.set(name, change.partition);
      throw error;
    }
    this.positions.advance(change);
    this.#put(row, version);
  }

  /** @throws TypeError but for a tombstone: it ends what was said of its key. */
  #passOver({ key, value, partition }: TableChange): void {
    const odd = key.toString('latin1');
    if (value === null) return void this.#oddKeys.delete(odd);
    this.#oddKeys.set(odd, partition);
    throw new TypeError('the key is none that the store of the table has');
  }

  #nameOf({ key, startMs = 0, endMs = 0 }: TakenRecord): RowName {
    return rowName(this.declared.shape.kind, key.toString('latin1'), startMs, endMs);
  }

  #rowOf(
    name: RowName,
    { key: keyBytes, startMs = 0, endMs = 0 }: TakenRecord,
    valueBytes: Buffer,
    change: TableChange,
  ): Row {
    const { key: declaredKey, readValue, shape } = this.declared;
    const keyText = shape.kind === 'key-value' ? name : keyBytes.toString('latin1');
    const key = declaredKey.serde.deserialize(keyBytes);
    const value = readValue(valueBytes);
    return {
      name,
      // One text for both where they are equal, as for all keys of plain ASCII.
      key: key === keyText ? keyText : key,
      keyText,
      startMs,
      endMs,
      value,
      partition: change.partition,
      offset: change.offset,
      timestampMs: writtenAtMsOf(change),
      bytes: change.key.length + (change.value?.length ?? 0),
    };
  }

  #put(row: Row, version: number): void {
    const { name, partition, offset } = row;
    const before = this.#rows.get(name) ?? null;
    if (before === null && this.#rows.size >= this.declared.maxRows) return this.#giveUp(version);
    if (before !== null) this.#forget(before);
    this.#rows.set(name, row);
    this.#indexes.add(row);
    this.#bytes += row.bytes;
    this.#unreadable.delete(name);
    this.#version = version;
    this.#logOf(partition).add({ name, offset, version, before }, row);
    this.#observer?.changed?.(before, row);
  }

  #remove(name: RowName, { partition, offset }: TableChange, version: number): void {
    this.#unreadable.delete(name);
    const before = this.#rows.get(name) ?? null;
    if (before !== null) {
      this.#rows.delete(name);
      this.#forget(before);
      this.#version = version;
    }
    this.#logOf(partition).add({ name, offset, version, before }, null);
    if (before !== null) this.#observer?.changed?.(before, null);
  }

  #forget(row: Row): void {
    this.#indexes.delete(row);
    this.#bytes -= row.bytes;
  }

  #logOf(partition: number): RowLog {
    let log = this.#logs.get(partition);
    if (log === undefined) {
      log = new RowLog(this.#layout === 'versioned');
      this.#logs.set(partition, log);
      const until = this.#copied.untilOf(partition);
      if (until !== undefined) log.copied(until);
    }
    return log;
  }

  /** A table that is not whole must not be served, and the rest of the process needs the memory. */
  #giveUp(version: number): void {
    this.#isTooLarge = true;
    this.#clear(version);
  }

  #clear(version: number): void {
    const dropped = this.#observer === null ? [] : [...this.#rows.values()];
    this.#rows.clear();
    this.#indexes.clear();
    this.#logs.clear();
    this.#unreadable.clear();
    this.#oddKeys.clear();
    this.#bytes = 0;
    this.#version = version;
    this.#epoch += 1;
    for (const row of dropped) this.#observer?.changed?.(row, null);
  }

  reset(partition: number, version: number): void {
    const dropped = [...this.#rows.values()].filter((row) => row.partition === partition);
    for (const row of dropped) {
      this.#rows.delete(row.name);
      this.#forget(row);
    }
    for (const unreadable of [this.#unreadable, this.#oddKeys])
      for (const [name, at] of unreadable) if (at === partition) unreadable.delete(name);
    // It is read anew from its start: a copy again, until its end.
    this.#copied.delete(partition);
    this.#logs.delete(partition);
    this.positions.remove(partition);
    this.#version = version;
    this.#epoch += 1;
    for (const row of dropped) this.#observer?.changed?.(row, null);
  }

  get(name: RowName): Row | undefined {
    return this.#rows.get(name);
  }

  /** The row of a key in the window that begins at `startMs`, of a table of windows. `keyText`: its bytes as latin1. */
  rowAt(keyText: string, startMs: number): Row | undefined {
    return this.#rows.get(rowName('window', keyText, startMs, 0));
  }

  /** Key and window of a row that has, or had, this name; a window's end is not told. */
  placeOf(name: RowName): Pick<Row, 'keyText' | 'startMs'> {
    return placeOfName(this.declared.shape.kind, name);
  }

  /** The rows in every order that they have. */
  get indexes(): RowIndexes {
    return this.#indexes;
  }

  /** All rows, in no order that means something. */
  all(): Iterable<Row> {
    return this.#rows.values();
  }

  /**
   * What has changed after `version`: of each row what it was then. Null where that is too long ago to be known.
   */
  changedAfter(version: number): ReadonlyMap<RowName, Row | null> | null {
    const first = new Map<RowName, RowChange>();
    for (const log of this.#logs.values()) {
      const changes = log.after(version);
      if (changes === null) return null;
      for (const change of changes) {
        // A key that has moved to another partition has changes in two logs.
        const known = first.get(change.name);
        if (known === undefined || change.version < known.version) first.set(change.name, change);
      }
    }
    return new Map([...first].map(([name, { before }]) => [name, before]));
  }

  /** What has changed from these offsets on: of each row what it was there. Null where that cannot be known. */
  changedSince(positions: PositionVector): ReadonlyMap<RowName, PastRow> | null {
    const past = new Map<RowName, { readonly was: PastRow; readonly partition: number }>();
    for (const [partition, log] of this.#logs) {
      const offset = positions[partition] ?? 0;
      if (!log.knowsRemovalsSince(offset)) return null;
      for (const [name, was] of log.since(offset)) {
        const known = past.get(name);
        if (known === undefined) past.set(name, { was, partition });
        // It has moved to another partition: which change came first cannot be told from offsets.
        else if (known.partition !== partition) past.set(name, { was: 'unknown', partition });
      }
    }
    return new Map([...past].map(([name, { was }]) => [name, was]));
  }
}
