import { expect, test } from '@jest/globals';
import { encodeWindowKey, type TableChange } from '@tributary/streams';
import { NewestVersions } from './newest-versions.ts';
import { takeKeyApart } from './take-key-apart.ts';

/*
 * The bytes of the keys are written out here, as they lie in changelogs: a reader that takes them apart with the
 * runtime's own functions would follow a change of the layout in silence.
 */

const KEY_VALUE = { kind: 'key-value' } as const;
const WINDOW = { kind: 'window', sizeMs: 60_000, advanceMs: 60_000, retentionMs: 3_600_000 } as const;
const SESSION = { kind: 'session' } as const;

const value = Buffer.from('{"cents":7}');
const time = (ms: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(ms));
  return bytes;
};
const versionKey = (key: string, ms: number): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(key));
  return Buffer.concat([length, Buffer.from(key), time(ms)]);
};
const version = (text: string): Buffer => Buffer.concat([Buffer.from([1]), Buffer.from(text)]);
const DELETION = Buffer.from([0]);

test('a key of a key-value store is its own bytes, whatever they are', () => {
  const take = takeKeyApart('key-value', KEY_VALUE);
  for (const key of [Buffer.from('a'), Buffer.alloc(0), Buffer.from([0xff, 0])])
    expect(take({ key, value })).toEqual({ key, value });
  expect(take({ key: Buffer.from('a'), value: null })).toEqual({ key: Buffer.from('a'), value: null });
});

test('a key of a window store begins with the start of its window', () => {
  const take = takeKeyApart('window', WINDOW);
  const startMs = Date.UTC(2026, 0, 2);
  expect(take({ key: Buffer.concat([time(startMs), Buffer.from('DE')]), value })).toEqual({
    key: Buffer.from('DE'),
    startMs,
    endMs: startMs + 60_000,
    value,
  });
  expect(encodeWindowKey(startMs, 'DE')).toEqual(Buffer.concat([time(startMs), Buffer.from('DE')]));
  expect(take({ key: Buffer.from('short'), value })).toBeNull();
  expect(take({ key: Buffer.from('ffffffffffffffffDE', 'latin1'), value })).toBeNull();
});

test('a key of a session store begins with end and start', () => {
  const take = takeKeyApart('session', SESSION);
  const key = Buffer.concat([time(2_000), time(1_000), Buffer.from('u\0x')]);
  expect(take({ key, value: null })).toEqual({ key: Buffer.from('u\0x'), startMs: 1_000, endMs: 2_000, value: null });
  expect(take({ key: time(2_000), value })).toBeNull();
});

test('a version has its time behind its key, and a byte before its value', () => {
  const take = takeKeyApart('versioned', KEY_VALUE);
  const key = versionKey('sku', 5_000);
  expect(take({ key, value: version('7') })).toEqual({
    key: Buffer.from('sku'),
    versionMs: 5_000,
    value: Buffer.from('7'),
  });
  expect(take({ key, value: DELETION })).toMatchObject({ versionMs: 5_000, value: null });
  expect(take({ key, value: null })).toMatchObject({ versionMs: 5_000, value: null });
});

test.each([
  ['a key without a time', Buffer.from('sku'), version('7')],
  ['a key of another length than it says', Buffer.concat([versionKey('sku', 1), Buffer.from('x')]), version('7')],
  ['no value', versionKey('sku', 1), Buffer.alloc(0)],
  ['another first byte', versionKey('sku', 1), Buffer.from([2, 7])],
  ['a deletion with a value', versionKey('sku', 1), Buffer.from([0, 7])],
])('%s is no version', (_, key, bytes) => {
  expect(takeKeyApart('versioned', KEY_VALUE)({ key, value: bytes })).toBeNull();
});

/** The rows that a copy holds which applies what is handed on, and nothing else. */
function shownAfter(...records: readonly (readonly [ms: number, value: Buffer | null])[]): string | undefined {
  const versions = new NewestVersions();
  const take = takeKeyApart('versioned', KEY_VALUE);
  let shown: string | undefined;
  for (const [offset, [ms, bytes]] of records.entries()) {
    const change = changeOf(offset, ms, bytes);
    if (!versions.isChange(change)) continue;
    shown = take(change)?.value?.toString();
  }
  return shown;
}

function changeOf(offset: number, ms: number, bytes: Buffer | null, partition = 0): TableChange {
  return { topic: 'versions', partition, offset, timestampMs: 0, key: versionKey('k', ms), value: bytes };
}

test.each([
  ['the newer of two', '2', [[1, version('1')] as const, [2, version('2')] as const]],
  ['not one that comes late', '2', [[2, version('2')] as const, [1, version('1')] as const]],
  ['one that is written again', '3', [[2, version('2')] as const, [2, version('3')] as const]],
  ['nothing after a deletion', undefined, [[1, version('1')] as const, [2, DELETION] as const]],
  ['nothing before a deletion', undefined, [[2, DELETION] as const, [1, version('1')] as const]],
  ['what was put at the time of a deletion', '1', [[2, DELETION] as const, [2, version('1')] as const]],
  [
    'the newest, when the history has passed one before it',
    '2',
    [[1, version('1')] as const, [2, version('2')] as const, [1, null] as const],
  ],
  [
    'nothing, when it has passed a deletion and what was before it',
    undefined,
    [[1, version('1')] as const, [2, DELETION] as const, [1, null] as const, [2, null] as const],
  ],
  [
    'what comes after the end of a deletion',
    '5',
    [[2, DELETION] as const, [2, null] as const, [5, version('5')] as const],
  ],
  ['the newest, of which only the end of an older one is left', '2', [[1, null] as const, [2, version('2')] as const]],
  ['the newest, with the end of an older one behind it', '2', [[2, version('2')] as const, [1, null] as const]],
])('of versions is shown %s', (_, shown, records) => {
  expect(shownAfter(...records)).toBe(shown);
});

test('an end of which nothing else is left is handed on: another instance may have shown the row', () => {
  const versions = new NewestVersions();
  expect(versions.isChange(changeOf(7, 2, null))).toBe(true);
  expect(versions.isChange(changeOf(8, 5, version('5')))).toBe(true);
  expect(versions.isChange(changeOf(9, 2, null))).toBe(false);
});

test('versions of a partition that is read anew are new ones', () => {
  const versions = new NewestVersions();
  expect(versions.isChange(changeOf(0, 5, version('5')))).toBe(true);
  expect(versions.isChange(changeOf(0, 1, version('1'), 1))).toBe(true);
  expect(versions.isChange(changeOf(1, 1, version('1')))).toBe(false);
  versions.reset(0);
  expect(versions.isChange(changeOf(0, 1, version('1')))).toBe(true);
  versions.reset(1);
});

test('what is no version is handed on, so that it is named', () => {
  const versions = new NewestVersions();
  expect(versions.isChange({ ...changeOf(0, 1, version('1')), key: Buffer.from('sku') })).toBe(true);
  expect(versions.isChange(changeOf(0, 9, Buffer.from([9])))).toBe(true);
  // Nor is it the newest.
  expect(versions.isChange(changeOf(1, 5, version('5')))).toBe(true);
});
