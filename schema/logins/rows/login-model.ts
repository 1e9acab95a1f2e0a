import {
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  DATA_QUALITY,
  HOUR_WINDOWS,
  MINUTE_WINDOWS,
  type WindowDefinition,
} from '../../../processor/logins/names.ts';
import { KeyTable, LiveModel, type LiveModelOptions, type Window, WindowTable } from '@tributary/graphql';
import {
  addCounts,
  type CountRow,
  type Counts,
  isRowKey,
  noCounts,
  type RowKey,
  rowOf,
  subtractCounts,
  totalOf,
} from './count-row.ts';
import { QualityRows } from './quality-rows.ts';

/** One row per state, and one for unattributed logins. */
type StateTable = KeyTable<RowKey, CountRow>;
export type CountWindows = WindowTable<RowKey, CountRow, Counts>;
export type CountWindow = Window<RowKey, CountRow, Counts>;

/** The stores of the login topology, as copied here. */
export type LoginTables = {
  readonly states: StateTable;
  readonly minutes: CountWindows;
  readonly hours: CountWindows;
  readonly quality: QualityRows;
};

export type LoginModel = LiveModel<LoginTables>;

/** An empty copy of all results of the login application. */
export function createLoginModel(options: Omit<LiveModelOptions<LoginTables>, 'tables'>): LoginModel {
  return new LiveModel<LoginTables>({
    ...options,
    tables: {
      states: { store: COUNTS_BY_STATE, table: new KeyTable({ isKey: isRowKey, rowOf }) },
      minutes: { store: COUNTS_BY_STATE_MINUTE, table: countWindows(MINUTE_WINDOWS) },
      hours: { store: COUNTS_BY_STATE_HOUR, table: countWindows(HOUR_WINDOWS) },
      quality: { store: DATA_QUALITY, table: new QualityRows() },
    },
  });
}

function countWindows({ sizeMs, retentionMs }: WindowDefinition): CountWindows {
  return new WindowTable({ sizeMs, retentionMs, isKey: isRowKey, rowOf, sums: SUMS });
}

const SUMS = {
  none: noCounts,
  add: addCounts,
  subtract: subtractCounts,
  isZero: (counts: Readonly<Counts>): boolean => totalOf(counts) === 0,
};
