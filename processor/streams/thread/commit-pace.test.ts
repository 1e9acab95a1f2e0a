import { expect, test } from '@jest/globals';
import { CommitPace } from './commit-pace.ts';

test('the first commit waits for nothing', () => {
  expect(new CommitPace(100).dueAt(0)).toBe(-Infinity);
});

test('with little to do each sub-topology goes by itself, and commits take a fifth of the time at most', () => {
  const pace = new CommitPace(100);
  pace.committed([0], 1_000, 1_005);
  pace.committed([1], 1_010, 1_018);
  pace.processed(10);
  expect([pace.dueAt(0), pace.dueAt(1), pace.dueAt(2)]).toEqual([1_025, 1_050, -Infinity]);
});

test('the interval is the longest wait, however slow commits are', () => {
  const pace = new CommitPace(100);
  pace.committed([0], 0, 900);
  expect(pace.dueAt(0)).toBe(1_000);
});

test('catching up, all commit together, once an interval', () => {
  const pace = new CommitPace(100);
  pace.committed([0], 1_000, 1_005);
  pace.committed([1], 1_010, 1_018);
  pace.processed(1_999);
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_025, 1_050]);
  pace.processed(1);
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_118, 1_118]);
  pace.committed([0, 1], 1_118, 1_130);
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_178, 1_178]);
});

test('a demand makes everything due, until the next commit', () => {
  const pace = new CommitPace(100);
  pace.committed([0, 1], 1_000, 1_005);
  pace.demand();
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([-Infinity, -Infinity]);
  pace.committed([0], 1_006, 1_008);
  expect(pace.dueAt(1)).toBe(1_025);
});
