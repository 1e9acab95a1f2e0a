import { expect, test } from '@jest/globals';
import type { HeldRow } from './graph.ts';
import { heldRowSerde } from './held-row.ts';
import { UnreadableValueError } from './stored-value.ts';

const last = { value: Buffer.from('before'), timestampMs: 3 };
const ROWS: readonly (readonly [string, HeldRow])[] = [
  ['a deletion', { timestampMs: 7, last, newest: null }],
  ['a value', { timestampMs: 7, last, newest: { kind: 'value', value: Buffer.from('now') } }],
  ['an empty value', { timestampMs: -1, last: null, newest: { kind: 'value', value: Buffer.alloc(0) } }],
  [
    'parts',
    {
      timestampMs: 7,
      last,
      newest: {
        kind: 'parts',
        parts: new Map([
          ['left', { value: Buffer.alloc(0), timestampMs: 5 }],
          ['right', { value: Buffer.from('r'), timestampMs: -1 }],
        ]),
      },
    },
  ],
  ['no parts', { timestampMs: 7, last: null, newest: { kind: 'parts', parts: new Map() } }],
];

test.each(ROWS)('a held row with %s', (_what, row) => {
  expect(heldRowSerde.deserialize(Buffer.from(heldRowSerde.serialize(row)))).toEqual(row);
});

test('rows of a release that kept no values are read, and written as they were', () => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(50);
  expect(heldRowSerde.deserialize(bytes)).toEqual({ timestampMs: 50, last: null, newest: undefined });
  const withLast = Buffer.concat([bytes, Buffer.alloc(8), Buffer.from('v')]);
  const row = heldRowSerde.deserialize(withLast);
  expect(row).toEqual({ timestampMs: 50, last: { value: Buffer.from('v'), timestampMs: 0 }, newest: undefined });
  expect(heldRowSerde.serialize(row)).toEqual(withLast);
});

test('a kind that this release does not know is refused', () => {
  const bytes = Buffer.from(heldRowSerde.serialize({ timestampMs: 7, last: null, newest: null }));
  bytes[1] = 9;
  expect(() => heldRowSerde.deserialize(bytes)).toThrow(UnreadableValueError);
});
