import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endOfPrefix, KeyIndex } from './key-index.ts';

const nameOf = (number: number): string => `key-${String(number).padStart(5, '0')}`;

test('thousands of keys that come and go stay in order, each there once', () => {
  const most = 6_000;
  // Runs of neighbours fill and empty whole blocks.
  const step = fc.record({
    adds: fc.boolean(),
    from: fc.nat(most),
    count: fc.nat(3_000),
    stride: fc.constantFrom(1, 7),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.nat(most), fc.nat(most), (steps, from, to) => {
      const index = new KeyIndex();
      const model = new Set<string>();
      for (const { adds, from: first, count, stride } of steps) {
        for (let number = first; number < first + count; number += stride) {
          const key = nameOf(number);
          expect(adds ? index.add(key) : index.delete(key)).toBe(adds ? !model.has(key) : model.has(key));
          if (adds) model.add(key);
          else model.delete(key);
        }
        expect(index.size).toBe(model.size);
      }
      const sorted = [...model].sort();
      expect([...index.range(undefined, undefined)]).toEqual(sorted);
      expect([...index.reverseRange(undefined, undefined)]).toEqual([...sorted].reverse());
      const inRange = sorted.filter((key) => key >= nameOf(from) && key < nameOf(to));
      expect([...index.range(nameOf(from), nameOf(to))]).toEqual(inRange);
      expect([...index.reverseRange(nameOf(from), nameOf(to))]).toEqual([...inRange].reverse());
      expect(index.has(nameOf(from))).toBe(model.has(nameOf(from)));
    }),
    { numRuns: 12 },
  );
});

test('keys that are there at the beginning may come in any order', () => {
  const keys = Array.from({ length: 5_000 }, (_, number) => nameOf((number * 7_919) % 5_000));
  const index = new KeyIndex([...keys]);
  expect([...index.range(undefined, undefined)]).toEqual([...keys].sort());
  for (const key of keys) expect(index.delete(key)).toBe(true);
  expect(index.size).toBe(0);
  expect([...index.range(undefined, undefined)]).toEqual([]);
  expect([...index.reverseRange(undefined, 'z')]).toEqual([]);
});

test('all that begin with a prefix end before the next one', () => {
  expect(endOfPrefix('ab')).toBe('ac');
  expect(endOfPrefix('a\u00ff\u00ff')).toBe('b');
  expect(endOfPrefix('\u00ff')).toBeUndefined();
  expect(endOfPrefix('')).toBeUndefined();
});
