import type { DeviceCounts } from '../api/types.ts';

export type Measure = 'total' | 'ios' | 'android';
export const MEASURES: readonly Measure[] = ['total', 'ios', 'android'];

export const SHADES = 5;

/** What the map shades a state by: logins, or a device type's share of them (0 to 1). Null: no logins. */
export function measureOf(devices: DeviceCounts, measure: Measure): number | null {
  if (devices.total === 0) return null;
  return measure === 'total' ? devices.total : devices[measure] / devices.total;
}

/** Equal steps from the smallest value to the largest; the legend names both, for the steps may be small. */
export interface Scale {
  readonly min: number;
  readonly max: number;
}

export function scaleOf(values: Iterable<number | null>): Scale | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value === null) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return min > max ? null : { min, max };
}

/** 0 for no logins, else 1 (the least) to 5 (the most). Where all states are alike they get the middle shade. */
export function shadeOf(value: number | null, scale: Scale | null): number {
  if (value === null || scale === null) return 0;
  if (scale.max === scale.min) return Math.ceil(SHADES / 2);
  return Math.min(SHADES, 1 + Math.floor(((value - scale.min) / (scale.max - scale.min)) * SHADES));
}
