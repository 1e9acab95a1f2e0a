import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openMemoryStore } from '../store/memory-store.ts';
import type { StoreChange } from '../store/state-store.ts';
import { OrderIndex } from './order-index.ts';
import { keyOfOrderText, orderText, type Ordering, type OrderValue } from './order-text.ts';

const key = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), maxLength: 4 });
const values: Readonly<Record<string, fc.Arbitrary<OrderValue>>> = {
  number: fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 })).map((n) => (n === 0 ? 0 : n)),
  text: fc.string({ unit: fc.constantFrom('\0', '\u0001', 'a', '\ufffe', '\uffff', '\ud83d'), maxLength: 4 }),
  bigint: fc.oneof(fc.bigInt(), fc.bigInt({ min: -12n, max: 12n })),
  boolean: fc.boolean(),
};

test.each(Object.keys(values))('texts of %s are in the order of values and keys, and end with the key', (type) => {
  const value = fc.option(values[type] as fc.Arbitrary<OrderValue>, { freq: 5 });
  fc.assert(
    fc.property(value, key, value, key, fc.boolean(), (a, aKey, b, bKey, descending) => {
      const ordering = { type, descending } as Ordering;
      const [left, right] = [orderText(ordering, a, aKey), orderText(ordering, b, bKey)];
      expect([keyOfOrderText(ordering, left), keyOfOrderText(ordering, right)]).toEqual([aKey, bKey]);
      const byValue = a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b === descending ? 1 : -1;
      const wanted = byValue !== 0 ? byValue : aKey < bKey ? -1 : Number(aKey > bKey);
      expect(left < right ? -1 : Number(left > right)).toBe(wanted);
    }),
    { numRuns: 2_000 },
  );
});

test('an index that is made while rows change has what the store has, after each commit', async () => {
  const change = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), n: fc.option(fc.nat(3)) });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 8 }), fc.nat(8), async (commits, at) => {
      const state = openMemoryStore();
      const rows = new Map<string, number>();
      let index: Promise<OrderIndex> | undefined;
      const open = (): Promise<OrderIndex> =>
        OrderIndex.open(state, {
          ...{ store: 's', field: 'n', type: 'number', descending: false },
          read: (row) => JSON.parse(row.toString()) as unknown,
        });
      for (const [nth, commit] of commits.entries()) {
        if (nth === at) index = open();
        // It reads on between commits as it comes.
        for (let turn = 0; turn < nth % 3; turn += 1) await Promise.resolve();
        const changes = commit.map(({ key: of, n }): StoreChange => {
          if (n === null) rows.delete(of);
          else rows.set(of, n);
          return { store: 's', key: Buffer.from(of), value: n === null ? null : Buffer.from(JSON.stringify({ n })) };
        });
        await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
      }
      const opened = await (index ?? open());
      await opened.settled();
      const wanted = [...rows].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([of]) => of);
      expect([...opened.from(undefined)].map((text) => opened.keyOf(text))).toEqual(wanted);
      opened.close();
      await state.close();
    }),
    { numRuns: 300 },
  );
});
