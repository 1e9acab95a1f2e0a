import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import snappy from 'snappy';
import { compress, CompressionCodec, decompress, registerKafkajsCodecs, UnsupportedCompressionError } from './compression.ts';

type Pack = (encoder: { readonly buffer: Buffer }) => Promise<Buffer>;
type Unpack = (packed: Buffer) => Promise<Buffer>;

const XERIAL_HEADER = Buffer.from('82534e41505059000000000100000001', 'hex');

const framed = (...blocks: Buffer[]): Buffer =>
  Buffer.concat(
    blocks.flatMap((block) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(block.length);
      return [length, block];
    }),
  );

describe('compression', () => {
  test.each(Object.entries(CompressionCodec))('%s gives back what went in', (_, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.nat(300), (bytes, times) => {
        const plain = Buffer.concat(Array.from({ length: 1 + times }, () => bytes));
        expect(decompress(codec, compress(codec, plain)).equals(plain)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('snappy is read as the bare block, as one xerial stream of several blocks, and as streams end to end', () => {
    const block = (text: string): Buffer => snappy.compressSync(Buffer.from(text));
    expect(decompress(CompressionCodec.snappy, block('bare')).toString()).toBe('bare');
    const stream = Buffer.concat([XERIAL_HEADER, framed(block('one '), block('two ')), XERIAL_HEADER, framed(block('three'))]);
    expect(decompress(CompressionCodec.snappy, stream).toString()).toBe('one two three');
  });

  test('a stream that is cut off, or claims more than a batch can hold, is refused before it is unpacked', () => {
    const stream = Buffer.concat([XERIAL_HEADER, framed(snappy.compressSync(Buffer.from('a'.repeat(500))))]);
    expect(() => decompress(CompressionCodec.snappy, stream.subarray(0, stream.length - 3))).toThrow('leaves its frame');
    expect(() => decompress(CompressionCodec.snappy, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow('claims 4294967295 bytes');
  });

  test('an unknown codec is named', () => {
    expect(() => decompress(5, Buffer.alloc(1))).toThrow(UnsupportedCompressionError);
  });

  test('kafkajs finds the three codecs after registration', async () => {
    registerKafkajsCodecs();
    const codecs = kafkajs.CompressionCodecs as Readonly<Record<number, () => { compress: Pack; decompress: Unpack }>>;
    for (const codec of [CompressionCodec.snappy, CompressionCodec.lz4, CompressionCodec.zstd]) {
      const { compress: pack, decompress: unpack } = codecs[codec]?.() ?? {};
      if (pack === undefined || unpack === undefined) throw new Error(`codec ${codec} is not registered`);
      const plain = Buffer.from('login '.repeat(100));
      const packed = await pack({ buffer: plain });
      expect(packed.length).toBeLessThan(plain.length);
      expect((await unpack(packed)).toString()).toBe(plain.toString());
    }
  });
});
