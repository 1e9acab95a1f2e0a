/** Values of rows as people read them. */
import { formatMoment, NONE } from '../../shared/format.ts';
import { fieldLabel } from '../api/selection.ts';
import type { PageType } from '../api/model.ts';

const number = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 15 });

/** 1,234,567.5: also of numbers that no JavaScript number holds. */
export function formatNumber(value: number | string): string {
  if (typeof value === 'number') return number.format(value);
  return value.replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** Whether values of a type stand right in a column, one figure under the other. */
export function isNumeric(type: PageType): boolean {
  return type.kind === 'scalar' && ['Int', 'Count', 'SafeInt', 'Float', 'BigInt'].includes(type.name);
}

/** A plain value in one line. `now`: epoch milliseconds. */
export function formatPlain(value: unknown, type: PageType, now: number): string {
  if (value === null || value === undefined) return NONE;
  if (isNumeric(type) && (typeof value === 'number' || typeof value === 'string')) return formatNumber(value);
  if (type.kind === 'scalar' && type.name === 'DateTime' && typeof value === 'string') return formatMoment(value, now);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of an object in the order of the answer, by the names that people know. */
export function partsOf(value: Fields): readonly (readonly [label: string, value: unknown])[] {
  return Object.entries(value)
    .filter(([name]) => name !== '__typename')
    .map(([name, part]) => [fieldLabel(name), part] as const);
}

/** Which member of a union an object is; null for any other object. */
export function memberOf(value: Fields): string | null {
  return typeof value['__typename'] === 'string' ? value['__typename'] : null;
}

/** Any value in one line, however deep: `city Berlin, zip 10115`; a list by its items. */
export function summaryOf(value: unknown): string {
  if (value === null || value === undefined) return NONE;
  if (Array.isArray(value)) return value.length === 0 ? NONE : value.map(summaryOf).join(', ');
  if (!isFields(value)) return typeof value === 'number' ? formatNumber(value) : String(value);
  const parts = partsOf(value).map(([label, part]) => `${label} ${nestedSummary(part)}`);
  return [memberOf(value), parts.join(', ')].filter((part) => part !== null && part !== '').join(': ') || NONE;
}

function nestedSummary(value: unknown): string {
  const summary = summaryOf(value);
  return typeof value === 'object' && value !== null && summary !== NONE ? `(${summary})` : summary;
}

/** The value at a path of fields. */
export function valueAt(row: Fields, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isFields(value) ? value[name] : undefined), row);
}

const UNITS = ['bytes', 'kB', 'MB', 'GB'] as const;

/** 312 bytes, 4.2 kB, 17 MB. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_000 && unit < UNITS.length - 1) [value, unit] = [value / 1_000, unit + 1];
  const digits = unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value).toString();
  return `${digits} ${UNITS[unit] ?? ''}`;
}
