import { csvOf } from '../../shared/csv.ts';
import { fieldsOf, hasWindows, valueOf } from '../api/model.ts';
import type { Row } from '../api/answers.ts';
import type { PageTable } from '../api/model.ts';

function cellOf(value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Rows as they are shown, in their order, with exact values; nested ones as JSON. */
export function rowsCsv(table: PageTable, rows: readonly Row[]): string {
  const names = fieldsOf(table).map(({ name }) => name);
  const windowed = hasWindows(table);
  return csvOf(
    [...names, ...(windowed ? ['window_start', 'window_end'] : [])],
    rows.map((row) => {
      const { window } = row as { window?: { start: string; end: string } };
      return [
        ...names.map((name) => cellOf(valueOf(table, row, name))),
        ...(windowed ? [cellOf(window?.start), cellOf(window?.end)] : []),
      ];
    }),
  );
}
