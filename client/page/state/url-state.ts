/** What a link reproduces: all that a person chose. What is at its default is left out of the address. */
import { isOperator } from './conditions.ts';
import type { Theme } from '../../shared/theme.ts';
import type { Condition } from './conditions.ts';
import type { RowOrder } from './row-order.ts';

export type View = 'tables' | 'operations';
/** What the lines of a chart are: all keys added up, or one each for the keys that stand out. */
type Lines = 'sum' | 'keys';

export interface Preferences {
  readonly view: View;
  /** Null: the first one. */
  readonly table: string | null;
  /** Null: by key. */
  readonly order: RowOrder | null;
  /** How keys begin. */
  readonly prefix: string;
  readonly conditions: readonly Condition[];
  readonly rowsOfPage: number;
  /** The figure that the chart draws, as a path with dots; null: the first one. */
  readonly figure: string | null;
  readonly lines: Lines;
  /** Keys that were picked by hand; none: those with the largest figures. */
  readonly keys: readonly string[];
  /** Windows that the chart shows. */
  readonly windows: number;
  readonly theme: Theme;
}

export const ROWS_OF_PAGE = [25, 50, 100] as const;
export const DEFAULT_WINDOWS = 24;

export const DEFAULTS: Preferences = {
  view: 'tables',
  table: null,
  order: null,
  prefix: '',
  conditions: [],
  rowsOfPage: 50,
  figure: null,
  lines: 'sum',
  keys: [],
  windows: DEFAULT_WINDOWS,
  theme: 'system',
};

/** What belongs to one table, and goes with it. */
export const OF_ONE_TABLE: Partial<Preferences> = {
  order: DEFAULTS.order,
  prefix: DEFAULTS.prefix,
  conditions: DEFAULTS.conditions,
  figure: DEFAULTS.figure,
  keys: DEFAULTS.keys,
  windows: DEFAULTS.windows,
};

function oneOf<T extends string>(allowed: readonly T[], text: string | null): T | null {
  return allowed.find((value) => value === text) ?? null;
}

function parseOrder(text: string | null): RowOrder | null {
  if (text === null || text === '' || text === '-') return null;
  return text.startsWith('-') ? { field: text.slice(1), descending: true } : { field: text, descending: false };
}

/** `cents.gte.100`: no name of a field has a dot. */
function parseCondition(text: string): Condition[] {
  const [field = '', operator = '', ...rest] = text.split('.');
  return field !== '' && isOperator(operator) ? [{ field, operator, text: rest.join('.') }] : [];
}

/** Reads the query part of an address. What it does not understand is as if it were not there. */
export function readUrl(search: string): Preferences {
  const params = new URLSearchParams(search);
  const rowsOfPage = Number(params.get('rows'));
  const windows = Number(params.get('windows'));
  return {
    view: oneOf(['tables', 'operations'] as const, params.get('view')) ?? DEFAULTS.view,
    table: params.get('table'),
    order: parseOrder(params.get('order')),
    prefix: params.get('prefix') ?? '',
    conditions: params.getAll('where').flatMap(parseCondition),
    rowsOfPage: ROWS_OF_PAGE.find((count) => count === rowsOfPage) ?? DEFAULTS.rowsOfPage,
    figure: params.get('figure'),
    lines: oneOf(['sum', 'keys'] as const, params.get('lines')) ?? DEFAULTS.lines,
    keys: params.getAll('key'),
    windows: Number.isInteger(windows) && windows >= 1 && windows <= 1_500 ? windows : DEFAULTS.windows,
    theme: oneOf(['system', 'light', 'dark'] as const, params.get('theme')) ?? DEFAULTS.theme,
  };
}

/** The query part for an address, '' where all is at its default. `readUrl` gives the same preferences back. */
export function writeUrl(preferences: Preferences): string {
  const params = new URLSearchParams();
  const { order } = preferences;
  const put = (name: string, value: string, standard: string): void => {
    if (value !== standard) params.set(name, value);
  };
  put('view', preferences.view, DEFAULTS.view);
  if (preferences.table !== null) params.set('table', preferences.table);
  if (order !== null) params.set('order', `${order.descending ? '-' : ''}${order.field}`);
  put('prefix', preferences.prefix, '');
  for (const { field, operator, text } of preferences.conditions)
    params.append('where', `${field}.${operator}.${text}`);
  put('rows', String(preferences.rowsOfPage), String(DEFAULTS.rowsOfPage));
  if (preferences.figure !== null) params.set('figure', preferences.figure);
  put('lines', preferences.lines, DEFAULTS.lines);
  for (const key of preferences.keys) params.append('key', key);
  put('windows', String(preferences.windows), String(DEFAULTS.windows));
  put('theme', preferences.theme, DEFAULTS.theme);
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
