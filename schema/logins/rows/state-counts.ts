import { type DeclaredTable, DerivedTable } from '@tributary/graphql';
import { checkNotAhead, type CountRow, countsOf, ROW_KEYS, type RowKey } from './count-row.ts';

/** What is counted of each state, and of the logins without one. A row that cannot be read counts as it did before. */
export class StateCounts extends DerivedTable {
  constructor(declared: DeclaredTable) {
    super(declared);
    this.rowTable.observe({ keepsLastValue: true, check: checkNotAhead });
  }

  get(key: RowKey): CountRow | undefined {
    const row = this.rowTable.get(key);
    return row === undefined ? undefined : countsOf(row);
  }

  *rows(): IterableIterator<[RowKey, CountRow]> {
    for (const key of ROW_KEYS) {
      const row = this.get(key);
      if (row !== undefined) yield [key, row];
    }
  }
}
