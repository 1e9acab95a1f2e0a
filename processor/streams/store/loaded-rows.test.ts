import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LoadedRows } from './loaded-rows.ts';

/** Keys that begin alike, that are beginnings of others, and that end in zeros. */
const keyArb = fc
  .tuple(
    fc.constantFrom('', 'a', 'common beginning ', 'common beginning of some '),
    fc.array(fc.constantFrom(0, 1, 0x61, 0x7f, 0x80, 0xff), { maxLength: 12 }),
  )
  .map(([text, bytes]) => Buffer.concat([Buffer.from(text), Buffer.from(bytes)]));
const changeArb = fc.tuple(keyArb, fc.option(fc.uint8Array({ maxLength: 300 })));

test.each([
  ['at the end', undefined],
  ['again and again', { rows: 40, bytes: 900 }],
])(
  'of each key the last row counts, and they come in the order of their keys, replaced ones dropped %s',
  (_, leastDrop) => {
    fc.assert(
      fc.property(fc.array(changeArb, { maxLength: 3_000, size: 'max' }), fc.nat(50), (changes, every) => {
        const rows = new LoadedRows(leastDrop);
        const expected = new Map<string, string | null>();
        for (const [key, value] of changes) {
          rows.put(
            Buffer.concat([key, value ?? Buffer.alloc(0)]),
            0,
            key.length,
            key.length,
            0,
            key.length,
            value?.length ?? -1,
          );
          expected.set(key.toString('latin1'), value === null ? null : Buffer.from(value).toString('latin1'));
          if (expected.size % 50 === every) rows.inOrder();
        }
        const found: [string, string | null][] = [];
        for (const row of rows.inOrder()) {
          const [keyAt, valueAt, valueBytes] = [rows.keyAt(row), rows.valueAt(row), rows.valueBytes(row)];
          found.push([
            rows.bytes.toString('latin1', keyAt, keyAt + rows.keyBytes(row)),
            valueBytes < 0 ? null : rows.bytes.toString('latin1', valueAt, valueAt + valueBytes),
          ]);
        }
        // The order of latin1 text is that of its bytes.
        expect(found).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
      }),
      { numRuns: 50 },
    );
  },
);

test('a key that comes again and again takes no more memory than a bound, however long its values are', () => {
  const rows = new LoadedRows();
  const record = Buffer.alloc(1_003, 'key, and its value');
  let most = 0;
  for (let time = 0; time < 100_000; time += 1) {
    for (const bytes of [1_000, 10, -1]) rows.put(record, 0, 3, 0, 0, 3, bytes);
    rows.put(record, 0, 3, 5, 3, 9, 9);
    most = Math.max(most, rows.sizeBytes, rows.bytes.length);
  }
  expect(most).toBeLessThan(32 << 20);
  rows.dropReplaced();
  expect(rows.bytes.length).toBe(new LoadedRows().bytes.length);
  expect(rows.sizeBytes).toBeLessThan(100);
  const order = rows.inOrder();
  expect([order.length, rows.valueBytes(order[0] as number)]).toEqual([1, 12]);
});

test('memory for rows that are expected is made once, up to a bound, and more rows than that are taken', () => {
  const record = Buffer.alloc(100, 'the value');
  const fill = (rows: LoadedRows, count: number, from = 0): number[] => {
    const sizes = new Set<number>();
    for (let nth = from; nth < count; nth += 1) {
      record.writeUInt32BE(nth);
      rows.put(record, 0, 4, 0, 0, 4, 60);
      sizes.add(rows.bytes.length);
    }
    expect(rows.inOrder().length).toBe(count);
    return [...sizes];
  };
  const count = 100_000;
  const taken = count * 64;
  const known = new LoadedRows();
  known.expect(count, 64 << 20);
  const sizes = fill(known, count);
  // Of the first rows, then of all of them.
  expect(sizes).toHaveLength(2);
  expect(sizes.at(-1)).toBeLessThan(1.05 * taken);

  const bounded = new LoadedRows();
  bounded.expect(100 * count, 1 << 20);
  expect(fill(bounded, 2_000).at(-1)).toBeLessThan(1 << 20);
  expect(fill(bounded, count, 2_000).at(-1)).toBeLessThan(3 * taken);

  const more = new LoadedRows();
  more.expect(count / 10, 64 << 20);
  expect(fill(more, count).at(-1)).toBeLessThan(3 * taken);
});

test('memory that nothing lies in yet is not counted: other loads would end early for it', () => {
  const rows = new LoadedRows();
  rows.expect(100_000, 64 << 20);
  const record = Buffer.alloc(1_000, 'a key, and its value');
  for (let nth = 0; nth < 1_000; nth += 1) {
    record.writeUInt32BE(nth);
    rows.put(record, 0, 4, 0, 0, 4, 996);
  }
  expect(rows.bytes.length).toBeGreaterThan(10 << 20);
  expect(rows.sizeBytes).toBe(1_000 * (1_000 + 12));
  // What has been written to stays taken when its rows are let go, and nothing is made anew.
  for (let nth = 0; nth < 1_000; nth += 1) rows.put(record, 0, 4, 0, 0, 4, 996);
  const madeBytes = rows.bytes.length;
  rows.dropReplaced(madeBytes);
  expect([rows.bytes.length, rows.inOrder().length]).toEqual([madeBytes, 1_000]);
  expect(rows.sizeBytes).toBe(2_000 * 1_000 + 1_000 * 12);
});

test('keys each of which begins with the one before are sorted, however many there are', () => {
  const rows = new LoadedRows();
  const count = 700;
  const key = Buffer.alloc(4 * count, 'a');
  for (let nth = count; nth > 0; nth -= 1) rows.put(key, 0, 4 * nth, 0, 0, 0, 1);
  rows.put(key, 0, 400, 0, 0, 0, 2);
  const order = rows.inOrder();
  expect([...order].map((row) => rows.keyBytes(row))).toEqual(Array.from({ length: count }, (_, nth) => 4 * nth + 4));
  expect(rows.valueBytes(order[99] as number)).toBe(2);
});

test('of many rows those that were replaced are let go, and the last ones stay', () => {
  const rows = new LoadedRows();
  const expected = new Map<string, string>();
  const count = 300_000;
  for (let time = 0; time < 3; time += 1)
    for (let nth = 0; nth < count; nth += 1 + time) {
      const key = `key ${String((nth * 7_919) % count)}`;
      const record = Buffer.from(`${key}${String(time)}`);
      const keyBytes = record.length - 1;
      rows.put(record, 0, keyBytes, 0, 0, keyBytes, nth % 11 === 0 ? -1 : 1);
      expected.set(key, nth % 11 === 0 ? 'deleted' : String(time));
    }
  const order = rows.inOrder();
  expect(order.length).toBe(count);
  let before = '';
  const wrong: string[] = [];
  for (const row of order) {
    const [keyAt, valueAt, valueBytes] = [rows.keyAt(row), rows.valueAt(row), rows.valueBytes(row)];
    const key = rows.bytes.toString('latin1', keyAt, keyAt + rows.keyBytes(row));
    const value = valueBytes < 0 ? 'deleted' : rows.bytes.toString('latin1', valueAt, valueAt + valueBytes);
    if (key <= before || expected.get(key) !== value) wrong.push(key);
    before = key;
  }
  expect(wrong).toEqual([]);
});

test('of many keys more bytes are looked at together where few different ones stand; their ends count', () => {
  const rows = new LoadedRows();
  const expected = new Map<string, number>();
  for (let nth = 0; nth < 6_000; nth += 1) {
    // Ends within what is looked at together, at its end and behind it; some end in zeros, and many come again.
    const key = `all: ${String((nth * 7_919) % 4_096).repeat(3)}`.slice(0, 15 - (nth % 9)) + '\0'.repeat(nth % 2);
    rows.put(Buffer.from(`${key}${'v'.repeat(99)}`), 0, key.length, 0, 0, key.length, nth % 90);
    expected.set(key, nth % 90);
  }
  const found = [...rows.inOrder()].map((row): [string, number] => [
    rows.bytes.toString('latin1', rows.keyAt(row), rows.keyAt(row) + rows.keyBytes(row)),
    rows.valueBytes(row),
  ]);
  expect(found).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
});

// Each is the beginning of the next one, but for its end: a range in a range in a range.
test('keys that are told apart far behind their beginnings are in order, and those that came again there once', () => {
  const rows = new LoadedRows();
  const keys = Array.from({ length: 1_600 }, (_, nth) => Buffer.from(`${'a'.repeat(4 * nth)}b`));
  for (const key of [...keys, ...keys.slice(-30)]) rows.put(key, 0, key.length, 0, 0, 0, 0);
  const found = Array.from(rows.inOrder(), (row) => rows.keyBytes(row));
  expect(found).toEqual(keys.map(({ length }) => length).toReversed());
});
