import { expect, test } from '@jest/globals';
import { Watermark } from './watermark.ts';

test('the watermark waits for every source, then is their minimum', () => {
  const time = new Watermark(['0_0', '0_1']);
  time.report({ source: '0_0', watermarkMs: 5_000, caughtUp: false });
  expect(time.nowMs).toBe(-1);
  time.report({ source: '0_1', watermarkMs: 3_000, caughtUp: false });
  expect(time.nowMs).toBe(3_000);
});

test('a source that declared itself caught up is left out; when all did, the newest counts', () => {
  const time = new Watermark(['0_0', '0_1']);
  time.report({ source: '0_0', watermarkMs: 1_000, caughtUp: true });
  time.report({ source: '0_1', watermarkMs: 9_000, caughtUp: false });
  expect(time.nowMs).toBe(9_000);
  time.report({ source: '0_0', watermarkMs: 12_000, caughtUp: true });
  time.report({ source: '0_1', watermarkMs: 9_000, caughtUp: true });
  expect(time.nowMs).toBe(12_000);
});

test('a caught-up source that never had a record does not hold time back, a silent one does', () => {
  const time = new Watermark(['0_0', '0_1']);
  time.report({ source: '0_1', watermarkMs: 9_000, caughtUp: false });
  expect(time.nowMs).toBe(-1);
  time.report({ source: '0_0', watermarkMs: -1, caughtUp: true });
  expect(time.nowMs).toBe(9_000);
});

test('the watermark never goes back, and survives a restart of a source and of the task', () => {
  const time = new Watermark(['0_0']);
  time.report({ source: '0_0', watermarkMs: 9_000, caughtUp: false });
  time.report({ source: '0_0', watermarkMs: 100, caughtUp: false });
  expect(time.nowMs).toBe(9_000);
  const stored = time.takeChange();
  expect(time.takeChange()).toBeUndefined();
  const restored = new Watermark(['0_0']);
  restored.load(stored);
  expect(restored.nowMs).toBe(9_000);
});
