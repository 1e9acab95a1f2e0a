import { DEADLINE_MS } from './until.ts';

/**
 * Speed is judged where nothing else runs: in `npm run chaos`, under `CHAOS=full npm test -- integration`, and in the
 * browser tests with DASHBOARD_MINUTES set. Inside `npm test` no duration and no rate can fail: another process may
 * have the cores.
 */
export const judgesSpeed = process.env['CHAOS'] === 'full' || process.env['DASHBOARD_MINUTES'] !== undefined;

/** What was measured, held to its bound where speed is judged. @throws beyond it. */
export function expectWithin(measuredMs: number, boundMs: number): void {
  if (judgesSpeed && !(measuredMs < boundMs))
    throw new Error(`it took ${measuredMs.toFixed(0)} ms, the bound is ${String(boundMs)} ms`);
}

/**
 * How long to wait for what should come within `boundMs`: that long where speed is judged, and up to the one deadline
 * elsewhere.
 */
export const within = (boundMs: number): number => (judgesSpeed ? boundMs : DEADLINE_MS);
