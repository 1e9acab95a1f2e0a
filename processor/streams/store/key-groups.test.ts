import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyGroups } from './key-groups.ts';
import { KeyIndex } from './key-index.ts';

test('it has what an index of all texts has of each beginning', () => {
  const start = fc.constantFrom('', 'a', 'b', 'bb');
  const tail = fc.nat(30).map((number) => String(number).padStart(2, '0'));
  const step = fc.record({ does: fc.constantFrom('add', 'add', 'delete'), start, tail });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), start, tail, (steps, looked, from) => {
      const known = steps.splice(0, 5).map((one) => one.start + one.tail);
      const groups = new KeyGroups(2, new Set(known));
      const index = new KeyIndex([...new Set(known)]);
      for (const { does, ...text } of steps) {
        if (does === 'add') expect(groups.add(text.start + text.tail)).toBe(index.add(text.start + text.tail));
        else expect(groups.delete(text.start + text.tail)).toBe(index.delete(text.start + text.tail));
        expect(groups.size).toBe(index.size);
      }
      const expected = index.list(looked + from, `${looked}\u00ff`).filter((text) => text.length === looked.length + 2);
      // Beginnings of which one begins another one have a mark at their end; here their length tells them apart.
      expect(groups.list(looked + from, `${looked}\u00ff`)).toEqual(expected);
      expect([...groups.range(looked + from, `${looked}\u00ff`)]).toEqual(expected);
      expect([...groups.reverseRange(looked + from, `${looked}\u00ff`)]).toEqual(expected.toReversed());
    }),
  );
});

test('a range over several groups is refused', () => {
  const groups = new KeyGroups(2, ['a00', 'b00']);
  for (const [from, to] of [
    ['a00', 'b00'],
    [undefined, undefined],
    ['a', 'b\u00ff'],
  ])
    expect(() => groups.list(from, to)).toThrow('lies in one of them');
});
