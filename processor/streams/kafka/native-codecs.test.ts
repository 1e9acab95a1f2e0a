import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c, crc32cSlowly, packSnappyBlock, unpackSnappyBlock, unpackSnappyBlockSlowly } from './native-codecs.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
/** Repetitions, so that blocks hold copies, overlapping ones among them. */
const repetitive = fc
  .array(fc.tuple(bytes, fc.integer({ min: 1, max: 400 })), { maxLength: 8 })
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array.from({ length: times }, () => part))));

test('the checksum in JavaScript is the native one', () => {
  expect(crc32cSlowly(Buffer.from('123456789'))).toBe(0xe3069283);
  fc.assert(fc.property(bytes, (some) => expect(crc32cSlowly(some)).toBe(crc32c(some))));
});

test('snappy in JavaScript unpacks what the native library packs', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, repetitive), (plain) => {
      const block = packSnappyBlock(plain);
      expect(unpackSnappyBlockSlowly(block).equals(plain)).toBe(true);
      expect(unpackSnappyBlock(block).equals(plain)).toBe(true);
    }),
  );
});

test('snappy in JavaScript refuses damaged bytes by a RangeError, and ends', () => {
  fc.assert(
    fc.property(repetitive, fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, at, change) => {
      const block = packSnappyBlock(plain);
      const index = at % block.length;
      // The size that stands first may claim gigabytes: its readers look at it before.
      fc.pre(index > 4);
      block[index] = (block[index] as number) ^ change;
      try {
        unpackSnappyBlockSlowly(block);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
