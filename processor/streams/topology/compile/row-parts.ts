import type { StoreSpec } from '../../store/typed-store.ts';
import type { HeldValue } from '../graph.ts';
import { readStored } from '../stored-value.ts';
import type { TableRow, TableView } from '../task-runtime.ts';
import { storedBytes } from '../user-code.ts';

interface Part {
  readonly spec: StoreSpec<unknown>;
  readonly rows: TableView;
}

/**
 * What each row of a table is made of: one row of each store that its operators and joins go back to. Kept in time, the
 * parts make the row again when the stores no longer have them.
 */
export class RowParts {
  readonly #parts: Part[] = [];
  #made: TableView = NO_ROWS;
  /** Those that are being made something of. */
  #kept: ReadonlyMap<string, HeldValue> = new Map();

  /** `made`: makes the table's view of views of its parts, each by `partOf`. */
  constructor(made: (partOf: (spec: StoreSpec<unknown>, rows: TableView) => TableView) => TableView) {
    this.#made = made((spec, rows) => {
      this.#parts.push({ spec, rows });
      return { row: () => this.#rowOf(spec), before: () => undefined };
    });
  }

  /** The parts of a row as they are now. */
  take(key: unknown): Map<string, HeldValue> {
    const taken = new Map<string, HeldValue>();
    for (const { spec, rows } of this.#parts) {
      const row = rows.row(key);
      if (row === undefined) continue;
      const { timestampMs } = row;
      taken.set(spec.name, { timestampMs, value: storedBytes(spec.name, spec.serde, row.value) });
    }
    return taken;
  }

  /** The row that these parts make. */
  make(key: unknown, parts: ReadonlyMap<string, HeldValue>): TableRow | undefined {
    this.#kept = parts;
    return this.#made.row(key);
  }

  #rowOf({ name, serde }: StoreSpec<unknown>): TableRow | undefined {
    const kept = this.#kept.get(name);
    if (kept === undefined) return undefined;
    return { value: readStored(serde, Buffer.from(kept.value)), timestampMs: kept.timestampMs };
  }
}

const NO_ROWS: TableView = { row: () => undefined, before: () => undefined };
