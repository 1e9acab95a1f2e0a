import { deserialize, serialize } from 'node:v8';
import { expect, test } from '@jest/globals';
import { MOST_QUESTION_BYTES } from './query-frames.ts';
import { structuredBytes } from './structured-bytes.ts';

const asked = {
  questions: [
    {
      store: 'totals',
      partition: 3,
      allowStale: true,
      minPosition: 2 ** 40 + 1,
      read: { kind: 'rows', keys: [Buffer.from('u00000001'), new Uint8Array([0, 255, 128])] },
    },
    { store: 'größe', partition: 0, allowStale: false, read: { kind: 'range', from: undefined, limit: 200 } },
  ],
  waitMs: 499.99999,
};

test.each<[string, unknown]>([
  ['questions', asked],
  [
    'an answer',
    [7, { kind: 'answer', answer: { kind: 'rows', position: 12, timed: true, rows: [null, asked.questions] } }],
  ],
  ['whole numbers', [0, 1, -1, 63, 64, -64, -65, 8_191, 8_192, 2 ** 30 - 1, -(2 ** 30)]],
  ['other numbers', [-0.5, NaN, Infinity, 1e300]],
  ['nothing', [undefined, null, true, false, '', [], {}]],
  ['many bytes', { rows: Array.from({ length: 300 }, (_, nth) => new Uint8Array(nth * 10).fill(nth)) }],
  ['long texts', ['x'.repeat(70_000), 'ÿ'.repeat(200)]],
])('%s are bytes as V8 writes them', (_, value) => {
  expect(structuredBytes(value).equals(serialize(value))).toBe(true);
  expect(deserialize(structuredBytes(value))).toEqual(value);
});

test.each<[string, unknown]>([
  ['other letters', { message: 'a row of the store “totals”, 日本' }],
  ['big numbers', { value: 2n ** 70n }],
  ['names that are numbers', { 0: 'a', '1x': 'b' }],
  ['dates', { at: new Date(0) }],
  ['maps', new Map([['a', 1]])],
  ['views of other numbers', new Float64Array([1.5, 2])],
  ['deep data', JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`)],
  ['minus zero', [-0]],
  ['numbers that V8 may hold in two ways', [2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, 0.5]],
])('%s come back as they were', (_, value) => {
  expect(deserialize(structuredBytes(value))).toEqual(value);
});

test('data that holds itself, and a place that holds nothing, come back as they were', () => {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  const back = deserialize(structuredBytes(ring)) as { readonly self: unknown };
  expect(back.self).toBe(back);
  const sparse: unknown[] = [1];
  sparse[2] = 3;
  expect(1 in (deserialize(structuredBytes(sparse)) as unknown[])).toBe(false);
});

test('what cannot be written is refused as V8 refuses it', () => {
  expect(() => structuredBytes({ f: () => 1 })).toThrow(/could not be cloned/);
  expect(structuredBytes([1]).equals(serialize([1]))).toBe(true);
});

test('of what is large, what is there twice is written once: many partitions are asked for the same keys', () => {
  const read = { kind: 'rows', keys: Array.from({ length: 1_000 }, (_, nth) => Buffer.alloc(36, nth)) };
  const questions = Array.from({ length: 32 }, (_, partition) => ({ store: 'totals', partition, read }));
  const written = structuredBytes({ questions });
  expect(written.length).toBeLessThan(MOST_QUESTION_BYTES / 8);
  expect(deserialize(written)).toEqual({ questions });
});

test('bytes stay as they are, whatever is written after them', () => {
  const all = [1, 2, 3].map((nth) => structuredBytes(['text', nth]));
  expect(all.map((bytes) => deserialize(bytes) as unknown)).toEqual([1, 2, 3].map((nth) => ['text', nth]));
});

// What is written into begins with so many bytes, and again behind what was large.
test.each<[string, unknown]>([
  ['texts', ['y', 'z'.repeat(200)]],
  ['whole numbers', [1, 2 ** 30 - 1, -7]],
  ['other numbers', [0.5, 1e300]],
  ['bytes', [new Uint8Array([1, 2, 3]), Buffer.from('b')]],
  ['tags', [null, true, undefined, [], {}]],
  ['names', { one: { of: 'these' } }],
])('%s are written where the room ends', (_, value) => {
  for (let before = 4_040; before <= 4_100; before += 1) {
    structuredBytes('x'.repeat(300_000));
    const data = ['x'.repeat(before), value];
    expect(deserialize(structuredBytes(data))).toEqual(data);
  }
});
