import { StreamsError } from '../errors.ts';
import { rowKeyOf, type RowKey } from '../store/row-key.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import { storeKeys } from '../store/store-keys.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { storedSerde } from '../store/versioned-store.ts';

/** A committed row of a store. */
export interface StoreRow<V, K = string> {
  readonly key: K;
  /** Of window stores. */
  readonly startMs?: number;
  readonly endMs?: number;
  readonly value: V;
}

/** A committed row, in bytes. */
interface Row {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** The committed rows of the stores, over all partitions, without rows of the runtime's own. */
export class CommittedRows {
  /** By store, then by partition and key, the one written last at the end. */
  readonly #rows = new Map<string, Map<string, Row>>();

  /** A null value deletes. */
  keep(store: string, partition: number, key: Buffer, value: Buffer | null): void {
    if (isRuntimeRow(key)) return;
    const rows = this.#rows.get(store) ?? new Map<string, Row>();
    this.#rows.set(store, rows);
    const id = `${String(partition)} ${key.toString('latin1')}`;
    rows.delete(id);
    if (value !== null) rows.set(id, { partition, key, value });
  }

  /** By the bytes of their keys, then by window start. */
  of<V, K>(spec: StoreSpec<unknown>): StoreRow<V, K>[] {
    const keys = storeKeys(spec.key);
    const valueOf = storedSerde(spec);
    const found = [...(this.#rows.get(spec.name)?.values() ?? [])].map(({ partition, key, value }) => {
      const { key: keyBytes, ...window } = rowKeyOf(spec, key) as RowKey;
      return { partition, keyBytes, window, value };
    });
    found.sort(
      (a, b) =>
        a.keyBytes.compare(b.keyBytes) ||
        (a.window.startMs ?? 0) - (b.window.startMs ?? 0) ||
        (a.window.endMs ?? 0) - (b.window.endMs ?? 0) ||
        a.partition - b.partition,
    );
    const rows = found.map(({ keyBytes, window, value }) => ({
      key: keys.keyOf(keyBytes) as K,
      ...window,
      value: valueOf.deserialize(value) as V | null,
    }));
    if (spec.kind !== 'versioned') return rows as StoreRow<V, K>[];
    // The newest of each key, where that has a value.
    return rows.flatMap(({ key, value }, at) => {
      const [row, next] = [found[at], found[at + 1]];
      const isNewest = next === undefined || row === undefined || !next.keyBytes.equals(row.keyBytes);
      return isNewest && value !== null ? [{ key, value }] : [];
    });
  }

  /**
   * Of a key that several partitions have, the row written last.
   * @throws StreamsError CONFIG_INVALID for a store whose rows have more than a key.
   */
  byKey<V, K>({ name, kind, serde, key: keySerde }: StoreSpec<unknown>): Map<K, V> {
    if (kind !== 'key-value')
      throw new StreamsError(
        'CONFIG_INVALID',
        `store("${name}") is a ${kind} store, whose rows have a key and a window: read them with rows("${name}")`,
      );
    const keys = storeKeys(keySerde);
    const rows = new Map<K, V>();
    for (const { key, value } of this.#rows.get(name)?.values() ?? [])
      rows.set(keys.keyOf(key) as K, serde.deserialize(value) as V);
    return rows;
  }
}
