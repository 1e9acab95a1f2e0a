import { messageOf, StreamsError } from '../errors.ts';
import { offsetOf, recordPlace } from '../kafka/topic-partition.ts';
import { storeKeys, type StoreKeys } from '../store/store-keys.ts';
import type { GlobalTableNode } from '../topology/graph.ts';
import { copyOf } from '../topology/own-values.ts';
import { DeadLetter, type ConsumerRecord } from '../topology/record.ts';
import type { TableRow, TableView } from '../topology/task-runtime.ts';
import { settled } from '../topology/user-code.ts';

interface GlobalRow extends TableRow {
  readonly partition: number;
}

/** A row of a global table, for who goes through it. */
export interface GlobalRowEntry {
  readonly partition: number;
  readonly keyBytes: Buffer;
  readonly key: unknown;
  readonly value: unknown;
}

/** One global table in memory: all rows of all partitions of its topic. */
class GlobalTableCopy implements TableView {
  readonly node: GlobalTableNode;
  readonly #keys: StoreKeys<unknown>;
  readonly #rows = new Map<string, GlobalRow>();

  constructor(node: GlobalTableNode) {
    this.node = node;
    this.#keys = storeKeys(node.key);
  }

  /** A value of the caller's own. */
  row(key: unknown): TableRow | undefined {
    const row = this.#rows.get(this.#keys.idOf(key));
    return row === undefined ? undefined : { value: copyOf(row.value), timestampMs: row.timestampMs };
  }

  before(key: unknown): TableRow | undefined {
    return this.row(key);
  }

  rowOfBytes(keyBytes: Buffer): TableRow | undefined {
    return this.row(this.#keys.keyOf(keyBytes));
  }

  /** @throws what its decoder or its serde throws; an Error for what it answers instead of a value. */
  apply(record: ConsumerRecord, nowMs: number): void {
    const { key: keyBytes, partition, timestampMs } = record;
    if (keyBytes === null) return;
    const id = this.#keys.idOf(settled(this.#keys.keyOf(keyBytes)));
    // A null value deletes: the decoder does not see it.
    const value: unknown =
      record.unreadable ?? (record.value === null ? null : settled(this.node.decode(record, nowMs)));
    if (value instanceof DeadLetter) throw new Error(`${value.reason}: ${value.message}`);
    if (value === undefined) throw new TypeError('decode returned undefined: it returns a value, or a DeadLetter');
    if (value === null) this.#rows.delete(id);
    else this.#rows.set(id, { value, timestampMs, partition });
  }

  forget(partition: number): void {
    for (const [id, row] of this.#rows) if (row.partition === partition) this.#rows.delete(id);
  }

  entries(): GlobalRowEntry[] {
    return [...this.#rows].map(([id, { value, partition }]) => {
      const keyBytes = this.#keys.bytesOf(id);
      return { partition, keyBytes, key: this.#keys.keyOf(keyBytes), value: copyOf(value) };
    });
  }
}

/** The global tables of a topology, a copy for one stream thread: what is read of their topics is put in here. */
export class GlobalTables {
  /** Each once. */
  readonly topics: readonly string[];
  readonly #tables: readonly GlobalTableCopy[];

  constructor(nodes: readonly GlobalTableNode[]) {
    this.#tables = nodes.map((node) => new GlobalTableCopy(node));
    this.topics = [...new Set(nodes.map(({ topic }) => topic))];
  }

  /** The rows of the table of this name; undefined: there is none. */
  viewOf(store: string): TableView | undefined {
    return this.#tables.find(({ node }) => node.table === store);
  }

  /** By the bytes of its key. */
  rowOf(store: string, keyBytes: Buffer): TableRow | undefined {
    return this.#tables.find(({ node }) => node.table === store)?.rowOfBytes(keyBytes);
  }

  /** In the order of their arrival; undefined: there is no table of this name. */
  entries(store: string): GlobalRowEntry[] | undefined {
    return this.#tables.find(({ node }) => node.table === store)?.entries();
  }

  /** @throws StreamsError its serde's; USER_CODE_FAILED naming the record: no table with a hole may be joined with. */
  apply(record: ConsumerRecord, nowMs: number): void {
    for (const table of this.#tables) {
      if (table.node.topic !== record.topic) continue;
      try {
        table.apply(record, nowMs);
      } catch (error) {
        if (error instanceof StreamsError) throw error;
        throw new StreamsError(
          'USER_CODE_FAILED',
          `the global table "${table.node.table}" cannot take ${recordPlace(record)}: ${messageOf(error)}`,
          { cause: error, ...offsetOf(record) },
        );
      }
    }
  }

  /** Nothing of this partition counts any more. */
  forget(topic: string, partition: number): void {
    for (const table of this.#tables) if (table.node.topic === topic) table.forget(partition);
  }
}
