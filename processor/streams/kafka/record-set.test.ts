import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchBytes, type RecordSpec } from '../tests/support/record-batch-bytes.ts';
import { fetchFrom, logStep, writeLog } from '../tests/support/transactional-log.ts';
import { compress } from './compression.ts';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { CorruptRecordError } from './batch-errors.ts';
import { streamBatch } from './batch-stream.ts';
import type { FetchedRecord } from './fetched-record.ts';
import { decodeRecordSet, type DecodeOptions } from './record-set.ts';

const decode = (bytes: Buffer, options: Partial<DecodeOptions> = {}) =>
  decodeRecordSet(bytes, {
    topic: 't',
    partition: 3,
    fromOffset: 0,
    abortedTransactions: [],
    readCommitted: true,
    ...options,
  });

const record = (offsetDelta: number, value: string | null, extra: Partial<RecordSpec> = {}): RecordSpec => ({
  offsetDelta,
  timestampDelta: 0n,
  key: Buffer.from('k'),
  value: value === null ? null : Buffer.from(value),
  ...extra,
});

const values = (bytes: Buffer, options: Partial<DecodeOptions> = {}): (string | null)[] =>
  decode(bytes, options).records.map((it) => it.valueText());

describe('one record', () => {
  test('keeps key, value, headers, time and place', () => {
    const bytes = batchBytes({
      baseOffset: 41n,
      baseTimestamp: 1_790_000_000_000n,
      records: [
        record(0, null, { key: null }),
        record(1, '', {
          key: Buffer.alloc(0),
          timestampDelta: -5n,
          headers: [
            ['a', Buffer.from('1')],
            ['__proto__', Buffer.from('2')],
            ['a', Buffer.from('3')],
            ['none', null],
          ],
        }),
      ],
    });
    const [first, second] = decode(bytes, { fromOffset: 41 }).records;
    expect([first?.topic, first?.partition, first?.offset, first?.timestampMs]).toEqual([
      't',
      3,
      41,
      1_790_000_000_000,
    ]);
    expect([first?.key, first?.value, first?.sizeBytes, first?.keyText()]).toEqual([null, null, 0, null]);
    expect(Object.keys(first?.headers ?? { wrong: 1 })).toEqual([]);
    expect([second?.offset, second?.timestampMs, second?.key?.length, second?.value?.length]).toEqual([
      42, 1_789_999_999_995, 0, 0,
    ]);
    expect(Object.entries(second?.headers ?? {}).map(([name, value]) => [name, value.toString()])).toEqual([
      ['a', '3'],
      ['__proto__', '2'],
      ['none', ''],
    ]);
    expect(second?.headerList.map(([name, value]) => [name, value?.toString() ?? null])).toEqual([
      ['a', '1'],
      ['__proto__', '2'],
      ['a', '3'],
      ['none', null],
    ]);
  });

  test('with LogAppendTime has the time of the broker, whatever the producer said', () => {
    const spec = {
      baseOffset: 0n,
      baseTimestamp: 1_000n,
      maxTimestamp: 7_777n,
      records: [record(0, 'a'), record(1, 'b', { timestampDelta: 50n })],
    };
    expect(decode(batchBytes({ ...spec, isLogAppendTime: true })).records.map((it) => it.timestampMs)).toEqual([
      7_777, 7_777,
    ]);
    expect(decode(batchBytes(spec)).records.map((it) => it.timestampMs)).toEqual([1_000, 1_050]);
  });

  test('survives every length, offset and time that JS numbers can hold', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 52n }),
        fc.bigInt({ min: -(2n ** 40n), max: 2n ** 42n }),
        fc.array(
          fc.record({
            gap: fc.integer({ min: 0, max: 70_000 }),
            timestampDelta: fc.oneof(
              fc.bigInt({ min: -70n, max: 70n }),
              fc.bigInt({ min: -(2n ** 51n), max: 2n ** 51n }),
            ),
            key: fc.option(fc.uint8Array({ maxLength: 80 })),
            value: fc.option(fc.uint8Array({ maxLength: 300 })),
            headers: fc.array(fc.tuple(fc.string(), fc.uint8Array({ maxLength: 70 })), { maxLength: 3 }),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.constantFrom(0, 1, 2, 3, 4),
        (baseOffset, baseTimestamp, specs, codec) => {
          let offsetDelta = -1;
          const records = specs.map((spec): RecordSpec => ({
            offsetDelta: (offsetDelta += 1 + spec.gap),
            timestampDelta: spec.timestampDelta,
            key: spec.key === null ? null : Buffer.from(spec.key),
            value: spec.value === null ? null : Buffer.from(spec.value),
            headers: spec.headers.map(([name, value]) => [name, Buffer.from(value)] as const),
          }));
          const bytes = batchBytes({
            baseOffset,
            baseTimestamp,
            records,
            codec,
            pack: (plain) => compress(codec, plain),
          });
          const result = decode(bytes, { fromOffset: Number(baseOffset) });
          expect(result.nextOffset).toBe(Number(baseOffset) + offsetDelta + 1);
          expect(result.records.length).toBe(records.length);
          result.records.forEach((actual, i) => {
            const wanted = records[i];
            if (wanted === undefined) throw new Error('unreachable');
            expect(actual.offset).toBe(Number(baseOffset) + wanted.offsetDelta);
            expect(BigInt(actual.timestampMs)).toBe(baseTimestamp + wanted.timestampDelta);
            expect(actual.key === null ? null : Buffer.from(actual.key)).toEqual(wanted.key);
            expect(actual.value === null ? null : Buffer.from(actual.value)).toEqual(wanted.value);
            const last = new Map(wanted.headers);
            expect(Object.keys(actual.headers).toSorted()).toEqual([...last.keys()].toSorted());
            for (const [name, value] of last) expect(Buffer.from(actual.headers[name] ?? '?')).toEqual(value);
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the frame', () => {
  const two = Buffer.concat([
    batchBytes({ baseOffset: 10n, records: [record(0, 'a'), record(1, 'b'), record(2, 'c')], lastOffsetDelta: 4 }),
    batchBytes({ baseOffset: 15n, records: [record(0, 'd')] }),
  ]);

  test('records before the offset asked for are dropped, whole batches too', () => {
    expect(values(two, { fromOffset: 12 })).toEqual(['c', 'd']);
    expect(values(two, { fromOffset: 15 })).toEqual(['d']);
    expect(decode(two, { fromOffset: 16 })).toMatchObject({ records: [], nextOffset: 16, batches: 2 });
  });

  test('the position passes offsets that compaction took from the end of a batch, and empty batches', () => {
    expect(decode(two.subarray(0, two.length - 20), { fromOffset: 10 })).toMatchObject({
      nextOffset: 15,
      batches: 1,
      partialTail: true,
    });
    const empty = batchBytes({ baseOffset: 20n, records: [], lastOffsetDelta: 9 });
    expect(decode(empty, { fromOffset: 20 })).toMatchObject({ records: [], nextOffset: 30, partialTail: false });
  });

  test('a set cut off anywhere gives what was complete', () => {
    const firstEnd = 12 + two.readInt32BE(8);
    for (let cut = 0; cut < two.length; cut++) {
      const result = decode(two.subarray(0, cut), { fromOffset: 10 });
      const whole = cut >= firstEnd ? 1 : 0;
      expect(result).toMatchObject({
        batches: whole,
        nextOffset: whole === 1 ? 15 : 10,
        partialTail: cut !== 0 && cut !== firstEnd,
      });
      expect(result.records.length).toBe(whole * 3);
    }
  });

  test('every flipped bit under the checksum is noticed, and named with topic, partition and offset', () => {
    const bytes = batchBytes({ baseOffset: 77n, records: [record(0, 'hello')] });
    for (let at = 17; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(() => decode(damaged)).toThrow('t-3, batch at offset 77: the CRC-32C does not match');
    }
    const last = bytes.length - 2;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    expect(values(bytes, { verifyCrc: false })).not.toEqual(['hello']);
  });

  test('without the checksum, broken lengths still never read outside their batch', () => {
    const next = batchBytes({ baseOffset: 1n, records: [record(0, 'next')] });
    fc.assert(
      fc.property(fc.integer({ min: 61, max: 61 + 12 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = Buffer.concat([batchBytes({ baseOffset: 0n, records: [record(0, 'hello')] }), next]);
        damaged[at] = byte;
        try {
          const { records } = decode(damaged, { verifyCrc: false });
          for (const it of records.slice(0, 1)) expect(it.sizeBytes).toBeLessThan(16);
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptRecordError);
        }
      }),
    );
  });

  test('damaged compressed records are corrupt, an unknown codec is unsupported', () => {
    const bytes = batchBytes({
      baseOffset: 5n,
      records: [record(0, 'x')],
      codec: 4,
      pack: () => Buffer.from('not zstd'),
    });
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'CORRUPT_RECORD', offset: 5 }));
    const unknown = batchBytes({ baseOffset: 5n, records: [record(0, 'x')], codec: 6 });
    expect(() => decode(unknown)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_COMPRESSION' }));
  });

  test('a record count that leaves bytes over is corrupt: the records behind it would be lost', () => {
    const bytes = batchBytes({ baseOffset: 5n, records: [record(0, 'x'), record(1, 'y')] });
    bytes.writeInt32BE(1, 57);
    expect(() => decode(bytes, { verifyCrc: false })).toThrow('bytes after the last record');
  });

  test('an unknown format is refused by name', () => {
    const newer = batchBytes({ baseOffset: 5n, records: [record(0, 'x')], magic: 3 });
    expect(() => decode(newer)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_RECORD_FORMAT' }));
  });
});

describe('more than there is room for', () => {
  const MAX = 100_000;
  const huge = Buffer.alloc(300_000, 'blanks ');
  const sha256 = createHash('sha256').update(huge).digest('hex');
  const small = Array.from({ length: 200 }, (_, index) => record(index, `value ${String(index)}`));
  const specs = [
    ...small.slice(0, 120),
    record(120, huge.toString(), { headers: [['h', Buffer.from('1')]] }),
    ...small.slice(121),
    record(200, 'x', { key: huge }),
    record(201, 'x', { headers: [['h', huge]] }),
    record(202, 'last'),
  ];
  const batchOf = (codec: number): Buffer =>
    batchBytes({
      baseOffset: 40n,
      baseTimestamp: 9n,
      records: specs,
      codec,
      pack: (plain) => compress(codec, plain),
      lastOffsetDelta: 209,
    });
  const stream = async (
    batch: Buffer,
    fromOffset: number,
  ): Promise<{ records: FetchedRecord[]; nextOffset: number }> => {
    const records: FetchedRecord[] = [];
    let nextOffset = fromOffset;
    for await (const piece of streamBatch(batch, { topic: 't', partition: 3, fromOffset, maxRecordBytes: MAX })) {
      records.push(...piece.records);
      expect(piece.nextOffset).toBeGreaterThan(nextOffset);
      // What is announced is neither behind what was given nor past what comes.
      expect(piece.records[0]?.offset ?? nextOffset).toBeGreaterThanOrEqual(nextOffset);
      nextOffset = piece.nextOffset;
    }
    return { records, nextOffset };
  };

  test.each([0, 1, 2, 3, 4])(
    'a record beyond maxRecordBytes is cut, the others are not: codec %i, at once and in pieces',
    async (codec) => {
      const batch = batchOf(codec);
      for (const { records, nextOffset } of [decode(batch, { maxRecordBytes: MAX }), await stream(batch, 0)]) {
        expect(nextOffset).toBe(250);
        expect(records.map(({ offset }) => offset)).toEqual(specs.map((_, index) => 40 + index));
        const cut = records.filter((it) => it.cut !== undefined);
        expect(cut.map(({ offset }) => offset)).toEqual([160, 240, 241]);
        expect(cut.map((it) => it.unreadable?.reason)).toEqual(Array(3).fill('RECORD_TOO_LARGE_TO_READ'));
        expect([
          cut[0]?.key?.toString(),
          cut[0]?.value?.equals(huge.subarray(0, 16_384)),
          cut[0]?.cut?.value,
          cut[0]?.timestampMs,
        ]).toEqual(['k', true, { bytes: huge.length, sha256 }, 9]);
        expect([cut[1]?.key?.equals(huge.subarray(0, 1_024)), cut[1]?.cut, cut[1]?.valueText()]).toEqual([
          true,
          { key: { bytes: huge.length, sha256 }, value: null, headersLeftOut: 0 },
          'x',
        ]);
        expect([cut[2]?.headerList, cut[2]?.cut?.headersLeftOut, cut[2]?.codec]).toEqual([[], 1, codec]);
        // It is cut so that the batch need not stay in memory: nothing of it holds on to its bytes.
        expect(JSON.stringify(cut[2]).length).toBeLessThan(1_000);
        for (const part of cut.flatMap((it) => [it.key, it.value, ...it.headerList.map(([, content]) => content)]))
          expect(part?.buffer.byteLength ?? 0).toBeLessThan(MAX);
        expect(records.filter((it) => it.cut === undefined).map((it) => it.valueText())).toEqual(
          [...small.slice(0, 120), ...small.slice(121), record(202, 'last')].map(({ value }) => value?.toString()),
        );
      }
      expect((await stream(batch, 201)).records.map(({ offset }) => offset)[0]).toBe(201);
    },
  );

  test('a packed batch without room is left where it is, and read in pieces', async () => {
    const first = batchBytes({ baseOffset: 0n, records: [record(0, 'a')], lastOffsetDelta: 39 });
    const batch = batchOf(4);
    const set = Buffer.concat([first, batch, batch]);
    const result = decode(set, { roomBytes: 400_000 });
    expect([result.records.length, result.nextOffset, result.tooLarge?.equals(batch)]).toEqual([1, 40, true]);
    expect(decode(set, { roomBytes: 2_000_000 })).toMatchObject({ nextOffset: 250, batches: 3 });
    // The room is that of all batches together.
    expect(decode(set, { roomBytes: 1_500_000 })).toMatchObject({ batches: 2, tooLarge: batch });
    expect((await stream(batch, 0)).records.find((it) => it.cut !== undefined)?.headerList).toEqual([]);
  });

  test('records cost room beside their bytes', () => {
    const batch = batchBytes({
      baseOffset: 0n,
      records: Array.from({ length: 10_000 }, (_, index) => record(index, '')),
      codec: 4,
      pack: (plain) => compress(4, plain),
    });
    expect(decode(batch, { roomBytes: 500_000 }).tooLarge).toEqual(batch);
    expect(decode(batch, { roomBytes: 2_000_000 }).records).toHaveLength(10_000);
  });

  test('a batch that ends too early, or too late, is corrupt in pieces too', async () => {
    const packed = (count: number, change: (plain: Buffer) => Buffer): Buffer => {
      const batch = batchBytes({
        baseOffset: 5n,
        records: small,
        codec: 4,
        pack: (plain) => compress(4, change(plain)),
      });
      batch.writeInt32BE(count, 57);
      return batch;
    };
    await expect(
      stream(
        packed(201, (plain) => plain),
        0,
      ),
    ).rejects.toThrow(CorruptRecordError);
    await expect(
      stream(
        packed(199, (plain) => plain),
        0,
      ),
    ).rejects.toThrow('bytes after the last record');
    await expect(
      stream(
        packed(200, (plain) => plain.subarray(0, -3)),
        0,
      ),
    ).rejects.toThrow('t-3, batch at offset 5');
  });
});

describe('messages of Kafka before 0.11', () => {
  interface Message {
    readonly format: 0 | 1;
    readonly offset: number;
    readonly attributes?: number;
    readonly timestamp?: bigint;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
  }
  const part = (bytes: Buffer | null): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes?.length ?? -1);
    return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
  };
  const message = ({ format, offset, attributes = 0, timestamp = 7n, key, value }: Message): Buffer => {
    const time = Buffer.alloc(format === 1 ? 8 : 0);
    if (format === 1) time.writeBigInt64BE(timestamp);
    const body = Buffer.concat([Buffer.from([format, attributes]), time, part(key), part(value)]);
    const head = Buffer.alloc(16);
    head.writeBigInt64BE(BigInt(offset));
    head.writeInt32BE(4 + body.length, 8);
    head.writeUInt32BE(crc32(body), 12);
    return Buffer.concat([head, body]);
  };
  const plain = (format: 0 | 1, offset: number, value: string | null): Buffer =>
    message({ format, offset, key: Buffer.from('k'), value: value === null ? null : Buffer.from(value) });
  /** Three from 10 on; in format 1 their own offsets count from 0. */
  const packed = (format: 0 | 1, codec: number, attributes = 0): Buffer => {
    const inner = Buffer.concat(
      ['a', 'b', 'c'].map((value, index) => plain(format, format === 1 ? index : 10 + index, value)),
    );
    return message({
      format,
      offset: 12,
      attributes: codec | attributes,
      timestamp: 99n,
      key: null,
      value: compress(codec, inner),
    });
  };

  test('are read, beside newer batches, from any offset', () => {
    const set = Buffer.concat([
      plain(0, 8, 'old'),
      plain(1, 9, null),
      packed(1, 1),
      batchBytes({ baseOffset: 13n, records: [record(0, 'new')] }),
    ]);
    expect(
      decode(set).records.map((it) => [it.offset, it.keyText(), it.valueText(), it.timestampMs, it.headerList]),
    ).toEqual([
      [8, 'k', 'old', -1, []],
      [9, 'k', null, 7, []],
      [10, 'k', 'a', 7, []],
      [11, 'k', 'b', 7, []],
      [12, 'k', 'c', 7, []],
      [13, 'k', 'new', 0, []],
    ]);
    expect(decode(set)).toMatchObject({ nextOffset: 14, batches: 4, partialTail: false });
    expect(values(set, { fromOffset: 11 })).toEqual(['b', 'c', 'new']);
    expect(decode(set.subarray(0, set.length - 40), { fromOffset: 12 })).toMatchObject({
      nextOffset: 13,
      partialTail: true,
    });
  });

  test.each([
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
    [1, 3],
  ] as const)('of format %i are unpacked with codec %i', (format, codec) => {
    expect(
      decode(packed(format, codec), { fromOffset: 10 }).records.map((it) => [it.offset, it.valueText(), it.codec]),
    ).toEqual([
      [10, 'a', codec],
      [11, 'b', codec],
      [12, 'c', codec],
    ]);
  });

  test('of format 0 are read although the head of their lz4 frame has the checksum of that time', () => {
    const set = packed(0, 3);
    const frame = set.indexOf(Buffer.from('04224d18', 'hex'));
    set[frame + 6] = (set[frame + 6] ?? 0) ^ 0xff;
    set.writeUInt32BE(crc32(set.subarray(16)), 12);
    expect(values(set, { fromOffset: 10 })).toEqual(['a', 'b', 'c']);
  });

  test('have the time of the broker where it is set', () => {
    expect(decode(packed(1, 1, 0x08), { fromOffset: 10 }).records.map((it) => it.timestampMs)).toEqual([99, 99, 99]);
  });

  test('that are damaged are named, and too large ones cut', () => {
    const damaged = packed(1, 1);
    damaged[30] = (damaged[30] ?? 0) ^ 1;
    expect(() => decode(damaged)).toThrow(expect.objectContaining({ code: 'CORRUPT_RECORD', offset: 12 }));
    expect(() =>
      decode(message({ format: 1, offset: 3, attributes: 1, key: null, value: Buffer.from('no gzip') })),
    ).toThrow(CorruptRecordError);
    expect(decode(plain(1, 3, 'x'.repeat(5_000)), { maxRecordBytes: 4_000 }).records[0]?.unreadable?.reason).toBe(
      'RECORD_TOO_LARGE_TO_READ',
    );
  });
});

describe('transactions', () => {
  test('read_committed gives exactly the committed records, from any offset, in any fetch size', () => {
    fc.assert(
      fc.property(
        fc.array(logStep, { maxLength: 60 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 9 }),
        (steps, fromOffset, batchCount) => {
          const log = writeLog(steps);
          const logEnd = (log.batches.at(-1)?.lastOffset ?? -1) + 1;
          const seen: [number, string | null][] = [];
          let position = fromOffset;
          while (position < logEnd) {
            const { bytes, aborted } = fetchFrom(log, position, batchCount);
            const result = decode(bytes, { fromOffset: position, abortedTransactions: aborted });
            seen.push(...result.records.map((it): [number, string | null] => [it.offset, it.valueText()]));
            expect(result.nextOffset).toBeGreaterThan(position);
            position = result.nextOffset;
          }
          expect(seen).toEqual(log.committed.filter(([offset]) => offset >= fromOffset));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('a fetch that begins at the marker of an aborted transaction gives the producer his next, committed one', () => {
    const log = writeLog([
      { producer: 2, action: 'write', count: 1, zeroKey: false, isTransactional: true },
      { producer: 2, action: 'abort' },
      { producer: 2, action: 'write', count: 1, zeroKey: false, isTransactional: true },
      { producer: 2, action: 'commit' },
    ]);
    const { bytes, aborted } = fetchFrom(log, 1, 9);
    expect(aborted).toHaveLength(1);
    expect(values(bytes, { fromOffset: 1, abortedTransactions: aborted })).toEqual(['p2@2']);
  });

  test('read_uncommitted gives all data records and still no marker', () => {
    const log = writeLog([
      { producer: 0, action: 'write', count: 2, zeroKey: true, isTransactional: true },
      { producer: 0, action: 'abort' },
    ]);
    const bytes = Buffer.concat(log.batches.map((batch) => batch.bytes));
    expect(values(bytes, { readCommitted: false, abortedTransactions: log.aborted })).toEqual(['p0@0', 'p0@1']);
    expect(decode(bytes, { readCommitted: true, abortedTransactions: log.aborted })).toMatchObject({
      records: [],
      nextOffset: 3,
    });
  });
});
