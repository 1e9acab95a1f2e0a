import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonSerde } from '../topology/serdes.ts';
import { openMemoryStore } from './memory-store.ts';
import type { StateStore } from './state-store.ts';
import { decodeWindowKey } from './window-key.ts';
import { createWindowStore } from './window-store.ts';
import type { LiveWindowStore } from './typed-store.ts';

const MINUTE_MS = 60_000;
const spec = {
  name: 'by-minute',
  kind: 'window',
  serde: jsonSerde<number>(),
  windowSizeMs: MINUTE_MS,
  retentionMs: 5 * MINUTE_MS,
} as const;

let state: StateStore;
let windows: LiveWindowStore<string, number>;
let lookups: number;

beforeEach(() => {
  state = openMemoryStore();
  lookups = 0;
  const keysBelow = state.keysBelow.bind(state);
  state.keysBelow = (...args) => {
    lookups += 1;
    return keysBelow(...args);
  };
  windows = createWindowStore(spec, state);
});

const commit = async (): Promise<void> => {
  await state.commit({ changes: windows.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  windows.clear();
};

const committedWindows = async (): Promise<string[]> => {
  const found: string[] = [];
  for await (const [key] of state.entries('by-minute')) {
    const window = decodeWindowKey(key);
    found.push(`${window.windowStartMs / MINUTE_MS}${window.key}`);
  }
  return found;
};

test('the same key in two windows is two entries', async () => {
  windows.put('CA', 0, 1);
  windows.put('CA', MINUTE_MS, 2);
  await commit();
  windows.delete('CA', 0);
  expect(windows.get('CA', 0)).toBeUndefined();
  expect(windows.get('CA', MINUTE_MS)).toBe(2);
  expect(windows.get('CA', 2 * MINUTE_MS)).toBeUndefined();
});

test('flush keeps the order of first change across windows', () => {
  windows.put('B', MINUTE_MS, 1);
  windows.put('A', 0, 1);
  windows.put('C', MINUTE_MS, 1);
  windows.put('B', MINUTE_MS, 2);
  expect(windows.flush().map(({ key, value }) => [decodeWindowKey(key).key, value?.toString()])).toEqual([
    ['B', '2'],
    ['A', '1'],
    ['C', '1'],
  ]);
});

test('a window expires when its end, not its start, is at the horizon', async () => {
  windows.put('CA', 0, 1);
  windows.put('CA', MINUTE_MS, 1);
  await commit();
  expect(await windows.expireBefore(MINUTE_MS - 1, 10)).toHaveLength(0);
  expect(await windows.expireBefore(MINUTE_MS, 10)).toHaveLength(1);
  expect(windows.get('CA', 0)).toBeUndefined();
  expect(windows.get('CA', MINUTE_MS)).toBe(1);
});

test('expiry takes committed and buffered windows, oldest first, within its limit, to the last', async () => {
  for (const minute of [0, 2, 4]) for (const key of ['a', 'b']) windows.put(key, minute * MINUTE_MS, 1);
  await commit();
  windows.put('c', 1 * MINUTE_MS, 1);
  windows.put('a', 2 * MINUTE_MS, 2);
  expect(await windows.expireBefore(4 * MINUTE_MS, 2)).toHaveLength(2);
  await commit();
  expect(await committedWindows()).toEqual(['1c', '2a', '2b', '4a', '4b']);
  expect(await windows.expireBefore(4 * MINUTE_MS, 2)).toHaveLength(2);
  expect(await windows.expireBefore(4 * MINUTE_MS, 2)).toHaveLength(1);
  expect(await windows.expireBefore(4 * MINUTE_MS, 2)).toHaveLength(0);
  await commit();
  expect(await committedWindows()).toEqual(['4a', '4b']);
});

test('an abort brings expired and deleted windows back, and they expire again', async () => {
  for (const key of ['a', 'b', 'c']) windows.put(key, 0, 1);
  await commit();
  windows.delete('a', 0);
  expect(await windows.expireBefore(MINUTE_MS, 10)).toHaveLength(2);
  expect(await windows.expireBefore(MINUTE_MS, 10)).toHaveLength(0);
  windows.clear();
  expect(windows.get('a', 0)).toBe(1);
  expect(await windows.expireBefore(MINUTE_MS, 10)).toHaveLength(3);
});

test('it does not read the store while the oldest window is not due', async () => {
  windows.put('CA', 10 * MINUTE_MS, 1);
  await commit();
  expect(await windows.expireBefore(5 * MINUTE_MS, 10)).toHaveLength(0);
  const afterFirst = lookups;
  for (let second = 0; second < 300; second++)
    expect(await windows.expireBefore(5 * MINUTE_MS + second * 1_000, 10)).toHaveLength(0);
  expect(lookups).toBe(afterFirst);
  windows.put('NY', 2 * MINUTE_MS, 1);
  expect(await windows.expireBefore(10 * MINUTE_MS, 10)).toHaveLength(1);
});

test('any history of writes, commits, aborts and expiry leaves what a plain model leaves', async () => {
  const minute = fc.integer({ min: 0, max: 9 });
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('put' as const), minute, key: fc.constantFrom('a', 'b', 'c') }),
    },
    fc.record({ kind: fc.constant('delete' as const), minute, key: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constant('expire' as const), minute, limit: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('commit' as const) }),
    fc.record({ kind: fc.constant('abort' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      state = openMemoryStore();
      windows = createWindowStore(spec, state);
      let committed = new Map<string, number>();
      let model = new Map<string, number>();
      for (const [index, now] of steps.entries()) {
        if (now.kind === 'put') {
          windows.put(now.key, now.minute * MINUTE_MS, index);
          model.set(`${now.minute}${now.key}`, index);
        } else if (now.kind === 'delete') {
          windows.delete(now.key, now.minute * MINUTE_MS);
          model.delete(`${now.minute}${now.key}`);
        } else if (now.kind === 'expire') {
          const due = [...model.keys()].filter((name) => Number(name[0]) < now.minute).sort();
          let expired = 0;
          for (;;) {
            const count = (await windows.expireBefore(now.minute * MINUTE_MS, now.limit)).length;
            expired += count;
            if (count < now.limit) break;
          }
          expect(expired).toBe(due.length);
          for (const name of due) model.delete(name);
        } else if (now.kind === 'commit') {
          await commit();
          committed = new Map(model);
        } else {
          windows.clear();
          model = new Map(committed);
        }
        for (const key of ['a', 'b', 'c']) {
          for (let at = 0; at < 10; at++) expect(windows.get(key, at * MINUTE_MS)).toBe(model.get(`${at}${key}`));
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('a window store without size or retention is refused, naming what is missing', () => {
  const { retentionMs, windowSizeMs, ...rest } = spec;
  expect(() => createWindowStore({ ...rest, windowSizeMs }, state)).toThrow('"by-minute" needs a retentionMs');
  expect(() => createWindowStore({ ...rest, retentionMs }, state)).toThrow('"by-minute" needs a windowSizeMs');
});
