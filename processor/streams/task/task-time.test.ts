import { expect, test } from '@jest/globals';
import { TaskTime } from './task-time.ts';

const TODAY = Date.UTC(2026, 0, 1);
const PAST = Date.UTC(2023, 0, 1);

test("of the user's topics alone the newest time observed counts, and is recovered from the store", () => {
  const time = new TaskTime({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  expect(time.streamTimeMs).toBe(-1);
  time.observe(7);
  time.observe(3);
  expect([time.streamTimeMs, time.progressMs]).toEqual([7, 7]);
  const stored = time.takeChange();
  const restored = new TaskTime({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  restored.load(stored);
  expect(restored.streamTimeMs).toBe(7);
  restored.observe(5);
  expect([restored.streamTimeMs, restored.progressMs]).toEqual([7, 7]);
});

test('a load after an abort forgets what was observed since', () => {
  const time = new TaskTime({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  time.observe(TODAY);
  time.load(undefined);
  expect(time.streamTimeMs).toBe(-1);
});

test("a repartition topic read further than another does not run ahead of the other's partials", () => {
  const time = new TaskTime({
    taskId: '1_0',
    readsUserTopics: false,
    timeSources: [
      { grouping: 'x', taskId: '0_0', cyclic: false },
      { grouping: 'y', taskId: '0_0', cyclic: false },
    ],
  });
  time.report('x', { source: '0_0', streamTimeMs: TODAY, caughtUp: false });
  expect(time.streamTimeMs).toBe(-1);
  time.report('y', { source: '0_0', streamTimeMs: PAST, caughtUp: false });
  expect(time.streamTimeMs).toBe(PAST);
  time.report('y', { source: '0_0', streamTimeMs: TODAY, caughtUp: false });
  expect(time.streamTimeMs).toBe(TODAY);
});

test('where both kinds of topic are read, neither runs ahead of the other until it is read to its end', () => {
  const time = new TaskTime({
    taskId: '1_0',
    readsUserTopics: true,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: false }],
  });
  time.report('x', { source: '0_0', streamTimeMs: PAST, caughtUp: false });
  expect([time.streamTimeMs, time.progressMs]).toEqual([-1, -1]);
  time.observe(TODAY);
  expect([time.streamTimeMs, time.progressMs]).toEqual([PAST, PAST]);
  time.report('x', { source: '0_0', streamTimeMs: PAST + 1, caughtUp: true });
  expect([time.streamTimeMs, time.progressMs]).toEqual([TODAY, TODAY]);
});

test("the user's topics, read to their end, hold nothing back; after a restart they do until they are again", () => {
  const options = {
    taskId: '1_0',
    readsUserTopics: true,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: false }],
  };
  const time = new TaskTime(options);
  time.drained(true);
  time.report('x', { source: '0_0', streamTimeMs: PAST, caughtUp: false });
  expect(time.streamTimeMs).toBe(PAST);
  const restored = new TaskTime(options);
  restored.load(time.takeChange());
  restored.report('x', { source: '0_0', streamTimeMs: TODAY, caughtUp: false });
  expect(restored.streamTimeMs).toBe(PAST);
  restored.drained(true);
  expect(restored.streamTimeMs).toBe(TODAY);
});

test('what comes back in a circle does not hold back what it is made of', () => {
  const time = new TaskTime({
    taskId: '0_0',
    readsUserTopics: true,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: true }],
  });
  time.observe(PAST);
  expect([time.streamTimeMs, time.progressMs]).toEqual([-1, PAST]);
  time.report('x', { source: '0_0', streamTimeMs: PAST, caughtUp: false });
  expect(time.streamTimeMs).toBe(PAST);
});

test('what was committed beside the offsets is gone on from, but where reports make the time', () => {
  const own = new TaskTime({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  own.resume(-1);
  own.resume(PAST);
  own.observe(PAST - 1);
  expect([own.streamTimeMs, own.progressMs]).toEqual([PAST, PAST]);
  const behind = new TaskTime({
    taskId: '1_0',
    readsUserTopics: false,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: false }],
  });
  behind.resume(PAST);
  expect(behind.streamTimeMs).toBe(-1);
});

test('the sources are caught up when all have said so, those that it feeds itself left out', () => {
  const time = new TaskTime({
    taskId: '1_0',
    readsUserTopics: false,
    timeSources: [
      { grouping: 'x', taskId: '0_0', cyclic: false },
      { grouping: 'x', taskId: '0_1', cyclic: false },
      { grouping: 'y', taskId: '1_0', cyclic: true },
    ],
  });
  expect(time.sourcesCaughtUp).toBe(false);
  time.report('x', { source: '0_0', streamTimeMs: PAST, caughtUp: true });
  expect(time.sourcesCaughtUp).toBe(false);
  time.report('x', { source: '0_1', streamTimeMs: -1, caughtUp: true });
  expect(time.sourcesCaughtUp).toBe(true);
  time.report('x', { source: '0_0', streamTimeMs: TODAY, caughtUp: false });
  expect(time.sourcesCaughtUp).toBe(false);
  expect(new TaskTime({ taskId: '0_0', readsUserTopics: true, timeSources: [] }).sourcesCaughtUp).toBe(true);
});
