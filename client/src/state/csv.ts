import { csvOf } from '../../shared/csv.ts';
import type { State } from '../api/types.ts';

/** The states as shown, in their order, with exact values. */
export function statesCsv(states: readonly State[]): string {
  return csvOf(
    ['code', 'state', 'gdp_class', 'gdp_millions_usd', 'gdp_year', 'ios', 'android', 'other', 'total', 'last_login_at'],
    states.map(({ code, name, gdp, devices, lastLoginAt }) => [
      code,
      name,
      gdp.class,
      gdp.millionsUsd,
      gdp.year,
      devices.ios,
      devices.android,
      devices.other,
      devices.total,
      lastLoginAt,
    ]),
  );
}
