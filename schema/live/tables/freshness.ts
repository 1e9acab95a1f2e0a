import type { AnyLiveModel } from './live-model.ts';

/** How current a result is. */
export interface Freshness {
  /** Newest event time of what the result holds, epoch milliseconds; null when it holds nothing. */
  readonly asOf: number | null;
  readonly complete: boolean;
  /** Input records not processed yet; null while that is unknown. */
  readonly lag: number | null;
}

/** `newestEventMs`: of what the result holds; 0 when it holds nothing. */
export function freshness(model: AnyLiveModel, newestEventMs: number): Freshness {
  return {
    asOf: newestEventMs === 0 ? null : newestEventMs,
    complete: model.tableState.complete,
    lag: model.lag(),
  };
}
