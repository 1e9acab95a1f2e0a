import type { GdpClass, State } from '../api/types.ts';

export const SORT_FIELDS = ['name', 'gdp', 'ios', 'android', 'other', 'total', 'share'] as const;
export type SortField = (typeof SORT_FIELDS)[number];

export interface Sort {
  readonly field: SortField;
  readonly descending: boolean;
}

export interface RowFilter {
  /** Part of a name or a code; any case. */
  readonly text: string;
  readonly gdpClass: GdpClass | null;
}

/** A state's share of iOS in all its logins; null without logins. */
export function iosShare(state: State): number | null {
  return state.devices.total === 0 ? null : state.devices.ios / state.devices.total;
}

function keyOf(state: State, field: SortField): number | string {
  switch (field) {
    case 'name':
      return state.name;
    case 'gdp':
      return state.gdp.millionsUsd;
    case 'share':
      return iosShare(state) ?? -1;
    default:
      return state.devices[field];
  }
}

/** The rows that fit the filter, in order; equal keys by code, ascending whatever the direction, as the API has it. */
export function rowsOf(states: Iterable<State>, filter: RowFilter, sort: Sort): State[] {
  const text = filter.text.trim().toLowerCase();
  const rows = [...states].filter(
    (state) =>
      (filter.gdpClass === null || state.gdp.class === filter.gdpClass) &&
      (text === '' || state.name.toLowerCase().includes(text) || state.code.toLowerCase() === text),
  );
  const sign = sort.descending ? -1 : 1;
  return rows.sort((a, b) => {
    const left = keyOf(a, sort.field);
    const right = keyOf(b, sort.field);
    if (left === right) return a.code < b.code ? -1 : 1;
    return left < right ? -sign : sign;
  });
}

/** Numbers and short texts start columns, first descending; names ascending. */
export function nextSort(current: Sort, field: SortField): Sort {
  return current.field === field ? { field, descending: !current.descending } : { field, descending: field !== 'name' };
}
