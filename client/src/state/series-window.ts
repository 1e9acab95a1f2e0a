import { DEVICES } from './series-ring.ts';
import type { Columns } from '../../shared/state/columns.ts';
import type { Device, SeriesRing } from './series-ring.ts';

export type SeriesMode = 'counts' | 'share';

/** One window as the chart and its table show it. */
export interface WindowView {
  /** Start and end of the window, epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Null: not known, because the page was cut off or the copy is not whole. */
  readonly counts: Readonly<Record<Device, number>> | null;
  readonly state: 'whole' | 'in-progress' | 'revised' | 'unknown';
}

export interface SeriesView {
  readonly from: number;
  readonly to: number;
  readonly windows: readonly WindowView[];
}

export interface SeriesViewInput {
  readonly ring: SeriesRing;
  readonly spanMs: number;
  /** What is shown as one window: the ring's own, or several of them together. */
  readonly stepMs: number;
  /** Right edge: the clock, or the end of the newest window. Epoch milliseconds. */
  readonly to: number;
  /** Up to when the page knows that it heard everything. */
  readonly knownUntil: number;
  /** Windows that start at or after this may still grow as a matter of course. */
  readonly settledUntil: number;
}

/**
 * Every window that touches the last `spanMs` up to `to`; windows without a login are zeros as far as they are known.
 */
export function seriesView({ ring, spanMs, stepMs, to, knownUntil, settledUntil }: SeriesViewInput): SeriesView {
  const from = to - spanMs;
  const windows: WindowView[] = [];
  for (let start = Math.floor(from / stepMs) * stepMs; start < to; start += stepMs) {
    const end = start + stepMs;
    const sum = { ios: 0, android: 0, other: 0 };
    let found = false;
    let revised = false;
    for (let at = start; at < end; at += ring.windowMs) {
      const point = ring.get(at);
      if (!point) continue;
      found = true;
      revised ||= point.revised;
      for (const device of DEVICES) sum[device] += point[device];
    }
    const known = found || start < knownUntil;
    const state = !known
      ? 'unknown'
      : end > Math.min(settledUntil, knownUntil)
        ? 'in-progress'
        : revised
          ? 'revised'
          : 'whole';
    windows.push({ start, end, counts: known ? sum : null, state });
  }
  return { from, to, windows };
}

export function totalOf(counts: Readonly<Record<Device, number>>): number {
  return counts.ios + counts.android + counts.other;
}

/**
 * What a window adds to a line: a count, or a share from 0 to 1. Null breaks the line: unknown, or a share of nothing.
 */
export function valueOf(window: WindowView, device: Device, mode: SeriesMode): number | null {
  if (window.counts === null) return null;
  if (mode === 'counts') return window.counts[device];
  const total = totalOf(window.counts);
  return total === 0 ? null : window.counts[device] / total;
}

/**
 * A window is drawn at its end, the one in progress at the right edge. Windows in progress are apart from the line of
 * the whole ones: joined to it, an unfinished minute would be read as a fall.
 */
export function columnsOf(view: SeriesView, mode: SeriesMode): Columns {
  const { windows } = view;
  const xs = windows.map((window) => Math.min(window.end, view.to) / 1000);
  const solid: (number | null)[][] = [];
  const tails: (number | null)[][] = [];
  for (const device of DEVICES) {
    solid.push(windows.map((window) => (window.state === 'in-progress' ? null : valueOf(window, device, mode))));
    tails.push(windows.map((window) => (window.state === 'in-progress' ? valueOf(window, device, mode) : null)));
  }
  return [xs, ...solid, ...tails];
}

/** Sums over the windows that are known. */
export function sumOf(view: SeriesView): Record<Device, number> {
  const sum = { ios: 0, android: 0, other: 0 };
  for (const { counts } of view.windows) {
    if (counts) for (const device of DEVICES) sum[device] += counts[device];
  }
  return sum;
}
