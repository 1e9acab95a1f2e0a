import { expect, test } from '@jest/globals';
import { applySeriesUpdate, emptySeries } from './series-model.ts';
import type { TimeSeriesUpdate } from '../api/types.ts';

const MINUTE_MS = 60_000;

function update(
  kind: TimeSeriesUpdate['kind'],
  points: readonly (readonly [minute: number, ios: number])[],
): TimeSeriesUpdate {
  return {
    kind,
    cursor: 'c',
    resolution: 'MINUTE',
    points: points.map(([minute, ios]) => ({
      start: new Date(minute * MINUTE_MS).toISOString(),
      devices: { ios, android: 0, other: 0 },
    })),
  };
}

test('a delta sets windows to absolute values and leaves the others', () => {
  let model = applySeriesUpdate(
    emptySeries('k', MINUTE_MS, 10),
    update('SNAPSHOT', [
      [1, 1],
      [2, 2],
    ]),
    true,
  );
  model = applySeriesUpdate(
    model,
    update('DELTA', [
      [2, 5],
      [3, 1],
    ]),
    false,
  );
  expect([1, 2, 3].map((minute) => model.ring.get(minute * MINUTE_MS)?.ios)).toEqual([1, 5, 1]);
  expect(model.version).toBe(2);
});

test('a snapshot forgets windows that it does not name', () => {
  let model = applySeriesUpdate(
    emptySeries('k', MINUTE_MS, 10),
    update('SNAPSHOT', [
      [1, 1],
      [2, 2],
    ]),
    true,
  );
  model = applySeriesUpdate(model, update('SNAPSHOT', [[2, 3]]), true);
  expect(model.ring.get(MINUTE_MS)).toBeNull();
});

test('only a window that changes a whole window after its end is a revision, and none after an absence', () => {
  let model = applySeriesUpdate(
    emptySeries('k', MINUTE_MS, 10),
    update('SNAPSHOT', [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ]),
    true,
  );
  model = applySeriesUpdate(model, update('DELTA', [[2, 9]]), true);
  expect(model.ring.get(2 * MINUTE_MS)?.revised).toBe(false);
  model = applySeriesUpdate(
    model,
    update('DELTA', [
      [1, 9],
      [3, 9],
      [4, 9],
      [5, 1],
    ]),
    false,
  );
  expect([1, 3, 4, 5].map((minute) => model.ring.get(minute * MINUTE_MS)?.revised)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
