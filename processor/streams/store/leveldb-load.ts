import { copyBytes } from '../copy-bytes.ts';
import { storePrefix } from './data-key.ts';
import { hashOfBytes } from './key-hash.ts';
import type { KnownKeys } from './known-keys.ts';
import { LoadedRows } from './loaded-rows.ts';
import type { TableFiles } from './manifest-writer.ts';
import type { DigestSum } from './store-digest.ts';
import { TableWriter } from './table-writer.ts';

/** Rows whose memory is asked for together. */
const ROWS_AT_ONCE = 64;

/** The rows that a store is loaded with, by its named stores, until they are written as LevelDB's own files. */
export class LevelDbLoad {
  readonly #stores = new Map<string, LoadedRows>();

  /** Of one named store, for the length of the load. */
  rowsOf(store: string): LoadedRows {
    let rows = this.#stores.get(store);
    if (rows === undefined) {
      // @throws for what is no name of a store.
      storePrefix(store);
      rows = new LoadedRows();
      this.#stores.set(store, rows);
    }
    return rows;
  }

  /** Keys, of deleted rows too. */
  get count(): number {
    return this.#sum((rows) => rows.inOrder().length);
  }

  get sizeBytes(): number {
    return this.#sum((rows) => rows.sizeBytes);
  }

  /** Lets go of rows that later ones have replaced. */
  shrink(): void {
    for (const rows of this.#stores.values()) rows.dropReplaced();
  }

  /** All rows that are not deleted: what `each` is given is good for the length of its call. */
  forEach(each: (store: string, key: Buffer, value: Buffer) => void): void {
    for (const [store, rows] of this.#stores)
      for (const row of rows.inOrder()) {
        const { bytes } = rows;
        const [keyAt, valueAt, valueBytes] = [rows.keyAt(row), rows.valueAt(row), rows.valueBytes(row)];
        if (valueBytes < 0) continue;
        each(store, bytes.subarray(keyAt, keyAt + rows.keyBytes(row)), bytes.subarray(valueAt, valueAt + valueBytes));
      }
  }

  /** Writes the rows into tables, and adds them to the digest and to the keys. */
  async write(files: TableFiles, digest: DigestSum, keys: KnownKeys): Promise<void> {
    const stores = [...this.#stores].sort(([a], [b]) => Buffer.compare(storePrefix(a), storePrefix(b)));
    let table = new TableWriter();
    for (const [store, rows] of stores) {
      const order = rows.inOrder();
      for (let from = 0; from < order.length;) {
        from = fill(table, { prefix: storePrefix(store), rows, order, from }, digest, keys);
        if (!table.isFull) continue;
        await files.add(table.finish());
        table = new TableWriter(files.takeRoom());
      }
    }
    if (!table.isEmpty) await files.add(table.finish());
  }

  #sum(of: (rows: LoadedRows) => number): number {
    let sum = 0;
    for (const rows of this.#stores.values()) sum += of(rows);
    return sum;
  }
}

/**
 * Adds the rows of one store in their order, from a place on and until the table is full, to all that is made of them.
 * Answers where it has stopped.
 */
function fill(
  table: TableWriter,
  { prefix, rows, order, from }: { prefix: Buffer; rows: LoadedRows; order: Uint32Array; from: number },
  digest: DigestSum,
  keys: KnownKeys,
): number {
  const { bytes } = rows;
  const hashes = new Int32Array(ROWS_AT_ONCE);
  let key = Buffer.concat([prefix, Buffer.alloc(256)]);
  for (let index = from; index < order.length;) {
    const end = Math.min(order.length, index + ROWS_AT_ONCE);
    rows.touch(order, index, end);
    let added = 0;
    for (; index < end && !table.isFull; index += 1) {
      const row = order[index] as number;
      const valueBytes = rows.valueBytes(row);
      if (valueBytes < 0) continue;
      const keyBytes = rows.keyBytes(row);
      const wholeBytes = prefix.length + keyBytes;
      if (wholeBytes > key.length) key = Buffer.concat([prefix, Buffer.alloc(2 * keyBytes)]);
      copyBytes(bytes, rows.keyAt(row), keyBytes, key, prefix.length);
      const valueAt = rows.valueAt(row);
      digest.addPart(key, wholeBytes, bytes, valueAt, valueBytes);
      hashes[added] = hashOfBytes(key, 0, wholeBytes);
      added += 1;
      table.add(key, wholeBytes, bytes, valueAt, valueBytes);
    }
    keys.addAll(hashes, added);
    if (table.isFull) return index;
  }
  return order.length;
}
