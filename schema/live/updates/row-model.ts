import type { AnyLiveModel } from '../tables/live-model.ts';

/** A model as updates of rows need it. */
export interface RowModel extends AnyLiveModel {
  /** The wall clock, epoch milliseconds. */
  now(): number;
}
