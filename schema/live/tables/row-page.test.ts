import { expect, test } from '@jest/globals';
import { jsonSerde, stringSerde } from '@tributary/streams';
import fc from 'fast-check';

import type { DeclaredTable } from './declared-table.ts';
import { keyTextRange } from './key-range.ts';
import { decodePlace, encodePlace } from './page-cursor.ts';
import { countOf, pageOf } from './row-page.ts';
import type { RowOrder } from './row-indexes.ts';
import { RowTable } from './row-table.ts';

const SKU = { name: 'sku', type: { kind: 'scalar', name: 'String' }, nullable: false } as const;
const CENTS = { name: 'cents', type: { kind: 'scalar', name: 'SafeInt' }, nullable: true } as const;
const TABLE: DeclaredTable = {
  name: 'totals',
  typeName: 'Totals',
  source: { kind: 'topic', topic: 'totals' },
  shape: { kind: 'key-value' },
  key: { ...SKU, serde: stringSerde, isText: true },
  fields: [CENTS],
  filterFields: [SKU, CENTS],
  orderFields: [SKU, CENTS],
  plainFields: [SKU, CENTS],
  held: 'everywhere',
  maxRows: 100_000,
  served: true,
  readValue: (bytes) => jsonSerde<Record<string, unknown>>().deserialize(bytes),
};

type Cents = number | null;

function tableOf(rows: ReadonlyMap<string, Cents>): RowTable {
  const table = new RowTable(TABLE);
  let offset = 0;
  for (const [key, cents] of rows)
    table.apply(
      {
        topic: 'totals',
        partition: 0,
        offset: offset++,
        timestampMs: 0,
        key: Buffer.from(key),
        value: Buffer.from(JSON.stringify({ cents })),
      },
      1,
    );
  return table;
}

const bytesOf = (key: string): string => Buffer.from(key).toString('latin1');

function sorted(rows: ReadonlyMap<string, Cents>, { field, direction }: RowOrder): string[] {
  const sign = direction === 'ASC' ? 1 : -1;
  const byKey = (a: string, b: string): number => (bytesOf(a) < bytesOf(b) ? -1 : 1);
  return [...rows.keys()].sort((a, b) => {
    if (field === null) return sign * byKey(a, b);
    const [left, right] = [rows.get(a) ?? null, rows.get(b) ?? null];
    if (left === right) return byKey(a, b);
    if (left === null) return 1;
    if (right === null) return -1;
    return sign * (left - right);
  });
}

// Two of the letters are two UTF-16 units, or sort otherwise by units than by bytes.
const anyKey = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', '\uff5e', '😀'), minLength: 1, maxLength: 3 });
const anyRows = fc
  .array(fc.tuple(anyKey, fc.option(fc.integer({ min: 0, max: 5 }))), { maxLength: 40 })
  .map((rows) => new Map<string, Cents>(rows));
const anyOrder: fc.Arbitrary<RowOrder> = fc.record({
  field: fc.constantFrom(null, 'cents'),
  direction: fc.constantFrom('ASC' as const, 'DESC' as const),
});

test('pages that follow each other have every row once, in order, whatever the range and the filter', () => {
  const anyRange = fc.record(
    { prefix: fc.constantFrom('a', 'ä', '😀'), from: anyKey, to: anyKey },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      anyRows,
      anyOrder,
      fc.integer({ min: 1, max: 7 }),
      fc.option(anyRange),
      fc.integer({ min: 0, max: 5 }),
      (rows, order, first, range, most) => {
        const table = tableOf(rows);
        const found: string[] = [];
        let after: string | null = null;
        const wanted = {
          range: keyTextRange(TABLE, range),
          test: ({ value }: { readonly value: Readonly<Record<string, unknown>> }) => Number(value['cents']) <= most,
        };
        do {
          const place = after === null ? null : decodePlace(TABLE, order, after);
          expect(place === null).toBe(after === null);
          const page = pageOf(table, { first, after: place, order, ...wanted });
          found.push(...page.rows.map(({ key }) => String(key)));
          const last = page.rows.at(-1);
          after = page.hasNextPage && last !== undefined ? encodePlace(TABLE, order, last) : null;
        } while (after !== null);
        const { prefix = '', from = '', to } = range ?? {};
        const expected = sorted(rows, order).filter(
          (key) =>
            key.startsWith(prefix) &&
            bytesOf(key) >= bytesOf(from) &&
            (to === undefined || bytesOf(key) <= bytesOf(to)) &&
            Number(rows.get(key)) <= most,
        );
        expect(found).toEqual(expected);
        expect(countOf(table, wanted.range, wanted.test)).toBe(expected.length);
      },
    ),
    { numRuns: 500 },
  );
});

test('a filter that takes few of many rows finds the first of them, page by page', () => {
  const rows = new Map(
    Array.from({ length: 9_000 }, (_, at) => [`k${at}`, at % 7 === 0 ? null : (at * 7_919) % 5_003]),
  );
  const table = tableOf(rows);
  for (const order of [
    { field: 'cents', direction: 'ASC' },
    { field: 'cents', direction: 'DESC' },
    { field: null, direction: 'DESC' },
  ] as const) {
    for (const rest of [0, 500]) {
      const passes = (key: string): boolean => Number(key.slice(1)) % 1_000 === rest || key.endsWith('77');
      const found: string[] = [];
      let after: ReturnType<typeof decodePlace> = null;
      for (;;) {
        const { rows: page, hasNextPage } = pageOf(table, {
          first: 40,
          after,
          range: null,
          test: ({ keyText }) => passes(keyText),
          order,
        });
        found.push(...page.map(({ key }) => String(key)));
        after = page.at(-1) ?? null;
        if (!hasNextPage) break;
      }
      expect(found).toEqual(sorted(rows, order).filter(passes));
    }
  }
});

test('a place of another table or order, or one that nobody has made, is none', () => {
  const [row] = [...tableOf(new Map([['a', 1]])).all()];
  const byCents: RowOrder = { field: 'cents', direction: 'DESC' };
  const text = encodePlace(TABLE, byCents, row as NonNullable<typeof row>);
  expect(decodePlace(TABLE, byCents, text)).not.toBeNull();
  expect(decodePlace(TABLE, { field: 'cents', direction: 'ASC' }, text)).toBeNull();
  expect(decodePlace(TABLE, { field: null, direction: 'DESC' }, text)).toBeNull();
  expect(decodePlace({ ...TABLE, name: 'others' }, byCents, text)).toBeNull();
  const made = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url');
  for (const bad of [
    'x',
    made({}),
    made([]),
    made([TABLE.name, 'cents', 'DESC', 'a', 0, 0, 'text']),
    made([TABLE.name, 'cents', 'DESC', 1, 0, 0, 1]),
    made([TABLE.name, 'cents', 'DESC', 'a', 0.5, 0, 1]),
    made([TABLE.name, 'cents', 'DESC', 'a', 0, 0, { n: 'x' }]),
    'a'.repeat(10_000),
  ])
    expect(decodePlace(TABLE, byCents, bad)).toBeNull();
});

test('a place that is longer than any operation is none', () => {
  const order = { field: null, direction: 'ASC' } as const;
  const place = (letters: number) => ({ keyText: 'x'.repeat(letters), startMs: 0, endMs: 0, value: {} });
  const [short, long] = [1_000, 100_000].map((letters) => encodePlace(TABLE, order, place(letters)));
  expect(decodePlace(TABLE, order, short as string)).toEqual(place(1_000));
  expect(decodePlace(TABLE, order, long as string)).toBeNull();
});
