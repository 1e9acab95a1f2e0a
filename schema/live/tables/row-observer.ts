import type { Row } from './row.ts';

/** What an application's own code has to say of the rows of a table, and how it is told of their changes. */
export interface RowObserver {
  /** True: a row whose newest value cannot be read stays as it was; it is left out otherwise. */
  readonly keepsLastValue?: boolean;
  /** @throws Error for a row that cannot be, although its value can be read: it is unreadable then. */
  readonly check?: (row: Row) => void;
  /**
   * Called for each row that has become another one, when the table has it: what it was, and what it is; null: there
   * was none, or there is none any more. Rows that are dropped because their topic is read anew are among them.
   */
  readonly changed?: (before: Row | null, after: Row | null) => void;
}
