import { initialLiveState, knownUntil } from '../../shared/state/live-state.ts';
import type { Processor } from '../../shared/api/processor.ts';
import type { Dated, LiveState } from '../../shared/state/live-state.ts';
import type { TaskHome } from '../../shared/state/task-moves.ts';
import type { RowsPage, TableCopy } from '../api/answers.ts';
import type { PageModel, PageTable } from '../api/model.ts';
import type { RowsModel } from './rows.ts';
import type { Preferences } from './url-state.ts';

/** What was asked for by a key, and came. */
interface Keyed<T> {
  readonly key: string;
  readonly value: T;
}

/** What the API told the page. */
export interface LiveData {
  readonly rows: RowsModel | null;
  /** The page of rows that is shown where it is not the first; of the first how many there are. */
  readonly page: Keyed<RowsPage> | null;
  /** Rows of the newest windows. */
  readonly chart: RowsModel | null;
  readonly processor: Dated<Processor> | null;
  readonly homes: ReadonlyMap<string, TaskHome>;
  readonly copies: ReadonlyMap<string, TableCopy> | null;
}

export type Panel = 'rows' | 'page' | 'chart' | 'processor' | 'copies' | 'model';

export interface PageState extends LiveState<LiveData, Panel> {
  readonly preferences: Preferences;
  /** Null before the API told which tables it has. */
  readonly model: PageModel | null;
  /** A person wants to give a token that the API has not asked for: with one it may show more. */
  readonly asksToken: boolean;
  /** Where the pages before the one that is shown end; none on the first. */
  readonly afters: readonly string[];
}

const NO_DATA: LiveData = {
  rows: null,
  page: null,
  chart: null,
  processor: null,
  homes: new Map(),
  copies: null,
};

export function initialState(preferences: Preferences, now: number): PageState {
  return { ...initialLiveState<LiveData, Panel>(NO_DATA, now), preferences, model: null, asksToken: false, afters: [] };
}

/** What is shown of two answers while paused: the one before, unless it was to another question. */
function adopted<T extends { readonly key: string }>(shown: T | null, data: T | null): T | null {
  return shown?.key === data?.key ? shown : data;
}

/** Takes news. While paused they are held back, except what the page never showed: a table or an order just chosen. */
export function withData(state: PageState, patch: Partial<LiveData>): PageState {
  const data = { ...state.data, ...patch };
  if (state.pausedAt === null) return { ...state, data, shown: data };
  const { shown } = state;
  return {
    ...state,
    data,
    shown: {
      rows: adopted(shown.rows, data.rows),
      page: adopted(shown.page, data.page),
      chart: adopted(shown.chart, data.chart),
      processor: shown.processor ?? data.processor,
      homes: shown.processor ? shown.homes : data.homes,
      copies: shown.copies ?? data.copies,
    },
    held: state.held + 1,
  };
}

export function pause(state: PageState, now: number): PageState {
  return state.pausedAt === null ? { ...state, pausedAt: now, held: 0, shown: state.data } : state;
}

export function resume(state: PageState): PageState {
  return { ...state, pausedAt: null, held: 0, shown: state.data };
}

/** The table that is looked at: the one that was chosen, else the first; null where there is none of that name. */
export function tableOf({ model, preferences }: Pick<PageState, 'model' | 'preferences'>): PageTable | null {
  const { table: name } = preferences;
  return (name === null ? model?.tables[0] : model?.tables.find((table) => table.name === name)) ?? null;
}

/** Up to when what a panel has is known to be all there is: what is asked for again and again ages in between. */
export function panelKnownUntil(state: PageState, panel: Panel): number {
  const { processor } = state.data;
  const reporting = panel === 'processor' && (processor?.value.instances.some((instance) => instance.alive) ?? false);
  return knownUntil(state, panel, reporting);
}

/** Whether there is nothing to show before something else is done: a token given, or an API that answers. */
export function isBlocked(state: PageState): boolean {
  return state.link.phase === 'unauthorised' || (state.model === null && state.link.phase !== 'live');
}
