import type { KeyTextRange } from '../tables/key-range.ts';

/** Keys from `from` (inclusive) to `to` (exclusive), as latin1; undefined: there is no end on that side. */
export interface KeyBounds {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** The least key that is behind this one. */
const behind = (key: string): string => `${key}\0`;

/** A range as owners are asked for it. `after`: only what is behind this key in the order. */
export function keyBounds(range: KeyTextRange | null, after: string | null, isReverse: boolean): KeyBounds {
  const { prefix = '', from = '', to = null } = range ?? {};
  const lows = [prefix, from, ...(after === null || isReverse ? [] : [behind(after)])];
  const highs = [
    ...(to === null ? [] : [behind(to)]),
    ...(after === null || !isReverse ? [] : [after]),
    ...(behindPrefix(prefix) ?? []),
  ];
  const low = lows.reduce((a, b) => (a > b ? a : b));
  return {
    from: low === '' ? undefined : low,
    to: highs.length === 0 ? undefined : highs.reduce((a, b) => (a < b ? a : b)),
  };
}

/** The least key behind all that begin with `prefix`; undefined where there is none. */
function behindPrefix(prefix: string): readonly [string] | undefined {
  const whole = prefix.replace(/\xff+$/, '');
  if (whole === '') return undefined;
  return [whole.slice(0, -1) + String.fromCharCode(whole.charCodeAt(whole.length - 1) + 1)];
}

/** No key can be between them. */
export function isEmpty({ from = '', to }: KeyBounds): boolean {
  return to !== undefined && from >= to;
}
