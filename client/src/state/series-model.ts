import { SeriesRing } from './series-ring.ts';
import type { StateCode, TimeSeriesUpdate } from '../api/types.ts';
import type { RangeName } from './ranges.ts';

/** A live series: the ring is changed in place, `version` tells views that it was. */
export interface SeriesModel {
  /** What was asked for; a model of another key is never shown for this one. */
  readonly key: string;
  readonly ring: SeriesRing;
  readonly version: number;
}

/** Names what a series was asked for: a range, over all logins or one state's. */
export function seriesKey(range: RangeName, code: StateCode | null): string {
  return `${range} ${code ?? 'all'}`;
}

export function emptySeries(key: string, windowMs: number, windows: number): SeriesModel {
  return { key, ring: new SeriesRing(windowMs, windows + 1), version: 0 };
}

/**
 * Merges an update into the model's ring.
 * @param resumed the first update of a (re)subscription: its windows make up for an absence and are no revisions
 */
export function applySeriesUpdate(model: SeriesModel, update: TimeSeriesUpdate, resumed: boolean): SeriesModel {
  const { ring } = model;
  // A window is revised when it changes after a whole window has passed since its end, by event time.
  const revisedBefore = ring.newest - ring.windowMs;
  const marks = update.kind === 'DELTA' && !resumed;
  if (update.kind === 'SNAPSHOT') ring.clear();
  for (const { start, devices } of update.points) {
    const startMs = Date.parse(start);
    ring.set({ start: startMs, ...devices }, marks && startMs < revisedBefore && ring.get(startMs) !== null);
  }
  return { ...model, version: model.version + 1 };
}
