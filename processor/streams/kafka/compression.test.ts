import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import kafkajs from '#kafkajs';
import snappy from 'snappy';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  compress,
  CompressionCodec,
  decompress,
  registerKafkajsCodecs,
  UnpackedTooLargeError,
  unpackInParts,
  UnsupportedCompressionError,
} from './compression.ts';

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
    const stream = Buffer.concat([
      XERIAL_HEADER,
      framed(block('one '), block('two ')),
      XERIAL_HEADER,
      framed(block('three')),
    ]);
    expect(decompress(CompressionCodec.snappy, stream).toString()).toBe('one two three');
  });

  test('a stream that is cut off, or claims more than a batch can hold, is refused before it is unpacked', () => {
    const stream = Buffer.concat([XERIAL_HEADER, framed(snappy.compressSync(Buffer.from('a'.repeat(500))))]);
    expect(() => decompress(CompressionCodec.snappy, stream.subarray(0, stream.length - 3))).toThrow(
      'leaves its frame',
    );
    expect(() => decompress(CompressionCodec.snappy, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow(
      'a snappy block of 6 bytes claims 4294967295 bytes',
    );
  });

  const login = Buffer.from('login of ca; '.repeat(40));
  const skippable = Buffer.from('502a4d1803000000616263', 'hex');
  /** Written by the tools of these formats. */
  const foreign = {
    'linked blocks, block checksums, content size': 'BCJNGHRAvRgAAADfbG9naW4gb2YgY2E7IA0A/+RQIGNhOyCosk4IAAAAAAkZGnQ=',
    'independent blocks of 64 KiB, no checksum': 'BCJNGGBAghgAAADfbG9naW4gb2YgY2E7IA0A/+RQIGNhOyAAAAAA',
    'zstd with a checksum': 'KLUv/QRopQAAaGxvZ2luIG9mIGNhOyABAPigzi8NtsQu',
  } as const;
  const parts = async (codec: number, packed: Buffer): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of unpackInParts(codec, packed)) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  test.each<[string, number, (...packed: Buffer[]) => Buffer, Buffer]>([
    ['zstd', CompressionCodec.zstd, (...frames) => Buffer.concat(frames), zstdCompressSync(login)],
    [
      'zstd of another library',
      CompressionCodec.zstd,
      (...frames) => Buffer.concat(frames),
      Buffer.from(foreign['zstd with a checksum'], 'base64'),
    ],
    ['lz4', CompressionCodec.lz4, (...frames) => Buffer.concat(frames), compress(CompressionCodec.lz4, login)],
    [
      'lz4, linked blocks',
      CompressionCodec.lz4,
      (...frames) => Buffer.concat(frames),
      Buffer.from(foreign['linked blocks, block checksums, content size'], 'base64'),
    ],
    [
      'lz4, independent blocks',
      CompressionCodec.lz4,
      (...frames) => Buffer.concat(frames),
      Buffer.from(foreign['independent blocks of 64 KiB, no checksum'], 'base64'),
    ],
    ['gzip', CompressionCodec.gzip, (...members) => Buffer.concat(members), gzipSync(login)],
  ])('%s: several frames are read, and those that hold nothing are passed over', async (_, codec, join, packed) => {
    const between = codec === CompressionCodec.gzip ? [] : [skippable];
    for (const all of [join(packed), join(packed, packed), join(...between, packed, ...between, packed, ...between)]) {
      const wanted = Buffer.concat(all.length === packed.length ? [login] : [login, login]);
      expect(decompress(codec, all).equals(wanted)).toBe(true);
      expect((await parts(codec, all)).equals(wanted)).toBe(true);
    }
    for (const cut of [1, 5, packed.length - 4])
      expect(() => decompress(codec, join(packed, packed.subarray(0, packed.length - cut)))).toThrow();
  });

  test('what no frame begins with is refused, but behind a gzip member, where Java ends too', () => {
    for (const codec of [CompressionCodec.lz4, CompressionCodec.zstd])
      expect(() => decompress(codec, Buffer.concat([compress(codec, login), Buffer.from('garbage')]))).toThrow(
        'frame begins with',
      );
    expect(
      decompress(CompressionCodec.gzip, Buffer.concat([gzipSync(login), gzipSync(login), Buffer.from('garbage')]))
        .length,
    ).toBe(2 * login.length);
  });

  test.each([CompressionCodec.gzip, CompressionCodec.snappy, CompressionCodec.lz4, CompressionCodec.zstd])(
    'codec %i unpacks no more than there is room for',
    async (codec) => {
      const packed = compress(codec, Buffer.alloc(9_000_000, ' '));
      expect(() => decompress(codec, packed, 8_999_999)).toThrow(UnpackedTooLargeError);
      expect(decompress(codec, packed, 9_000_000).length).toBe(9_000_000);
      expect((await parts(codec, packed)).length).toBe(9_000_000);
    },
  );

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
