import type { Processor } from '../../shared/api/processor.ts';
import type { Problem } from '../../shared/api/transport.ts';
import type { Link } from '../../shared/state/connection.ts';
import type { TaskHome } from '../../shared/state/task-moves.ts';
import type { DataQuality, Insights } from '../api/types.ts';
import type { Preferences } from '../url-state.ts';
import type { SeriesModel } from './series-model.ts';
import type { StatesModel } from './states-model.ts';

/** An answer and when it came, epoch milliseconds. */
interface Dated<T> {
  readonly value: T;
  readonly receivedAt: number;
}

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

export interface DashboardState {
  readonly preferences: Preferences;
  /** The page's clock, once a second; epoch milliseconds. */
  readonly now: number;
  /** Last sign of life of the API; 0 before the first. */
  readonly lastHeardAt: number;
  /** When each panel's last answer came. */
  readonly heardAt: Partial<Readonly<Record<Panel, number>>>;
  readonly link: Link;
  readonly browserOnline: boolean;
  /** The newest data. */
  readonly data: LiveData;
  /** What the views draw: the newest, or what was there when the page was paused. */
  readonly shown: LiveData;
  readonly pausedAt: number | null;
  /** Updates that came in and are not shown. */
  readonly held: number;
  readonly problems: Partial<Readonly<Record<Panel, Problem>>>;
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
  return {
    preferences,
    now,
    lastHeardAt: 0,
    heardAt: {},
    link: { phase: 'connecting', attempt: 0 },
    browserOnline: true,
    data: NO_DATA,
    shown: NO_DATA,
    pausedAt: null,
    held: 0,
    problems: {},
  };
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

export function withProblem(state: DashboardState, panel: Panel, problem: Problem | null): DashboardState {
  const { [panel]: _, ...problems } = state.problems;
  return { ...state, problems: problem === null ? problems : { ...problems, [panel]: problem } };
}

/** Notes when a panel's answer came. */
export function withHeard(state: DashboardState, panel: Panel, at: number): DashboardState {
  return { ...state, heardAt: { ...state.heardAt, [panel]: at } };
}

/**
 * Up to when what a panel has is known to be all there is, epoch milliseconds; 0 before its first answer. Each panel
 * has a clock of its own: a subscription that failed stops one panel and not the others. Silence is no age where
 * nothing changed; but processors report every second, and their silence is one.
 */
export function knownUntil(state: DashboardState, panel: Panel): number {
  const { link, problems, heardAt, now, lastHeardAt, data } = state;
  const own = heardAt[panel] ?? 0;
  if (own === 0 || problems[panel]) return own;
  if (link.phase !== 'live') return Math.max(own, lastHeardAt);
  const reporting =
    panel === 'processor' && (data.processor?.value.instances.some((instance) => instance.alive) ?? false);
  return reporting ? own : now;
}

/** The moment that the views draw for: the clock, or when the page was paused. */
export function shownNow(state: DashboardState): number {
  return state.pausedAt ?? state.now;
}
