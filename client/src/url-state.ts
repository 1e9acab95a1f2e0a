/** What a link reproduces. Everything that a person chose is in the address; what is at its default is left out. */
import { RANGE_NAMES } from './state/ranges.ts';
import { MEASURES } from './state/shading.ts';
import { DEVICES } from './state/series-ring.ts';
import { SORT_FIELDS } from './state/table-rows.ts';
import { TILES } from './state/tiles.ts';
import type { Theme } from '../shared/theme.ts';
import type { GdpClass, StateCode } from './api/types.ts';
import type { RangeName } from './state/ranges.ts';
import type { Device } from './state/series-ring.ts';
import type { SeriesMode } from './state/series-window.ts';
import type { Measure } from './state/shading.ts';
import type { Sort } from './state/table-rows.ts';

export type View = 'overview' | 'operations';

export interface Preferences {
  readonly view: View;
  readonly range: RangeName;
  readonly mode: SeriesMode;
  /** Device types left out of the charts. */
  readonly hidden: readonly Device[];
  /** The charts end at the newest login, not at the clock. */
  readonly atNewest: boolean;
  readonly measure: Measure;
  /** The state whose panel is open. */
  readonly state: StateCode | null;
  readonly sort: Sort;
  readonly filterText: string;
  readonly filterGdp: GdpClass | null;
  readonly theme: Theme;
  /** For a screen on a wall: larger, without controls. */
  readonly wall: boolean;
}

export const DEFAULTS: Preferences = {
  view: 'overview',
  range: '1h',
  mode: 'counts',
  hidden: [],
  atNewest: false,
  measure: 'total',
  state: null,
  sort: { field: 'total', descending: true },
  filterText: '',
  filterGdp: null,
  theme: 'system',
  wall: false,
};

const GDP_CLASSES: readonly GdpClass[] = ['HIGH', 'MEDIUM', 'LOW'];
const CODES = TILES.map((tile) => tile.code);

function oneOf<T extends string>(allowed: readonly T[], text: string | null): T | null {
  return allowed.find((value) => value === text) ?? null;
}

/** Reads the query part of an address. What it does not understand is as if it were not there. */
export function readUrl(search: string): Preferences {
  const params = new URLSearchParams(search);
  const hidden = (params.get('hide') ?? '').split(',');
  const sortText = params.get('sort') ?? '';
  const field = oneOf(SORT_FIELDS, sortText.replace(/^-/, ''));
  return {
    view: oneOf(['overview', 'operations'] as const, params.get('view')) ?? DEFAULTS.view,
    range: oneOf(RANGE_NAMES, params.get('range')) ?? DEFAULTS.range,
    mode: oneOf(['counts', 'share'] as const, params.get('mode')) ?? DEFAULTS.mode,
    hidden: DEVICES.filter((device) => hidden.includes(device)),
    atNewest: params.get('at') === 'newest',
    measure: oneOf(MEASURES, params.get('measure')) ?? DEFAULTS.measure,
    state: oneOf(CODES, (params.get('state') ?? '').toUpperCase()),
    sort: field === null ? DEFAULTS.sort : { field, descending: sortText.startsWith('-') },
    filterText: params.get('filter') ?? '',
    filterGdp: oneOf(GDP_CLASSES, (params.get('gdp') ?? '').toUpperCase()),
    theme: oneOf(['system', 'light', 'dark'] as const, params.get('theme')) ?? DEFAULTS.theme,
    wall: params.has('wall'),
  };
}

/** The query part for an address, '' where all is at its default. `readUrl` gives the same preferences back. */
export function writeUrl(preferences: Preferences): string {
  const params = new URLSearchParams();
  const { sort } = preferences;
  const put = (name: string, value: string, standard: string): void => {
    if (value !== standard) params.set(name, value);
  };
  put('view', preferences.view, DEFAULTS.view);
  put('range', preferences.range, DEFAULTS.range);
  put('mode', preferences.mode, DEFAULTS.mode);
  put('hide', preferences.hidden.join(','), '');
  put('at', preferences.atNewest ? 'newest' : 'clock', 'clock');
  put('measure', preferences.measure, DEFAULTS.measure);
  put('state', preferences.state ?? '', '');
  put('sort', `${sort.descending ? '-' : ''}${sort.field}`, '-total');
  put('filter', preferences.filterText, '');
  put('gdp', preferences.filterGdp?.toLowerCase() ?? '', '');
  put('theme', preferences.theme, DEFAULTS.theme);
  put('wall', preferences.wall ? '1' : '', '');
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
