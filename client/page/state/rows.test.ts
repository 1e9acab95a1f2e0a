import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { applyRowsUpdate } from './rows.ts';
import type { Row, RowsUpdate } from '../api/answers.ts';
import type { RowsModel } from './rows.ts';

const freshness = { asOf: null, complete: true, lag: 0, cursor: 'c', partial: [] };

function update(kind: RowsUpdate['kind'], rows: Record<string, number>, more: Partial<RowsUpdate> = {}): RowsUpdate {
  return {
    kind,
    cursor: 'c',
    rows: Object.entries(rows).map(([id, n]) => ({ id, n })),
    removed: [],
    more: false,
    freshness,
    ...more,
  };
}

const shown = (model: RowsModel): Record<string, unknown> =>
  Object.fromEntries([...model.rows].map(([id, row]) => [id, row['n']]));

test('a snapshot replaces, a delta merges absolute rows and takes away the removed ones', () => {
  let model = applyRowsUpdate(null, 'k', update('SNAPSHOT', { a: 1, b: 2 }), true);
  model = applyRowsUpdate(model, 'k', update('DELTA', { b: 3, c: 4 }, { removed: ['a'], cursor: 'd' }), false);
  expect([shown(model), model.cursor]).toEqual([{ b: 3, c: 4 }, 'd']);
  model = applyRowsUpdate(model, 'k', update('SNAPSHOT', { z: 9 }), false);
  expect(shown(model)).toEqual({ z: 9 });
});

test('a snapshot in parts is shown when it is whole; until then what was there stays', () => {
  let model = applyRowsUpdate(null, 'k', update('SNAPSHOT', { old: 1 }), true);
  model = applyRowsUpdate(model, 'k', update('SNAPSHOT', { a: 1 }, { more: true }), false);
  model = applyRowsUpdate(model, 'k', update('SNAPSHOT', { b: 2 }, { more: true }), false);
  expect(shown(model)).toEqual({ old: 1 });
  model = applyRowsUpdate(model, 'k', update('SNAPSHOT', { c: 3 }), false);
  expect(shown(model)).toEqual({ a: 1, b: 2, c: 3 });
});

test('parts of a snapshot that was cut off do not mix with the one that begins anew', () => {
  let model = applyRowsUpdate(null, 'k', update('SNAPSHOT', { gone: 1 }, { more: true }), true);
  model = applyRowsUpdate(model, 'k', update('SNAPSHOT', { a: 1 }), true);
  expect(shown(model)).toEqual({ a: 1 });
});

test('a resumed subscription goes on from what is there; another question begins with nothing', () => {
  const model = applyRowsUpdate(null, 'k', update('SNAPSHOT', { a: 1 }), true);
  expect(shown(applyRowsUpdate(model, 'k', update('DELTA', { b: 2 }), true))).toEqual({ a: 1, b: 2 });
  expect(shown(applyRowsUpdate(model, 'other', update('DELTA', { b: 2 }), true))).toEqual({ b: 2 });
});

test('whatever comes, what is held is what the updates say', () => {
  const step = fc.record({
    kind: fc.constantFrom('SNAPSHOT' as const, 'DELTA' as const),
    rows: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(9)),
    removed: fc.subarray(['a', 'b', 'c', 'd']),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), (steps) => {
      let model: RowsModel | null = null;
      let expected: Record<string, number> = {};
      for (const { kind, rows, removed } of steps) {
        const gone = kind === 'SNAPSHOT' ? [] : removed.filter((id) => !(id in rows));
        model = applyRowsUpdate(model, 'k', update(kind, rows, { removed: gone }), model === null);
        expected = kind === 'SNAPSHOT' ? { ...rows } : { ...expected, ...rows };
        for (const id of gone) delete expected[id];
      }
      expect(model && shown(model)).toEqual(expected);
    }),
  );
});

test('an update leaves the model before it as it was: a paused page shows it', () => {
  const row: Row = { id: 'a', n: 1 };
  const before = applyRowsUpdate(null, 'k', update('SNAPSHOT', { a: 1 }), true);
  applyRowsUpdate(before, 'k', update('DELTA', { a: 2 }, { removed: ['b'] }), false);
  expect([...before.rows.values()]).toEqual([row]);
});
