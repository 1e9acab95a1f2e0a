import { expect, test } from '@jest/globals';

import { AttachedPartition } from './attached-partition.ts';
import { PartitionTail } from './changelog-tails.ts';
import type { OwnerRows } from './owner-rows.ts';

const SOURCE = { topic: 't', layout: 'key-value', isChangelog: true, partitions: 1, deleteRetentionMs: 0 } as const;

test('an answer that is older than where another one has begun to follow is asked for again', () => {
  const sought: number[] = [];
  const tail = new PartitionTail(SOURCE, 0, {} as OwnerRows, (offset) => void sought.push(offset));
  const [one, other] = [new AttachedPartition(tail), new AttachedPartition(tail)];
  expect([one.minPosition, other.minPosition]).toEqual([null, null]);
  expect(one.answered(7)).toBe(true);
  // Of a standby: the changes from 6 on would be in neither.
  expect(other.answered(6)).toBe(false);
  expect(other.minPosition).toBe(7);
  expect(other.answered(8)).toBe(true);
  expect([sought, one.position, other.position]).toEqual([[7], 7, 8]);
});
