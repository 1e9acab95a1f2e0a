import { expect, test } from '@jest/globals';
import type { Logger } from '@tributary/streams';

import { until } from '../../../tests/support/until.ts';
import { MemoryTail } from '../tests/owned-tables/memory-tail.ts';
import { ChangelogTails, type TailFollower, type TailRecord } from './changelog-tails.ts';
import type { OwnerRows } from './owner-rows.ts';

const SOURCE = { topic: 't', layout: 'key-value', isChangelog: true, partitions: 2, deleteRetentionMs: 0 } as const;

test('a follower that cannot be told of a change is lost, and logged once; another partition’s is told', async () => {
  const logged: unknown[] = [];
  const log = (fields: object): void => void logged.push(fields);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const record = (n: number): TailRecord => ({ offset: n, timestampMs: 1, key: Buffer.from('k'), value: null });
  const records = new Map([0, 1].map((partition) => [partition, [record(0), record(1)]]));
  const tails = new ChangelogTails({ open: () => new MemoryTail('t', records), logger });
  const happened: string[] = [];
  const follower = (partition: number, changed: (offset: number) => void): TailFollower => ({
    keys: new Set(['k']),
    takes: () => true,
    changed: ({ offset }) => changed(offset),
    moved: () => happened.push(`${partition} moved`),
    lost: () => happened.push(`${partition} lost`),
  });
  const rows = { forget: () => undefined } as unknown as OwnerRows;
  const failing = follower(0, () => {
    throw new Error('a test of rows has failed');
  });
  const healthy = follower(1, (offset) => happened.push(`1 at ${offset}`));
  for (const [partition, one] of [failing, healthy].entries()) tails.follow(SOURCE, partition, rows, one).start(0);
  await until(() => happened.includes('1 moved'), 'the changes of the other partition');
  expect(happened).toEqual(['0 lost', '1 at 0', '1 at 1', '1 moved']);
  expect(logged).toEqual([{ topic: 't', partition: 0, error: 'a test of rows has failed' }]);
  expect(tails.size).toBe(1);
  await tails.close();
});
