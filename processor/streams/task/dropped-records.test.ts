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
  const logger = { debug: () => undefined, info: () => undefined, warn: (fields: object) => void lines.push(fields), error: () => undefined };
  const dropped = new DroppedRecords();
  for (const [count, nowMs] of [[1, 0], [2, 1_000], [3, 59_999], [4, 60_000], [5, 119_999]] as const) {
    dropped.add('late', count);
    dropped.committed();
    dropped.tell(logger, '0_0', nowMs);
  }
  dropped.tell(logger, '0_0', 120_000);
  dropped.tell(logger, '0_0', 999_999);
  expect(lines).toEqual([
    { taskId: '0_0', dropped: { late: 1 } },
    { taskId: '0_0', dropped: { late: 9 } },
    { taskId: '0_0', dropped: { late: 5 } },
  ]);
});

test('sums of several tasks leave out what has not occurred', () => {
  expect(sumOfDrops([{ late: 1 }, undefined, { late: 2, 'null-key': 4 }, {}])).toEqual({ late: 3, 'null-key': 4 });
});
