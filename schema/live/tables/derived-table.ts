import type { TableChange } from '@tributary/streams';
import type { SourceLayout } from '../feed/feed-source.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { LiveTable } from './live-table.ts';
import { RowTable } from './row-table.ts';

/** A copy of a table that keeps more than rows: what is made of them, kept up to date by an observer of `rowTable`. */
export class DerivedTable implements LiveTable {
  readonly rowTable: RowTable;

  constructor(declared: DeclaredTable) {
    this.rowTable = new RowTable(declared);
  }

  apply(change: TableChange, version: number): void {
    this.rowTable.apply(change, version);
  }

  reset(partition: number, version: number): void {
    this.rowTable.reset(partition, version);
  }

  follow(layout: SourceLayout): void {
    this.rowTable.follow(layout);
  }

  copied(positions: ReadonlyMap<number, number>, tombstonesSinceMs: number): void {
    this.rowTable.copied(positions, tombstonesSinceMs);
  }

  get windowCount(): number | undefined {
    return this.rowTable.windowCount;
  }

  get unreadableRow(): string | undefined {
    return this.rowTable.unreadableRow;
  }

  get trouble(): string | null {
    return this.rowTable.trouble;
  }
}
