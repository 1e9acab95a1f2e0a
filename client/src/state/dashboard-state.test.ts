import { expect, test } from '@jest/globals';
import { DEFAULTS } from '../url-state.ts';
import { withHeard, withProblem } from '../../shared/state/live-state.ts';
import { initialState, panelKnownUntil, pause, resume, withData } from './dashboard-state.ts';
import { applySeriesUpdate, emptySeries } from './series-model.ts';
import type { TimeSeriesUpdate } from '../api/types.ts';
import type { SeriesModel } from './series-model.ts';
import type { StatesModel } from './states-model.ts';

function states(total: number): StatesModel {
  const counts = { ios: total, android: 0, other: 0, total };
  return {
    cursor: 'c',
    byCode: new Map(),
    totals: counts,
    unattributed: counts,
    freshness: { asOf: null, complete: true, lag: 0 },
  };
}

function series(key: string, ios: number, before?: SeriesModel): SeriesModel {
  const update: TimeSeriesUpdate = {
    kind: before ? 'DELTA' : 'SNAPSHOT',
    cursor: 'c',
    resolution: 'MINUTE',
    points: [{ start: '1970-01-01T00:01:00.000Z', devices: { ios, android: 0, other: 0 } }],
  };
  return applySeriesUpdate(before ?? emptySeries(key, 60_000, 4), update, false);
}

const iosShown = (model: SeriesModel | null): number | undefined => model?.ring.get(60_000)?.ios;

test('paused: news is held back and counted; resumed: the newest is shown at once', () => {
  let state = withData(initialState(DEFAULTS, 0), { states: states(1) });
  state = pause(state, 5);
  state = withData(withData(state, { states: states(2) }), { states: states(3) });
  expect([state.shown.states?.totals.total, state.held, state.pausedAt]).toEqual([1, 2, 5]);
  state = resume(state);
  expect([state.shown.states?.totals.total, state.held, state.pausedAt]).toEqual([3, 0, null]);
});

test('paused: the series on screen stands still although its ring goes on', () => {
  const first = series('1h all', 1);
  let state = pause(withData(initialState(DEFAULTS, 0), { series: first }), 5);
  state = withData(state, { series: series('1h all', 2, first) });
  expect(iosShown(state.shown.series)).toBe(1);
  expect(iosShown(resume(state).shown.series)).toBe(2);
});

test('paused: a range chosen now is shown once, and then stands still too', () => {
  let state = pause(withData(initialState(DEFAULTS, 0), { series: series('1h all', 1) }), 5);
  const other = series('6h all', 7);
  state = withData(state, { series: other });
  expect([state.shown.series?.key, iosShown(state.shown.series)]).toEqual(['6h all', 7]);
  state = withData(state, { series: series('6h all', 8, other) });
  expect(iosShown(state.shown.series)).toBe(7);
});

test('a problem of one panel comes and goes alone', () => {
  let state = withProblem(initialState(DEFAULTS, 0), 'series', { code: 'NOT_READY', message: 'm' });
  state = withProblem(state, 'insights', { code: 'X', message: 'm' });
  state = withProblem(state, 'series', null);
  expect(Object.keys(state.problems)).toEqual(['insights']);
});

test('each panel ages by a clock of its own', () => {
  const live = {
    ...withHeard(withHeard(initialState(DEFAULTS, 0), 'states', 1_000), 'insights', 2_000),
    now: 60_000,
    lastHeardAt: 58_000,
  };
  const linked = { ...live, link: { phase: 'live', transport: 'websocket' } } as const;
  // Nothing changed is not old; nothing heard at all is not known.
  expect([panelKnownUntil(linked, 'states'), panelKnownUntil(linked, 'series')]).toEqual([60_000, 0]);
  expect(panelKnownUntil({ ...live, link: { phase: 'waiting', attempt: 1, retryAt: 0, detail: '' } }, 'states')).toBe(
    58_000,
  );
  const failed = withProblem(linked, 'insights', { code: 'NOT_READY', message: '' });
  expect([panelKnownUntil(failed, 'insights'), panelKnownUntil(failed, 'states')]).toEqual([2_000, 60_000]);
});

test('processors report every second: their silence ages, unless none is left to report', () => {
  const instance = {
    id: 'a',
    host: 'a',
    startedAt: '',
    reportedAt: '',
    alive: true,
    threads: 1,
    recordsPerSecond: 0,
    tasks: [],
  };
  const processor = (alive: boolean) => ({
    value: { applicationId: 'a', guarantee: 'g', topology: '', lag: 0, instances: [{ ...instance, alive }] },
    receivedAt: 1_000,
  });
  const state = {
    ...withHeard(initialState(DEFAULTS, 0), 'processor', 1_000),
    now: 60_000,
    link: { phase: 'live', transport: 'websocket' },
  } as const;
  expect(panelKnownUntil(withData(state, { processor: processor(true) }), 'processor')).toBe(1_000);
  expect(panelKnownUntil(withData(state, { processor: processor(false) }), 'processor')).toBe(60_000);
});
