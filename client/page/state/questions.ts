/** What the page asks for, by what a person chose. */
import { hasWindows } from '../api/model.ts';
import { MOST_WINDOWS } from '../api/operations.ts';
import { checkConditions, parseValue } from './conditions.ts';
import { MOST_LINES } from './window-lines.ts';
import type { PageTable } from '../api/model.ts';
import type { PageState } from './page-state.ts';
import type { RowOrder } from './row-order.ts';
import type { Preferences } from './url-state.ts';

/** An operation's variables, and the key that the answer is known by. */
export interface Question {
  readonly key: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** More rows than these are not drawn without being asked for by their keys. */
export const MOST_CHART_ROWS = 20_000;

/** A field as the API's orders name it. */
export function orderName(field: string): string {
  return field.toUpperCase();
}

/** The order that was chosen, where rows can be ordered so. */
export function chosenOrder(table: PageTable, { order }: Preferences): RowOrder | null {
  return order !== null && table.orderFields.includes(order.field) ? order : null;
}

/** Whether rows are followed as they change: those of a table that processors hold only for a range of its keys. */
export function isFollowed(table: PageTable, { prefix }: Preferences): boolean {
  return table.held === 'everywhere' || (table.key.isText && prefix !== '');
}

/** The first page of rows, or the one behind `after`. */
export function rowsQuestion(table: PageTable, preferences: Preferences, after: string | null): Question {
  const { filter } = checkConditions(table, preferences.conditions);
  const prefix = table.key.isText ? preferences.prefix : '';
  const order = chosenOrder(table, preferences);
  const variables = {
    first: preferences.rowsOfPage,
    ...(filter === null ? {} : { filter }),
    ...(order === null
      ? {}
      : { orderBy: { field: orderName(order.field), direction: order.descending ? 'DESC' : 'ASC' } }),
    ...(prefix === '' ? {} : { range: { prefix } }),
    ...(after === null ? {} : { after }),
  };
  return { key: keyOf(table, variables), variables };
}

/** The same rows as they change: those of all windows that an API follows. */
export function rowsLiveQuestion(table: PageTable, preferences: Preferences): Question {
  const { variables } = rowsQuestion(table, preferences, null);
  const live = hasWindows(table) ? { ...variables, last: MOST_WINDOWS } : variables;
  return { key: keyOf(table, live), variables: live };
}

/**
 * Rows for the chart; null where there is none, or too many of them. Of a table whose count the viewer is not told all
 * that he may see is asked for.
 */
export function chartQuestion(table: PageTable, state: PageState): Question | null {
  if (table.shape.kind !== 'window' || table.held !== 'everywhere') return null;
  const { keys, windows } = state.preferences;
  const rows = state.data.copies?.get(table.name)?.rows;
  if (keys.length === 0 && (rows === undefined || (rows ?? 0) > MOST_CHART_ROWS)) return null;
  const named = keys.slice(0, MOST_LINES).flatMap((key) => {
    const parsed = parseValue(key, table.key.type);
    return 'value' in parsed ? [parsed.value] : [];
  });
  const asked = keys.length === 0 ? {} : { filter: { [table.key.name]: { in: named } } };
  const variables = { last: windows, ...asked };
  return { key: keyOf(table, variables), variables };
}

function keyOf({ name }: PageTable, variables: object): string {
  return JSON.stringify([name, variables]);
}
