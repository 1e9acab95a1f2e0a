import { expect, test } from '@jest/globals';
import { frame, readMessageIndexes, unframe, writeMessageIndexes } from './wire-format.ts';

test('a value has a zero byte and the id of its schema in front', () => {
  const bytes = frame(0x01020304, Buffer.from('ab'), Buffer.from('c'));
  expect(bytes.toString('hex')).toBe('0001020304616263');
  expect(unframe(bytes)).toEqual({ id: 0x01020304, payload: Buffer.from('abc') });
});

test.each([
  ['', /0 bytes cannot hold the id/],
  ['00000000', /4 bytes cannot hold the id/],
  ['7b22612231', /begins with the byte 123 and not with 0/],
  ['0100000000', /begins with the byte 1 and not with 0/],
])('bytes of nobody are refused: %s', (hex, why) => {
  expect(() => unframe(Buffer.from(hex, 'hex'))).toThrow(why);
});

test.each([
  [[0], '00'],
  [[1], '0202'],
  [[0, 0], '040000'],
  [[1, 0], '040200'],
  [[2, 0, 130], '0604008402'],
])('the place %j of a message is %s', (indexes, hex) => {
  expect(writeMessageIndexes(indexes).toString('hex')).toBe(hex);
  const read = readMessageIndexes(Buffer.from(`${hex}ff`, 'hex'));
  expect(read).toEqual({ indexes, message: Buffer.from([0xff]) });
});

test('the first message may be written out', () => {
  expect(readMessageIndexes(Buffer.from('0200', 'hex'))).toEqual({ indexes: [0], message: Buffer.alloc(0) });
});

test.each(['', '04', '0402', '01', 'ffffffffff7f', 'ffffffffffffffff'])('what is no place is refused: %s', (hex) => {
  expect(() => readMessageIndexes(Buffer.from(hex, 'hex'))).toThrow(/the place of the message/);
});
