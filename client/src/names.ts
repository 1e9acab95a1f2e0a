/** What the dashboard calls device types and classes, and how it writes a GDP. */
import { formatCount } from '../shared/format.ts';
import type { Device } from './state/series-ring.ts';
import type { GdpClass } from './api/types.ts';

export const DEVICE_NAMES: Readonly<Record<Device, string>> = { ios: 'iOS', android: 'Android', other: 'Other' };
export const GDP_CLASS_NAMES: Readonly<Record<GdpClass, string>> = { HIGH: 'High', MEDIUM: 'Medium', LOW: 'Low' };

/** $4.10 trillion, $712 billion */
export function formatGdp(millionsUsd: number): string {
  return millionsUsd >= 1_000_000
    ? `$${(millionsUsd / 1_000_000).toFixed(2)} trillion`
    : `$${formatCount(Math.round(millionsUsd / 1000))} billion`;
}

/** $4.1T, $712B: for a place of six letters. */
export function formatGdpShort(millionsUsd: number): string {
  return millionsUsd >= 1_000_000
    ? `$${(millionsUsd / 1_000_000).toFixed(1)}T`
    : `$${formatCount(Math.round(millionsUsd / 1000))}B`;
}
