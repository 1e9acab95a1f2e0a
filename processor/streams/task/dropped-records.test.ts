import { expect, test } from '@jest/globals';
import { DroppedRecords, sumOfDrops } from './dropped-records.ts';

test('what an aborted transaction dropped is not counted', () => {
  const dropped = new DroppedRecords();
  dropped.add('late', 3);
  dropped.aborted();
  dropped.add('late');
  dropped.add('null-key');
  expect(dropped.counts()).toEqual({});
  dropped.committed();
  dropped.committed();
  expect(dropped.counts()).toEqual({ late: 1, 'null-key': 1 });
});

test('the log is told at once, then once a minute, of all that was dropped since', () => {
  const lines: object[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields: object) => void lines.push(fields),
    error: () => undefined,
  };
  const dropped = new DroppedRecords();
  for (const [count, nowMs] of [
    [1, 0],
    [2, 1_000],
    [3, 59_999],
    [4, 60_000],
    [5, 119_999],
  ] as const) {
    dropped.add('late', count);
    dropped.committed();
    dropped.log(logger, '0_0', nowMs);
  }
  dropped.log(logger, '0_0', 120_000);
  dropped.log(logger, '0_0', 999_999);
  expect(lines).toEqual([
    { taskId: '0_0', dropped: { late: 1 } },
    { taskId: '0_0', dropped: { late: 9 } },
    { taskId: '0_0', dropped: { late: 5 } },
  ]);
});

test('sums of several tasks leave out what has not occurred', () => {
  expect(sumOfDrops([{ late: 1 }, undefined, { late: 2, 'null-key': 4 }, {}])).toEqual({ late: 3, 'null-key': 4 });
});

test('a window table that leaves out more than it takes is named, with a record that was too late', () => {
  const lines: [object, string][] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields: object, message: string) => void lines.push([fields, message]),
    error: () => undefined,
  };
  const dropped = new DroppedRecords();
  const hours = dropped.intakeOf('hours');
  const days = dropped.intakeOf('days');
  const example = { place: 'orders-3', timestampMs: Date.UTC(2023, 0, 1), streamTimeMs: Date.UTC(2026, 0, 1) };
  hours.taken(3);
  hours.leftOut(4, example);
  days.taken(7);
  days.leftOut(7, example);
  dropped.aborted();
  dropped.committed();
  dropped.log(logger, '0_3', 0);
  expect(lines).toEqual([]);

  hours.taken(3);
  hours.leftOut(4, example);
  days.taken(7);
  days.leftOut(7, example);
  dropped.committed();
  expect(dropped.counts()).toEqual({ late: 11 });
  dropped.log(logger, '0_3', 0);
  expect(lines.shift()).toEqual([
    { taskId: '0_3', dropped: { late: 11 }, tables: [{ store: 'hours', taken: 3, late: 4, ...example }] },
    'records were dropped: the windows of "hours" left out more than they took (4 and 3) because it came too ' +
      'late: stream time is 2026-01-01T00:00:00.000Z, a record of orders-3 is of 2023-01-01T00:00:00.000Z',
  ]);

  // The next line is about what came since: a minute in which nearly all is in time.
  hours.taken(100);
  dropped.intakeOf('hours').leftOut(1, { ...example, timestampMs: 1e18 });
  dropped.committed();
  dropped.log(logger, '0_3', 59_999);
  expect(lines).toEqual([]);
  dropped.log(logger, '0_3', 60_000);
  expect(lines.shift()).toEqual([{ taskId: '0_3', dropped: { late: 1 } }, 'records were dropped']);
});
