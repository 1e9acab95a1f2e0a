import { expect, jest, test } from '@jest/globals';
import { OpenRequests } from './open-requests.ts';

test('a request is found by its id until it is answered, and never by the id of another one', () => {
  const open = new OpenRequests<string>();
  const held = open.add('held');
  const answered: number[] = [];
  // Far more than there are places, each answered before the next one.
  for (let nth = 0; nth < 300; nth += 1) {
    const id = open.add(`request ${nth}`);
    expect([held, ...answered]).not.toContain(id);
    // Those that are answered once more, too late.
    for (const late of answered) {
      expect(open.get(late)).toBeUndefined();
      open.delete(late);
    }
    expect(open.get(id)).toBe(`request ${nth}`);
    open.delete(id);
    answered.push(id);
  }
  expect(open.get(held)).toBe('held');
  expect(open.entries()).toEqual([[held, 'held']]);
  expect(open.size).toBe(1);
});

test('any number is open at once', () => {
  const open = new OpenRequests<number>();
  const ids = Array.from({ length: 5_000 }, (_, nth) => open.add(nth));
  expect(open.size).toBe(5_000);
  expect(ids.map((id) => open.get(id))).toEqual(ids.map((_, nth) => nth));
  for (const [nth, id] of ids.entries()) if (nth % 3 !== 0) open.delete(id);
  const more = Array.from({ length: 5_000 }, (_, nth) => open.add(5_000 + nth));
  expect(new Set([...ids, ...more]).size).toBe(10_000);
  expect(ids.map((id) => open.get(id))).toEqual(ids.map((_, nth) => (nth % 3 === 0 ? nth : undefined)));
  expect(more.map((id) => open.get(id))).toEqual(more.map((_, nth) => 5_000 + nth));
  expect(open.entries()).toHaveLength(open.size);
});

test('one that is held takes no more memory, however many come and go', () => {
  const open = new OpenRequests<string>();
  const held = open.add('held');
  const made = jest.spyOn(Array, 'from');
  for (let nth = 0; nth < 1_000; nth += 1) open.delete(open.add('passes'));
  expect(made).not.toHaveBeenCalled();
  expect(open.get(held)).toBe('held');
});
