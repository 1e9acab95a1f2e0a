import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyIndex } from './key-index.ts';
import { RowIndex } from './row-index.ts';

const TEXTS = ['a00', 'a01', 'a02', 'b00', 'b01', 'c00'];

function rowsOf(index: RowIndex): string[] {
  return ['a', 'b', 'c'].flatMap((start) => index.list(start, `${start}\u00ff`));
}

test('any writes that are committed or undone leave the keys as the rows are', () => {
  const write = fc.record({ text: fc.constantFrom(...TEXTS), isThere: fc.boolean() });
  const commit = fc.record({ writes: fc.array(write, { maxLength: 20 }), isCommitted: fc.boolean() });
  fc.assert(
    fc.property(fc.subarray(TEXTS), fc.array(commit, { maxLength: 8 }), (known, commits) => {
      const index = new RowIndex('rows', new KeyIndex([...known]));
      let committed = new Set(known);
      for (const { writes, isCommitted } of commits) {
        const rows = new Set(committed);
        for (const { text, isThere } of writes) {
          expect(index.wrote(text, isThere)).toBe(rows.has(text));
          if (isThere) rows.add(text);
          else rows.delete(text);
        }
        expect(rowsOf(index)).toEqual([...rows].sort());
        const hasMoved = TEXTS.some((text) => rows.has(text) !== committed.has(text));
        if (isCommitted) committed = rows;
        expect(index.settle((text) => committed.has(text))).toBe(hasMoved && !isCommitted);
        expect(rowsOf(index)).toEqual([...committed].sort());
      }
    }),
  );
});

test('rows that come and go over and over are undone once each, and no more than that is kept of them', () => {
  const keys = new KeyIndex(['a00', 'a01']);
  const index = new RowIndex('rows', keys);
  const texts = Array.from({ length: 100 }, (_, n) => `a${String(n).padStart(2, '0')}`);
  for (let round = 0; round < 1_001; round += 1)
    for (const text of texts) index.wrote(text, round % 2 === 0 ? !['a00', 'a01'].includes(text) : text < 'a02');
  const undone = [jest.spyOn(keys, 'add'), jest.spyOn(keys, 'delete')];
  expect(index.settle((text) => text === 'a00' || text === 'a01')).toBe(true);
  expect(rowsOf(index)).toEqual(['a00', 'a01']);
  const calls = undone.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThan(10_000);
});
