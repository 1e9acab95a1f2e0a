import type { StoreSpec } from '../store/typed-store.ts';
import type { Serde } from './serdes.ts';
import { sessionWindowedSerde, timeWindowedSerde } from './windowed-serdes.ts';
import { isSession, isSliding, isUnlimited, windowEndOf, type Windows } from './windows.ts';

/** How an aggregation keeps its rows: what of its store follows from its windows. */
export function layoutOf(windows: Windows | undefined, key: Serde<unknown>): Omit<StoreSpec, 'name' | 'serde'> {
  if (windows === undefined) return { kind: 'key-value', key };
  if (isUnlimited(windows)) return { kind: 'window', key, retentionMs: Infinity, windowSizeMs: Infinity };
  const { graceMs, retentionMs } = windows;
  if (isSession(windows)) return { kind: 'session', key, retentionMs: Math.max(retentionMs, windows.gapMs + graceMs) };
  if (!isSliding(windows))
    return { kind: 'window', key, retentionMs, windowSizeMs: windows.sizeMs, windowAdvanceMs: windows.advanceMs };
  const { differenceMs } = windows;
  return {
    kind: 'window',
    key,
    // A record that is late for its own window may still be in that behind it, and asks for those in front of both.
    retentionMs: Math.max(retentionMs, graceMs + 2 * differenceMs) + 1,
    windowSizeMs: differenceMs,
    windowAdvanceMs: 1,
    indexed: true,
    timed: true,
  };
}

/** The keys of the table: `Windowed` where there are windows. */
export function tableKeySerde(windows: Windows | undefined, key: Serde<unknown>): Serde<unknown> {
  if (windows === undefined) return key;
  return (
    isSession(windows) ? sessionWindowedSerde(key) : timeWindowedSerde(key, windowEndOf(windows, 0))
  ) as Serde<unknown>;
}
