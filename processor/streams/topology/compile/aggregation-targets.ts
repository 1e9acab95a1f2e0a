import type { Emit } from '../task-runtime.ts';
import type { ChangedRows } from './table.ts';

/** Where the results of an aggregation go. */
export interface AggregationTargets {
  /** Its changed rows. */
  readonly changed: ChangedRows;
  /** What came too late for all of its windows. */
  readonly late: Emit;
}
