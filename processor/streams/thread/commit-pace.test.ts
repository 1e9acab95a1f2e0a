import { expect, test } from '@jest/globals';
import { CommitPace } from './commit-pace.ts';

test('the first commit waits for nothing', () => {
  expect(new CommitPace(100).dueAt(0)).toBe(-Infinity);
});

test('with little to do each sub-topology goes by itself, and commits take a fifth of the time at most', () => {
  const pace = new CommitPace(100);
  pace.committed([0], { startedAt: 1_000, endedAt: 1_005 });
  pace.committed([1], { startedAt: 1_010, endedAt: 1_018 });
  pace.processed(10);
  expect([pace.dueAt(0), pace.dueAt(1), pace.dueAt(2)]).toEqual([1_025, 1_050, -Infinity]);
});

test('the interval is the longest wait, however slow commits are', () => {
  const pace = new CommitPace(100);
  pace.committed([0], { startedAt: 0, endedAt: 900 });
  expect(pace.dueAt(0)).toBe(1_000);
});

test('catching up, all commit together, once an interval', () => {
  const pace = new CommitPace(100);
  pace.committed([0], { startedAt: 1_000, endedAt: 1_005 });
  pace.committed([1], { startedAt: 1_010, endedAt: 1_018 });
  pace.processed(1_999);
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_025, 1_050]);
  pace.processed(1);
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_118, 1_118]);
  pace.committed([0, 1], { startedAt: 1_118, endedAt: 1_130 });
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_178, 1_178]);
});

test('a demand makes everything due, until the next commit', () => {
  const pace = new CommitPace(100);
  pace.committed([0, 1], { startedAt: 1_000, endedAt: 1_005 });
  pace.demand();
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([-Infinity, -Infinity]);
  pace.committed([0], { startedAt: 1_006, endedAt: 1_008 });
  expect(pace.dueAt(1)).toBe(1_025);
});

const by = (endedAt: number, tookMs: number) => ({ startedAt: endedAt - tookMs, endedAt });
const to1 = (name: string, nextOffset: number) => ({ from: 0, to: 1, name, nextOffset });

test('what a commit has sent to a later sub-topology is due there when all of it is fetched, and not before', () => {
  const pace = new CommitPace(100);
  pace.committed([1], by(1_000, 5));
  pace.committed([0], { ...by(1_010, 5), sent: [to1('r-0', 7), to1('r-1', 9), to1('r-0', 8)] });
  expect(pace.dueAt(1)).toBe(1_020);
  pace.fetched(1, 'r-0', 7);
  pace.fetched(1, 'r-1', 10);
  pace.fetched(0, 'r-0', 8);
  expect(pace.dueAt(1)).toBe(1_020);
  pace.fetched(1, 'r-0', 8);
  expect(pace.dueAt(1)).toBe(-Infinity);
  pace.committed([1], by(1_018, 5));
  expect(pace.dueAt(1)).toBe(1_038);
});

test('what is sent by two commits before one of the later sub-topology is waited for together', () => {
  const pace = new CommitPace(100);
  pace.committed([0], { ...by(1_000, 5), sent: [to1('r-0', 7)] });
  pace.fetched(1, 'r-0', 7);
  pace.committed([0], { ...by(1_050, 5), sent: [to1('r-1', 3)] });
  expect(pace.dueAt(1)).toBe(1_060);
  pace.fetched(1, 'r-1', 3);
  expect(pace.dueAt(1)).toBe(-Infinity);
});

test('what a commit sends to a sub-topology that commits together with it is for its next commit', () => {
  const pace = new CommitPace(100);
  pace.committed([0, 1], { ...by(1_000, 5), sent: [to1('r-0', 7)] });
  pace.fetched(1, 'r-0', 7);
  expect(pace.dueAt(1)).toBe(-Infinity);
});

test('the first of a chain pauses as long as the slowest of it asks for', () => {
  const pace = new CommitPace(100);
  pace.committed([0], { ...by(1_000, 5), sent: [to1('r-0', 7)] });
  expect(pace.dueAt(0)).toBe(1_020);
  pace.committed([1], { ...by(1_010, 8), sent: [{ from: 1, to: 2, name: 's-0', nextOffset: 1 }] });
  expect(pace.dueAt(0)).toBe(1_032);
  pace.committed([2], by(1_025, 12));
  expect([pace.dueAt(0), pace.dueAt(1), pace.dueAt(2)]).toEqual([1_048, 1_058, 1_073]);
  // Its tasks may have gone to another thread.
  pace.committed([0], by(1_050, 5));
  expect(pace.dueAt(0)).toBe(1_070);
});

test('sub-topologies in a circle, and one that sends to itself, keep their pauses', () => {
  const pace = new CommitPace(100);
  pace.committed([0], by(1_010, 5));
  pace.committed([1], {
    ...by(1_000, 5),
    sent: [
      { from: 1, to: 0, name: 'r-0', nextOffset: 1 },
      { ...to1('s-0', 1), from: 1 },
    ],
  });
  pace.fetched(0, 'r-0', 1);
  pace.fetched(1, 's-0', 1);
  expect([pace.dueAt(0), pace.dueAt(1)]).toEqual([1_030, 1_020]);
});

test('two that send in turn what is not fetched put the commit behind them off for no longer than one of them', () => {
  const pace = new CommitPace(100);
  const last = { 0: 0, 1: 6, 2: 0 };
  pace.committed([2], by(0, 5));
  let longest = 0;
  let offset = 0;
  for (let now = 0; now < 5_000; now += 1) {
    for (const from of [0, 1] as const) {
      if (now - last[from] < 12) continue;
      last[from] = now;
      offset += 1;
      pace.committed([from], { ...by(now, 5), sent: [{ from, to: 2, name: `r-${String(from)}`, nextOffset: offset }] });
    }
    if (pace.dueAt(2) > now) continue;
    longest = Math.max(longest, now - last[2]);
    last[2] = now;
    pace.committed([2], by(now, 5));
  }
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThanOrEqual(100);
});
