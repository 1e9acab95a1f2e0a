import type { TableChange } from '@tributary/streams';
import { AppliedPositions } from './applied-positions.ts';
import type { LiveTable, RowOrigin } from './live-table.ts';

export interface KeyTableOptions<Key extends string, Row extends RowOrigin> {
  /** Which keys are rows of the table; others are passed over. */
  readonly isKey: (text: string) => text is Key;
  /** The row as of a change, of a tombstone too. Throws on what the processor cannot have written. */
  readonly rowOf: (change: TableChange, version: number) => Row;
}

/** This instance's copy of a key-value store: the newest row of each key. */
export class KeyTable<Key extends string, Row extends RowOrigin> implements LiveTable {
  readonly positions = new AppliedPositions();
  readonly #options: KeyTableOptions<Key, Row>;
  readonly #rows = new Map<Key, Row>();
  #version = 0;
  #epoch = 0;

  constructor(options: KeyTableOptions<Key, Row>) {
    this.#options = options;
  }

  /** The version of the newest change applied here. */
  get version(): number {
    return this.#version;
  }

  /** Grows when rows were dropped: what a subscriber was sent before no longer has a successor. */
  get epoch(): number {
    return this.#epoch;
  }

  apply(change: TableChange, version: number): void {
    const key = change.key.toString('utf8');
    if (this.#options.isKey(key)) {
      this.#rows.set(key, this.#options.rowOf(change, version));
      this.#version = version;
    }
    this.positions.advance(change);
  }

  reset(partition: number, version: number): void {
    for (const [key, row] of this.#rows) if (row.partition === partition) this.#rows.delete(key);
    this.positions.remove(partition);
    this.#version = version;
    this.#epoch += 1;
  }

  get(key: Key): Row | undefined {
    return this.#rows.get(key);
  }

  rows(): Iterable<[Key, Row]> {
    return this.#rows;
  }
}
