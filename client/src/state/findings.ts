import { shareOf } from '../../shared/format.ts';
import type { Insights, State, StateCode } from '../api/types.ts';
import type { StatesModel } from './states-model.ts';

/** A state and by how much one device type leads the other there. */
export interface Lead {
  readonly state: State;
  readonly by: 'ios' | 'android';
  /** Difference of the two shares, 0 to 1. */
  readonly margin: number;
}

function leadOf(state: State): Lead {
  const { ios, android, total } = state.devices;
  return { state, by: ios > android ? 'ios' : 'android', margin: shareOf(Math.abs(ios - android), total) ?? 0 };
}

/**
 * The states that the API found to have more of one device type than of the other, widest margin first (ties by code).
 * The counts are those of the page, so that a finding never contradicts the figure beside it.
 */
export function leadsOf(model: StatesModel, found: readonly { readonly code: StateCode }[]): Lead[] {
  return found
    .flatMap(({ code }) => model.byCode.get(code) ?? [])
    .map(leadOf)
    .sort((a, b) => b.margin - a.margin || (a.state.code < b.state.code ? -1 : 1));
}

/** Of a typical state's logins: with fewer, a lead says little. */
const TELLING = 0.25;

/** The widest lead that says something: five logins to none in the smallest state are no finding. */
export function widestOf({ byCode, totals }: StatesModel, leads: readonly Lead[]): Lead | undefined {
  const telling = (totals.total / byCode.size) * TELLING;
  return leads.find(({ state }) => state.devices.total >= telling) ?? leads[0];
}

/** The narrowest scale of whole percents that shows the iOS and Android shares of all classes: [low, high], 0 to 1. */
export function shareScale(classes: Insights['byGdpClass']): [low: number, high: number] {
  const shares = classes
    .flatMap(({ devices }) => [shareOf(devices.ios, devices.total), shareOf(devices.android, devices.total)])
    .filter((share) => share !== null);
  if (shares.length === 0) return [0, 1];
  const low = Math.floor(Math.min(...shares) * 100 - 0.5);
  const high = Math.ceil(Math.max(...shares) * 100 + 0.5);
  // Differences of a tenth of a percent must not look like a landslide.
  const widen = Math.max(0, MIN_SPAN_PERCENT - (high - low));
  const from = Math.max(0, low - Math.floor(widen / 2));
  return [from / 100, Math.min(100, Math.max(high, from + MIN_SPAN_PERCENT)) / 100];
}

const MIN_SPAN_PERCENT = 4;
