import { expect, test } from '@jest/globals';
import { shareMetadata, type TopicMetadata } from './shared-metadata.ts';

const topic = (leaders: readonly number[], name = 'logins'): TopicMetadata => ({
  topic: name,
  partitionMetadata: leaders.map((leader, partitionId) => ({ partitionId, leader, isr: [leader] })),
});

test('what two clients were told alike is kept once', () => {
  const [one, other] = [topic([1, 2]), topic([1, 2])];
  shareMetadata([one]);
  shareMetadata([topic([1, 2], 'others'), other]);
  expect(other.partitionMetadata).toBe(one.partitionMetadata);
});

test('a client that hears of a new leader has it, and the others what they were told', () => {
  const [one, other] = [topic([1, 2]), topic([1, 3])];
  shareMetadata([one]);
  shareMetadata([other]);
  expect([one, other].map(({ partitionMetadata }) => partitionMetadata.map(({ leader }) => leader))).toEqual([
    [1, 2],
    [1, 3],
  ]);
  const late = topic([1, 3]);
  shareMetadata([late]);
  expect(late.partitionMetadata).toBe(other.partitionMetadata);
});
