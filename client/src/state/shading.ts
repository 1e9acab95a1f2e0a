import type { GdpClass, State } from '../api/types.ts';

export const MEASURES = ['total', 'ios', 'android', 'gdp'] as const;
export type Measure = (typeof MEASURES)[number];

export const SHADES = 5;

/** Of the shades, those that stand for a class. */
export const CLASS_SHADES: Readonly<Record<GdpClass, number>> = { LOW: 1, MEDIUM: 3, HIGH: 5 };

/**
 * What the map shades a state by: logins, a device type's share of them (0 to 1), or GDP in millions of dollars. Null:
 * no logins.
 */
export function measureOf({ devices, gdp }: Pick<State, 'devices' | 'gdp'>, measure: Measure): number | null {
  if (measure === 'gdp') return gdp.millionsUsd;
  if (devices.total === 0) return null;
  return measure === 'total' ? devices.total : devices[measure] / devices.total;
}

/** The range that the shades divide, and whether values lie outside of it. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly someBelow: boolean;
  readonly someAbove: boolean;
}

/** Share of the values at either end that may lie outside: one odd state must not paint all others alike. */
const OUTSIDE = 0.05;

export function scaleOf(values: Iterable<number | null>): Scale | null {
  const sorted = [...values].filter((value) => value !== null).sort((a, b) => a - b);
  const low = sorted[Math.floor(sorted.length * OUTSIDE)];
  const high = sorted[Math.ceil(sorted.length * (1 - OUTSIDE)) - 1];
  if (low === undefined || high === undefined) return null;
  return { low, high, someBelow: (sorted[0] ?? low) < low, someAbove: (sorted.at(-1) ?? high) > high };
}

/**
 * 0 for no logins, else 1 (the least) to 5 (the most), in equal steps. Where all states are alike they get the middle
 * shade.
 */
export function shadeOf(value: number | null, scale: Scale | null): number {
  if (value === null || scale === null) return 0;
  if (value > scale.high) return SHADES;
  if (value < scale.low) return 1;
  if (scale.high === scale.low) return Math.ceil(SHADES / 2);
  return Math.min(SHADES, 1 + Math.floor(((value - scale.low) / (scale.high - scale.low)) * SHADES));
}
