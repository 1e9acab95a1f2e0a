import type { DeclaredTable } from './declared-table.ts';
import { byField, byKey, byKeyDescending, byStart, newestFirst, RowIndex } from './row-index.ts';
import { NO_VALUE, type Row, type StartRange } from './row.ts';

/** A field by which rows are ordered; null: the key. */
export interface RowOrder {
  readonly field: string | null;
  readonly direction: 'ASC' | 'DESC';
}

/** The rows of one table in every order that can be asked for. */
export class RowIndexes {
  readonly #declared: DeclaredTable;
  readonly byKey = new RowIndex(byKey);
  /** Of tables with windows or sessions: in the order of time. */
  readonly #byTime: RowIndex | null;
  readonly #orders = new Map<string, RowIndex>();
  readonly #all: readonly RowIndex[];

  constructor(declared: DeclaredTable) {
    const { shape, orderFields, key } = declared;
    this.#declared = declared;
    this.#byTime = shape.kind === 'key-value' ? null : new RowIndex(shape.kind === 'window' ? byStart : newestFirst);
    for (const direction of ['ASC', 'DESC'] as const)
      for (const field of orderFields)
        if (field.name !== key.name)
          this.#orders.set(orderName({ field: field.name, direction }), new RowIndex(byField(field, direction)));
    this.#orders.set(orderName({ field: null, direction: 'DESC' }), new RowIndex(byKeyDescending));
    this.#all = [this.byKey, ...(this.#byTime === null ? [] : [this.#byTime]), ...this.#orders.values()];
  }

  add(row: Row): void {
    for (const index of this.#all) index.add(row);
  }

  delete(row: Row): void {
    for (const index of this.#all) index.delete(row);
  }

  clear(): void {
    for (const index of this.#all) index.clear();
  }

  /** All rows in an order that the table is declared with. */
  in(order: RowOrder): RowIndex {
    const { field, direction } = order;
    const index = field === null && direction === 'ASC' ? this.byKey : this.#orders.get(orderName(order));
    if (index === undefined)
      throw new TypeError(`the table ${this.#declared.name} has no order by ${field ?? 'its key'}`);
    return index;
  }

  /** Of windows by start, of sessions the newest first. */
  get byTime(): RowIndex {
    if (this.#byTime === null) throw new TypeError(`the rows of ${this.#declared.name} have no time`);
    return this.#byTime;
  }

  /** Visits the rows of windows that start in a range, by start, until `visit` returns false. */
  walkTime({ fromMs, toMs }: StartRange, visit: (row: Row) => boolean): void {
    const first = { startMs: fromMs, keyText: '', endMs: 0, value: NO_VALUE };
    this.byTime.walk(first, (row) => row.startMs < toMs && visit(row));
  }

  /** Start of the newest window; null where there is none. */
  get newestStartMs(): number | null {
    return this.#byTime?.last()?.startMs ?? null;
  }

  /** How many windows have rows, of a table of windows. */
  get windowCount(): number | undefined {
    if (this.#declared.shape.kind !== 'window') return undefined;
    let count = 0;
    for (let next = this.#firstStartFrom(0); next !== null; next = this.#firstStartFrom(next + 1)) count += 1;
    return count;
  }

  #firstStartFrom(startMs: number): number | null {
    let found: number | null = null;
    this.walkTime({ fromMs: startMs, toMs: Number.POSITIVE_INFINITY }, (row) => {
      found = row.startMs;
      return false;
    });
    return found;
  }
}

function orderName({ field, direction }: RowOrder): string {
  return `${field ?? ''} ${direction}`;
}
