import { UNATTRIBUTED } from '../../../processor/logins/names.ts';
import type { TableChange } from '../../../processor/streams/table/global-table-types.ts';
import { AppliedPositions } from '../../live/tables/applied-positions.ts';
import { type CountRow, isRowKey, type RowKey, rowOf } from './count-row.ts';

/** This instance's copy of the store counts-by-state: one row per state, and one for unattributed logins. */
export class StateRows {
  readonly positions = new AppliedPositions();
  readonly #rows = new Map<RowKey, CountRow>();
  #version = 0;
  #epoch = 0;

  /** The version of the newest change applied here. */
  get version(): number {
    return this.#version;
  }

  /** Grows when rows were forgotten: what a subscriber was told before no longer has a successor. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Throws on a value that cannot be read, and then keeps the row as it was. */
  apply(change: TableChange, version: number): void {
    const key = change.key.toString('utf8');
    if (isRowKey(key)) {
      this.#rows.set(key, rowOf(change, version));
      this.#version = version;
    }
    this.positions.note(change);
  }

  reset(partition: number, version: number): void {
    for (const [key, row] of this.#rows) if (row.partition === partition) this.#rows.delete(key);
    this.positions.forget(partition);
    this.#version = version;
    this.#epoch += 1;
  }

  get(key: RowKey): CountRow | undefined {
    return this.#rows.get(key);
  }

  get unattributed(): CountRow | undefined {
    return this.#rows.get(UNATTRIBUTED);
  }

  rows(): Iterable<[RowKey, CountRow]> {
    return this.#rows;
  }
}
