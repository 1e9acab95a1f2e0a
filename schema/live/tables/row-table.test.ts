import { describe, expect, test } from '@jest/globals';
import { encodeWindowKey, StreamsError, type TableChange } from '@tributary/streams';
import { z } from 'zod';

import { declareTables } from './declare-tables.ts';
import type { DeclaredTable } from './declared-table.ts';
import { LiveModel } from './live-model.ts';
import type { RowObserver } from './row-observer.ts';
import { RowTable } from './row-table.ts';
import { table } from './table.ts';

const HOUR_MS = 3_600_000;
const OPTIONS = { store: 'totals', key: { sku: z.string() }, value: z.object({ cents: z.int() }) };

function declared(options: object = {}): DeclaredTable {
  const problems: string[] = [];
  const [one] = declareTables({ totals: table({ ...OPTIONS, ...options }) }, problems);
  if (one === undefined) throw new Error(problems.join());
  return one;
}

function changeOf(key: string | Buffer, value: object | string | null, partition: number, offset: number): TableChange {
  const text = value === null || typeof value === 'string' ? value : JSON.stringify(value);
  const bytes = text === null ? null : Buffer.from(text);
  return { topic: 'totals', partition, offset, timestampMs: 1_000 + offset, key: Buffer.from(key), value: bytes };
}

/** A table, and what its observer was told: of each change the key, and the cents before and after it. */
class Observed {
  readonly rows: RowTable;
  readonly told: unknown[] = [];
  #offset = 0;

  constructor(options: object = {}, observer: RowObserver = {}) {
    this.rows = new RowTable(declared(options));
    this.rows.observe({
      changed: (before, after) =>
        void this.told.push([(after ?? before)?.key, before?.value['cents'] ?? null, after?.value['cents'] ?? null]),
      ...observer,
    });
  }

  apply(key: string | Buffer, value: object | string | null, partition = 0): void {
    const offset = this.#offset++;
    this.rows.apply(changeOf(key, value, partition, offset), offset + 1);
  }
}

function feed(changes: readonly (readonly [key: string, value: object | null])[]): Observed {
  const observed = new Observed();
  for (const [key, value] of changes) observed.apply(key, value);
  return observed;
}

function refuseNegative({ value }: { readonly value: Readonly<Record<string, unknown>> }): void {
  if (Number(value['cents']) < 0) throw new TypeError('less than nothing');
}

test.each(['SCHEMA_REGISTRY_AWAY', 'SCHEMA_REGISTRY_REFUSED'] as const)(
  '%s of a serde is no fault of its row: nothing of the table is served without it',
  (code) => {
    const deserialize = (bytes: Buffer): unknown => {
      if (String(bytes) === 'away') throw new StreamsError(code, 'no answer');
      return { cents: 1 };
    };
    const rows = new RowTable(declared({ serde: { serialize: () => Buffer.alloc(0), deserialize } }));
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const model = new LiveModel({
      applicationId: 'app',
      logger: quiet,
      tables: { totals: { store: 'totals', table: rows } },
    });
    const topic = 'app-totals-changelog';
    model.apply([{ ...changeOf('a', 'here', 0, 0), topic }]);
    expect(() => model.apply([{ ...changeOf('a', 'away', 0, 1), topic }])).toThrow(expect.objectContaining({ code }));
    expect([rows.size, rows.unreadable, model.unreadable]).toEqual([1, 0, 0]);
    // A cursor must not say that it has seen the record.
    expect(rows.positions.of(0)).toBe(1);
  },
);

test('of tables that share a topic none is told a record twice that another one of them has waited for', () => {
  let isAway = true;
  const deserialize = (bytes: Buffer): unknown => {
    if (isAway && String(bytes).includes('2')) throw new StreamsError('SCHEMA_REGISTRY_AWAY', 'no answer');
    return JSON.parse(String(bytes));
  };
  const [first, second] = [new Observed(), new Observed({ serde: { serialize: () => Buffer.alloc(0), deserialize } })];
  const model = new LiveModel({
    applicationId: 'app',
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    tables: { first: { topic: 'totals', table: first.rows }, second: { topic: 'totals', table: second.rows } },
  });
  const changes = [1, 2, 3].map((cents) => changeOf('a', { cents }, 0, cents));
  let unapplied = model.applyUntil(changes);
  expect([first.told.length, second.told.length, unapplied?.changes.length]).toEqual([2, 1, 2]);
  if (unapplied !== null) unapplied = model.applyUntil(unapplied.changes, unapplied);
  expect([first.told.length, second.told.length, unapplied?.changes.length]).toEqual([2, 1, 2]);
  isAway = false;
  if (unapplied !== null) expect(model.applyUntil(unapplied.changes, unapplied)).toBeNull();
  const told = [
    ['a', null, 1],
    ['a', 1, 2],
    ['a', 2, 3],
  ];
  expect([first.told, second.told]).toEqual([told, told]);
});

describe('an observer', () => {
  test('is told what each row was and is: new ones, changed ones, deleted ones', () => {
    const { rows, told } = feed([
      ['a', { cents: 1 }],
      ['b', { cents: 2 }],
      ['a', { cents: 3 }],
      ['b', null],
      ['b', null],
    ]);
    expect(told).toEqual([
      ['a', null, 1],
      ['b', null, 2],
      ['a', 1, 3],
      ['b', 2, null],
    ]);
    expect(rows.size).toBe(1);
  });

  test('finds the table as the change has left it', () => {
    const sizes: number[] = [];
    const observed = new Observed({}, { changed: () => void sizes.push(observed.rows.size) });
    observed.apply('a', { cents: 1 });
    observed.apply('b', { cents: 1 });
    observed.apply('a', null);
    observed.rows.reset(0, 9);
    expect(sizes).toEqual([1, 2, 1, 0]);
  });

  test('is told of rows that are dropped: of a partition that is read anew, of a table that is too large', () => {
    const observed = new Observed({ maxRows: 2 });
    observed.apply('a', { cents: 1 }, 0);
    observed.apply('b', { cents: 2 }, 1);
    observed.rows.reset(1, 9);
    observed.apply('c', { cents: 3 }, 1);
    observed.apply('d', { cents: 4 }, 1);
    expect(observed.told.slice(2)).toEqual([
      ['b', 2, null],
      ['c', null, 3],
      ['a', 1, null],
      ['c', 3, null],
    ]);
  });

  test('may refuse a row, which is left out then, as one whose value cannot be read', () => {
    const observed = new Observed({}, { check: refuseNegative });
    observed.apply('a', { cents: 1 });
    expect(() => observed.apply('a', { cents: -1 })).toThrow('less than nothing');
    observed.apply('b', { cents: 2 });
    expect(() => observed.apply('b', 'no JSON')).toThrow('not JSON');
    expect([observed.rows.size, observed.rows.unreadable, observed.rows.unreadableRow]).toEqual([
      0,
      2,
      'its row is left out',
    ]);
    expect(observed.told.slice(-1)).toEqual([['b', 2, null]]);
  });

  test('may keep the last value of a row that cannot be read; a tombstone removes it all the same', () => {
    const observed = new Observed({}, { check: refuseNegative, keepsLastValue: true });
    observed.apply('a', { cents: 1 });
    expect(() => observed.apply('a', { cents: -1 })).toThrow('less than nothing');
    expect(() => observed.apply('b', 'no JSON')).toThrow('not JSON');
    expect(observed.rows.get('a')?.value).toEqual({ cents: 1 });
    expect([observed.rows.size, observed.rows.unreadable, observed.rows.unreadableRow]).toEqual([1, 2, undefined]);
    observed.apply('a', null);
    expect([observed.rows.size, observed.rows.unreadable, observed.told.at(-1)]).toEqual([0, 1, ['a', 1, null]]);
  });

  test('is one, from the first row on', () => {
    const observed = new Observed();
    expect(() => observed.rows.observe({})).toThrow('the rows of totals are observed already');
    const rows = new RowTable(declared());
    rows.apply(changeOf('a', { cents: 1 }, 0, 0), 1);
    expect(() => rows.observe({})).toThrow('from the first one on');
  });
});

test('rows of windows are found by key and start; the name of one that is gone still tells them', () => {
  const observed = new Observed({ window: { sizeMs: HOUR_MS, retentionMs: HOUR_MS } });
  observed.apply(encodeWindowKey(HOUR_MS, 'a:b'), { cents: 1 });
  const name = observed.rows.rowAt('a:b', HOUR_MS)?.name ?? '';
  expect(observed.rows.rowAt('a:b', 0)).toBeUndefined();
  observed.apply(encodeWindowKey(HOUR_MS, 'a:b'), null);
  expect([observed.rows.get(name), observed.rows.placeOf(name)]).toMatchObject([
    undefined,
    { keyText: 'a:b', startMs: HOUR_MS },
  ]);
});

/** The key of a version in a changelog: its length, the key, and from when on it is valid. */
function versionKey(key: string, validFromMs: number): Buffer {
  const bytes = Buffer.alloc(12 + key.length);
  bytes.writeUInt32BE(key.length);
  bytes.write(key, 4);
  bytes.writeBigUInt64BE(BigInt(validFromMs), 4 + key.length);
  return bytes;
}

test('what a version followed in a copy is not known: one between may have been written again, and compacted', () => {
  const rows = new RowTable(declared());
  rows.follow('versioned');
  // A deletion was at offset 1 as well: whoever has read to offset 2 has no such row.
  rows.apply(changeOf(versionKey('a', 1), '\u0001{"cents":1}', 0, 0), 1);
  rows.apply(changeOf(versionKey('a', 2), '\u0000', 0, 2), 2);
  rows.copied(new Map([[0, 3]]), Number.NEGATIVE_INFINITY);
  expect([...(rows.changedSince({ 0: 2 }) ?? [])]).toEqual([['a', 'unknown']]);
  rows.apply(changeOf(versionKey('a', 3), '\u0001{"cents":3}', 0, 3), 3);
  rows.apply(changeOf(versionKey('a', 4), '\u0001{"cents":4}', 0, 4), 4);
  expect([...(rows.changedSince({ 0: 3 })?.values() ?? [])]).toEqual([null]);
  expect([...(rows.changedSince({ 0: 4 })?.values() ?? [])]).toMatchObject([{ value: { cents: 3 } }]);
});
