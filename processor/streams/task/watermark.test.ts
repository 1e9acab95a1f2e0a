import { expect, test } from '@jest/globals';
import { StreamTime } from './watermark.ts';

test('stream time waits for every source, then is their minimum', () => {
  const time = new StreamTime(['0_0', '0_1']);
  time.report({ source: '0_0', streamTimeMs: 5_000, caughtUp: false });
  expect(time.nowMs).toBe(-1);
  time.report({ source: '0_1', streamTimeMs: 3_000, caughtUp: false });
  expect(time.nowMs).toBe(3_000);
});

test('a source that declared itself caught up is left out; when all did, the newest counts', () => {
  const time = new StreamTime(['0_0', '0_1']);
  time.report({ source: '0_0', streamTimeMs: 1_000, caughtUp: true });
  time.report({ source: '0_1', streamTimeMs: 9_000, caughtUp: false });
  expect(time.nowMs).toBe(9_000);
  time.report({ source: '0_0', streamTimeMs: 12_000, caughtUp: true });
  time.report({ source: '0_1', streamTimeMs: 9_000, caughtUp: true });
  expect(time.nowMs).toBe(12_000);
});

test('a caught-up source that never had a record does not hold time back, a silent one does', () => {
  const time = new StreamTime(['0_0', '0_1']);
  time.report({ source: '0_1', streamTimeMs: 9_000, caughtUp: false });
  expect(time.nowMs).toBe(-1);
  time.report({ source: '0_0', streamTimeMs: -1, caughtUp: true });
  expect(time.nowMs).toBe(9_000);
});

test('stream time never goes back, and survives a restart of a source and of the task', () => {
  const time = new StreamTime(['0_0']);
  time.report({ source: '0_0', streamTimeMs: 9_000, caughtUp: false });
  time.report({ source: '0_0', streamTimeMs: 100, caughtUp: false });
  expect(time.nowMs).toBe(9_000);
  const stored = time.takeChange();
  expect(time.takeChange()).toBeUndefined();
  const restored = new StreamTime(['0_0']);
  restored.load(stored);
  expect(restored.nowMs).toBe(9_000);
});
