import { initialLiveState, knownUntil } from '../../shared/state/live-state.ts';
import type { Processor } from '../../shared/api/processor.ts';
import type { Dated, LiveState } from '../../shared/state/live-state.ts';
import type { TaskHome } from '../../shared/state/task-moves.ts';
import type { DataQuality, Insights } from '../api/types.ts';
import type { Preferences } from '../url-state.ts';
import type { SeriesModel } from './series-model.ts';
import type { StatesModel } from './states-model.ts';

interface Rate {
  readonly perSecond: number | null;
  /** Logins a second by the second, oldest first. */
  readonly steps: readonly number[];
}

/** What the API told the page. */
export interface LiveData {
  readonly states: StatesModel | null;
  readonly series: SeriesModel | null;
  readonly stateSeries: SeriesModel | null;
  readonly insights: Dated<Insights> | null;
  readonly quality: Dated<DataQuality> | null;
  readonly processor: Dated<Processor> | null;
  /** Where each task runs, and since when. */
  readonly homes: ReadonlyMap<string, TaskHome>;
  readonly rate: Rate;
}

export type Panel = 'states' | 'series' | 'stateSeries' | 'insights' | 'quality' | 'processor';

export interface DashboardState extends LiveState<LiveData, Panel> {
  readonly preferences: Preferences;
}

const NO_DATA: LiveData = {
  states: null,
  series: null,
  stateSeries: null,
  insights: null,
  quality: null,
  processor: null,
  homes: new Map(),
  rate: { perSecond: null, steps: [] },
};

export function initialState(preferences: Preferences, now: number): DashboardState {
  return { ...initialLiveState<LiveData, Panel>(NO_DATA, now), preferences };
}

/** A series that later updates do not reach. */
function frozen(series: SeriesModel | null): SeriesModel | null {
  return series && { ...series, ring: series.ring.clone() };
}

/** Takes news. While paused they are held back, except what the page never showed: a range or a state just chosen. */
export function withData(state: DashboardState, patch: Partial<LiveData>): DashboardState {
  const data = { ...state.data, ...patch };
  if (state.pausedAt === null) return { ...state, data, shown: data };
  const { shown } = state;
  const adopted: LiveData = {
    states: shown.states ?? data.states,
    series: shown.series?.key === data.series?.key && shown.series?.version ? shown.series : frozen(data.series),
    stateSeries:
      shown.stateSeries?.key === data.stateSeries?.key && shown.stateSeries?.version
        ? shown.stateSeries
        : frozen(data.stateSeries),
    insights: shown.insights ?? data.insights,
    quality: shown.quality ?? data.quality,
    processor: shown.processor ?? data.processor,
    homes: shown.processor ? shown.homes : data.homes,
    rate: shown.rate,
  };
  return { ...state, data, shown: adopted, held: state.held + 1 };
}

export function pause(state: DashboardState, now: number): DashboardState {
  if (state.pausedAt !== null) return state;
  const { data } = state;
  return {
    ...state,
    pausedAt: now,
    held: 0,
    shown: { ...data, series: frozen(data.series), stateSeries: frozen(data.stateSeries) },
  };
}

export function resume(state: DashboardState): DashboardState {
  return { ...state, pausedAt: null, held: 0, shown: state.data };
}

/** Up to when what a panel has is known to be all there is: processors report every second, while there are any. */
export function panelKnownUntil(state: DashboardState, panel: Panel): number {
  const { processor } = state.data;
  const reporting = panel === 'processor' && (processor?.value.instances.some((instance) => instance.alive) ?? false);
  return knownUntil(state, panel, reporting);
}
