import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { encodeBatch } from '../kafka/batch-encoder.ts';
import { loggedRecord, loggedRow, storedRow } from '../reading/changelog-row.ts';
import { choosePartitions } from '../writing/choose-partitions.ts';
import { int64Serde, jsonSerde, uuidSerde } from '../index.ts';
import { createKeyValueStore } from './key-value-store.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { openMemoryStore } from './memory-store.ts';
import type { StoreLayouts } from './reserved-records.ts';
import { STREAM_TIME_KEY } from './runtime-rows.ts';
import type { StateStore } from './state-store.ts';
import type { BufferedStore } from './typed-store.ts';
import { timedBytes } from './timed-row.ts';
import { createWindowStore } from './window-store.ts';

const commit = async (state: StateStore, store: BufferedStore): Promise<void> => {
  await state.commit({ changes: store.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  store.clear();
};

const KEY_VALUE = { name: 'counts', kind: 'key-value', serde: jsonSerde<number>(), timed: true } as const;
const WINDOW = { ...KEY_VALUE, kind: 'window', windowSizeMs: 10, retentionMs: 10 } as const;

test('a row has the time that was put with it, now and as of the last commit', async () => {
  const state = openMemoryStore();
  const rows = createKeyValueStore(KEY_VALUE, state);
  rows.put('a', 1, 50);
  expect([rows.row('a'), rows.committedRow('a')]).toEqual([{ value: 1, timestampMs: 50 }, undefined]);
  await commit(state, rows);
  rows.put('a', 2, 40);
  const before = { value: 1, timestampMs: 50 };
  expect([rows.row('a'), rows.committedRow('a')]).toEqual([{ value: 2, timestampMs: 40 }, before]);
  rows.delete('a');
  expect([rows.row('a'), rows.committedRow('a')]).toEqual([undefined, before]);
  rows.clear();
  expect([rows.row('a'), rows.get('a')]).toEqual([before, 1]);
});

test('a row of a window has one, too', async () => {
  const state = openMemoryStore();
  const rows = createWindowStore(WINDOW, state);
  rows.put('a', 10, 1, 15);
  await commit(state, rows);
  rows.put('a', 10, 2, 19);
  expect([rows.row('a', 10), rows.committedRow('a', 10)]).toEqual([
    { value: 2, timestampMs: 19 },
    { value: 1, timestampMs: 15 },
  ]);
  await commit(state, rows);
  expect(createWindowStore(WINDOW, state).row('a', 10)).toEqual({ value: 2, timestampMs: 19 });
});

test('user code puts with the time that the runtime gives it; rows of stores without times have none', async () => {
  const state = openMemoryStore();
  const rows = createKeyValueStore(KEY_VALUE, state);
  rows.ownView(() => 7).put('a', 1);
  expect(rows.row('a')).toEqual({ value: 1, timestampMs: 7 });
  rows.ownView().put('b', 1);
  expect(rows.row('b')?.timestampMs).toBe(-1);
  const untimed = createKeyValueStore({ ...KEY_VALUE, timed: false }, openMemoryStore());
  untimed.put('a', 1);
  expect(untimed.row('a')).toEqual({ value: 1, timestampMs: -1 });
});

test('a changelog has the plain value and the time in a header, and both make the row again', async () => {
  const rows = createKeyValueStore(KEY_VALUE, openMemoryStore());
  rows.put('a', 5, 1_700_000_000_000);
  const [{ key, value: stored } = { key: Buffer.alloc(0), value: null }] = rows.flush();
  const { value, headers } = loggedRow(key, stored);
  expect(String(value)).toBe('5');
  expect(headers).toEqual([['time', Buffer.from('4278bcfe56800000', 'hex')]]);
  expect(storedRow(key, value, headers)).toEqual(stored);
  expect(loggedRow(key, null)).toEqual({ value: null });
  expect(storedRow(key, null, [])).toBeNull();
});

test('on its way out a row is what the changelog has, for those who read it and for those who write it', () => {
  const place = { topic: 'changelog', partition: 3 };
  const key = Buffer.from('a');
  const stored = timedBytes(1_700_000_000_000, Buffer.from('5'));
  const record = loggedRecord(place, true, { store: 'rows', key, value: stored });
  const { topic, partition, value, headers, row } = record;
  expect({ topic, partition, key: record.key, value, headers }).toEqual({ ...place, key, ...loggedRow(key, stored) });
  expect(row?.header?.name.toString()).toBe('time');
  const written = { timestampMs: 0, producerId: -1n, producerEpoch: -1, firstSequence: -1, isTransactional: false };
  expect(encodeBatch({ ...written, codec: 0, records: [record] })).toEqual(
    encodeBatch({ ...written, codec: 0, records: [{ key, value, headers }] }),
  );
  expect(
    choosePartitions(
      [record, { ...place, key, value, choosePartition: () => 1 }],
      () => 2,
      () => undefined,
    )[0],
  ).toBe(record);
  const wholeRow = (timed: boolean, of: Buffer, stands: Buffer | null): unknown => {
    const logged = loggedRecord(place, timed, { store: 'rows', key: of, value: stands });
    expect([logged.row?.header, logged.headers]).toEqual([undefined, undefined]);
    return { topic: logged.topic, partition: logged.partition, key: logged.key, value: logged.value };
  };
  expect(wholeRow(true, key, null)).toEqual({ ...place, key, value: null });
  expect(wholeRow(true, STREAM_TIME_KEY, stored)).toEqual({ ...place, key: STREAM_TIME_KEY, value: stored });
  expect(wholeRow(false, key, stored)).toEqual({ ...place, key, value: stored });
});

test('a record of before the store was timed has an unknown time, a row of the runtime none at all', async () => {
  const state = openMemoryStore();
  const key = Buffer.from('a');
  const watermark = Buffer.from('{"streamTimeMs":7,"sources":{}}');
  expect(loggedRow(STREAM_TIME_KEY, watermark)).toEqual({ value: watermark });
  expect(storedRow(STREAM_TIME_KEY, watermark, undefined)).toEqual(watermark);
  expect(storedRow(Buffer.from('\0stream-time'), watermark, [])).toEqual(watermark);
  const change = { store: 'counts', key, value: storedRow(key, Buffer.from('3'), undefined) };
  await state.commit({ changes: [change], changelogOffsets: new Map(), inputOffsets: new Map() });
  expect(createKeyValueStore(KEY_VALUE, state).row('a')).toEqual({ value: 3, timestampMs: -1 });
});

test('a store on disk whose rows have no times, or have them and should not, is not used', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-timed-'));
  const identity = { applicationId: 'a', taskId: '0_0' };
  const open = (layouts?: StoreLayouts): Promise<StateStore> =>
    openLevelDbStore(directory, { identity: layouts === undefined ? identity : { ...identity, layouts } });
  // As a release wrote it that knew no times.
  await (await open()).close();
  await (await open({})).close();
  await expect(open({ counts: 'timed' })).rejects.toMatchObject({
    code: 'STORE_DAMAGED',
    message: expect.stringContaining('its rows of the store "counts" are plain, and are to be timed'),
  });
  await rm(directory, { recursive: true });
  await (await open({ counts: 'timed' })).close();
  await (await open({ counts: 'timed' })).close();
  await expect(open({})).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  await rm(directory, { recursive: true });
});

test('keys of any serde are told apart by their bytes', async () => {
  const state = openMemoryStore();
  const byNumber = createKeyValueStore({ ...KEY_VALUE, key: int64Serde }, state);
  const own = byNumber.ownView();
  for (const key of [1, -1, 256, 0]) own.put(key, key * 2);
  await commit(state, byNumber);
  expect([own.get(256), own.get(2), own.delete(-1), own.get(-1)]).toEqual([512, undefined, -2, undefined]);
  expect([own.putIfAbsent(1, 9), own.putIfAbsent(-1, 9), own.get(-1)]).toEqual([2, undefined, 9]);
  expect(() => byNumber.get('a' as never)).toThrow('a whole number');
  expect(() => byNumber.get(null as never)).toThrow('never null');
  const windows = createWindowStore({ ...WINDOW, name: 'w', key: uuidSerde }, state);
  const id = '067e6162-3b6f-4ae2-a171-2470b63dff00';
  windows.put(id, 10, 1);
  await commit(state, windows);
  expect(windows.get(id.toUpperCase(), 10)).toBe(1);
  expect(await windows.expireBefore(20, 5)).toHaveLength(1);
  expect(windows.get(id, 10)).toBeUndefined();
});

test("a user's key that begins as the runtime's do is logged with its time", () => {
  const key = Buffer.from('21ff0001', 'hex');
  const stored = timedBytes(7, Buffer.from('5'));
  const { value, headers } = loggedRecord({ topic: 't', partition: 0 }, true, { store: 'rows', key, value: stored });
  expect({ value, headers }).toEqual(loggedRow(key, stored));
  expect(value?.toString()).toBe('5');
});
