import type { DeviceCounts, Freshness, State, StateCode, StatesUpdate } from '../api/types.ts';

/** The page's copy of all states. Never changed in place: a new one is made for each update. */
export interface StatesModel {
  /** Of the update that this copy is as new as. */
  readonly cursor: string;
  readonly byCode: ReadonlyMap<StateCode, State>;
  readonly totals: DeviceCounts;
  readonly unattributed: DeviceCounts;
  readonly freshness: Freshness;
}

/**
 * Merges an update. A SNAPSHOT replaces everything; a DELTA brings absolute values of changed rows, so that taking one
 * twice changes nothing. A DELTA without a model to merge into cannot happen (it follows a cursor of ours) and is
 * taken as all there is.
 */
export function applyStatesUpdate(model: StatesModel | null, update: StatesUpdate): StatesModel {
  const byCode = new Map<StateCode, State>(update.kind === 'DELTA' && model ? model.byCode : []);
  for (const state of update.states) byCode.set(state.code, state);
  return {
    cursor: update.cursor,
    byCode,
    totals: update.totals,
    unattributed: update.unattributed,
    freshness: update.freshness,
  };
}

/** A state's place by total, 1 for the most logins; equal totals rank by code, as in the API's answers. */
export function rankOf(model: StatesModel, code: StateCode): number {
  const own = model.byCode.get(code)?.devices.total ?? 0;
  let rank = 1;
  for (const other of model.byCode.values()) {
    if (other.devices.total > own || (other.devices.total === own && other.code < code)) rank += 1;
  }
  return rank;
}
