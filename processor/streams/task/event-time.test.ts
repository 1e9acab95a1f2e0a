import { expect, test } from '@jest/globals';
import { eventTimeOf, linksTo } from '../tests/support/event-time.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { StateStore } from '../store/state-store.ts';
import type { SubTopology } from '../topology/topology.ts';
import { stringSerde } from '../index.ts';
import type { EventTime, TimeSource } from './event-time.ts';

const TODAY = Date.UTC(2026, 0, 1);
const PAST = Date.UTC(2023, 0, 1);
const USER_INPUT = 'orders-0';

/** Of a task that keeps event time in a window store. */
function timeOf(task: { taskId: string; readsUserTopics: boolean; timeSources: readonly TimeSource[] }): EventTime {
  const { taskId, readsUserTopics, timeSources } = task;
  const subTopology: SubTopology = {
    id: 0,
    nodes: [],
    sources: [...(readsUserTopics ? [{ topic: 'orders' }] : []), ...timeSources],
    stores: [
      {
        name: 'windows',
        kind: 'window',
        serde: stringSerde,
        retentionMs: 10,
      },
    ],
    writesGroupings: [],
  };
  return eventTimeOf({
    taskId,
    subTopology,
    links: linksTo(...timeSources),
    userInputs: readsUserTopics ? [USER_INPUT] : [],
  });
}

/** The user's topics are read to their end. */
function drain(time: EventTime): void {
  time.arrived(USER_INPUT, { records: [], nextOffset: 0, endOffset: 0, bytes: 0 });
}

async function committed(time: EventTime): Promise<StateStore> {
  const store = openMemoryStore();
  await store.commit({ changes: time.takeChanges(), changelogOffsets: new Map(), inputOffsets: new Map() });
  time.committed();
  return store;
}

test("of the user's topics alone the newest time observed counts, and is recovered from the store", async () => {
  const time = timeOf({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  expect(time.streamTimeMs).toBe(-1);
  time.observe(7);
  time.observe(3);
  expect([time.streamTimeMs, time.progressMs]).toEqual([7, 7]);
  const restored = timeOf({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  restored.load(await committed(time));
  expect(restored.streamTimeMs).toBe(7);
  restored.observe(5);
  expect([restored.streamTimeMs, restored.progressMs]).toEqual([7, 7]);
});

test('a load after an abort forgets what was observed since', () => {
  const time = timeOf({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  time.observe(TODAY);
  time.load(undefined);
  expect(time.streamTimeMs).toBe(-1);
});

test("a repartition topic read further than another does not run ahead of the other's partials", () => {
  const time = timeOf({
    taskId: '1_0',
    readsUserTopics: false,
    timeSources: [
      { grouping: 'x', taskId: '0_0', cyclic: false },
      { grouping: 'y', taskId: '0_0', cyclic: false },
    ],
  });
  time.report('x', { source: '0_0', watermarkMs: TODAY, caughtUp: false });
  expect(time.streamTimeMs).toBe(-1);
  time.report('y', { source: '0_0', watermarkMs: PAST, caughtUp: false });
  expect(time.streamTimeMs).toBe(PAST);
  time.report('y', { source: '0_0', watermarkMs: TODAY, caughtUp: false });
  expect(time.streamTimeMs).toBe(TODAY);
});

test('where both kinds of topic are read, neither runs ahead of the other until it is read to its end', () => {
  const time = timeOf({
    taskId: '1_0',
    readsUserTopics: true,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: false }],
  });
  time.report('x', { source: '0_0', watermarkMs: PAST, caughtUp: false });
  expect([time.streamTimeMs, time.progressMs]).toEqual([-1, -1]);
  time.observe(TODAY);
  expect([time.streamTimeMs, time.progressMs]).toEqual([PAST, PAST]);
  time.report('x', { source: '0_0', watermarkMs: PAST + 1, caughtUp: true });
  expect([time.streamTimeMs, time.progressMs]).toEqual([TODAY, TODAY]);
});

test("the user's topics, read to their end, hold nothing back; after a restart they do until then", async () => {
  const options = {
    taskId: '1_0',
    readsUserTopics: true,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: false }],
  };
  const time = timeOf(options);
  drain(time);
  time.report('x', { source: '0_0', watermarkMs: PAST, caughtUp: false });
  expect(time.streamTimeMs).toBe(PAST);
  const restored = timeOf(options);
  restored.load(await committed(time));
  restored.report('x', { source: '0_0', watermarkMs: TODAY, caughtUp: false });
  expect(restored.streamTimeMs).toBe(PAST);
  drain(restored);
  expect(restored.streamTimeMs).toBe(TODAY);
});

test('what comes back in a circle does not hold back what it is made of', () => {
  const time = timeOf({
    taskId: '0_0',
    readsUserTopics: true,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: true }],
  });
  time.observe(PAST);
  expect([time.streamTimeMs, time.progressMs]).toEqual([-1, PAST]);
  time.report('x', { source: '0_0', watermarkMs: PAST, caughtUp: false });
  expect(time.streamTimeMs).toBe(PAST);
});

test('what was committed beside the offsets is gone on from, but where reports make the time', () => {
  const own = timeOf({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  own.resume(-1);
  own.resume(PAST);
  own.observe(PAST - 1);
  expect([own.streamTimeMs, own.progressMs]).toEqual([PAST, PAST]);
  const behind = timeOf({
    taskId: '1_0',
    readsUserTopics: false,
    timeSources: [{ grouping: 'x', taskId: '0_0', cyclic: false }],
  });
  behind.resume(PAST);
  expect(behind.streamTimeMs).toBe(-1);
});

test('the sources are caught up when all have said so, those that it feeds itself left out', () => {
  const time = timeOf({
    taskId: '1_0',
    readsUserTopics: false,
    timeSources: [
      { grouping: 'x', taskId: '0_0', cyclic: false },
      { grouping: 'x', taskId: '0_1', cyclic: false },
      { grouping: 'y', taskId: '1_0', cyclic: true },
    ],
  });
  expect(time.caughtUp).toBe(false);
  time.report('x', { source: '0_0', watermarkMs: PAST, caughtUp: true });
  expect(time.caughtUp).toBe(false);
  time.report('x', { source: '0_1', watermarkMs: -1, caughtUp: true });
  expect(time.caughtUp).toBe(true);
  time.report('x', { source: '0_0', watermarkMs: TODAY, caughtUp: false });
  expect(time.caughtUp).toBe(false);
  const own = timeOf({ taskId: '0_0', readsUserTopics: true, timeSources: [] });
  expect(own.caughtUp).toBe(false);
  drain(own);
  expect(own.caughtUp).toBe(true);
});
