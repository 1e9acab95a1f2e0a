import type { State } from '../api/types.ts';

/** Quotes what needs it (RFC 4180), and disarms what a spreadsheet would take for a formula. */
function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvOf(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  return [header, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

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
