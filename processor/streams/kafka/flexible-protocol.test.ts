import { expect, test } from '@jest/globals';
import { compactLength, compactString, FlexibleReader, NO_TAGS, uvarint } from './flexible-protocol.ts';

test('what is written is read again, up to where one byte is not enough', () => {
  for (const number of [0, 1, 127, 128, 300, 16_383, 16_384, 1_000_000])
    expect(new FlexibleReader(uvarint(number)).uvarint()).toBe(number);
  const long = 'ä'.repeat(200);
  const reader = new FlexibleReader(
    Buffer.concat([compactLength(2), compactString(''), compactString(long), NO_TAGS, Buffer.from([0, 7])]),
  );
  expect(reader.array((it) => it.string())).toEqual(['', long]);
  reader.skipTags();
  expect(reader.int16()).toBe(7);
});

test('null is empty, and tagged fields of a later broker are passed over', () => {
  const reader = new FlexibleReader(
    Buffer.concat([
      uvarint(0),
      uvarint(0),
      uvarint(2),
      uvarint(5),
      uvarint(3),
      Buffer.from('abc'),
      uvarint(200),
      uvarint(0),
      Buffer.from([0, 0, 0, 9]),
    ]),
  );
  expect(reader.string()).toBe('');
  expect(reader.array((it) => it.int16())).toEqual([]);
  reader.skipTags();
  expect(reader.int32()).toBe(9);
});
