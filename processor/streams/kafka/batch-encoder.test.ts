import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchBytes } from '../tests/support/record-batch-bytes.ts';
import { CompressionCodec, decompress } from './compression.ts';
import { decodeRecordSet } from './record-set.ts';
import { encodeBatch, type BatchToSend } from './batch-encoder.ts';

const load = createRequire(import.meta.url);
const { RecordBatch } = load('#kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch: (batch: object) => Promise<{ buffer: Buffer }>;
};
const kafkajsRecord = load('#kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => object;

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const headers = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytes), { maxLength: 3 });
/** Event times are up to 8.64e15, in any order: deltas go both ways, and beyond 32 bits. */
const time = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000_000 }),
  fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
);
const record = fc.oneof(
  fc.record({ key: bytes, value: bytes }),
  fc.record({ key: bytes, value: bytes, headers }),
  fc.record({ key: bytes, value: bytes, timestampMs: fc.oneof(fc.constant(undefined), time) }),
);
/** The time of each record: its own or the batch's. */
const timesOf = ({ records, timestampMs }: BatchToSend): number[] => records.map((r) => r.timestampMs ?? timestampMs);
const batch: fc.Arbitrary<BatchToSend> = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 150 }),
  timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
  producerId: fc.bigInt(-1n, (1n << 63n) - 1n),
  producerEpoch: fc.integer({ min: -1, max: 32_767 }),
  firstSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  isTransactional: fc.boolean(),
  codec: fc.constant(CompressionCodec.none),
});

/** The same in the words of the writer that goes byte by byte. */
function slowly({
  records,
  timestampMs,
  producerId,
  producerEpoch,
  firstSequence,
  isTransactional,
}: BatchToSend): Buffer {
  const times = timesOf({ records, timestampMs } as BatchToSend).map(BigInt);
  const baseTimestamp = times[0] as bigint;
  const written = batchBytes({
    baseOffset: 0n,
    baseTimestamp,
    maxTimestamp: times.reduce((max, at) => (at > max ? at : max)),
    producerId,
    isTransactional,
    records: records.map(({ key, value, headers: list = [] }, offsetDelta) => ({
      key,
      value,
      headers: list,
      offsetDelta,
      timestampDelta: (times[offsetDelta] as bigint) - baseTimestamp,
    })),
  });
  written.writeInt32BE(-1, 12);
  written.writeInt16BE(producerEpoch, 51);
  written.writeInt32BE(firstSequence, 53);
  return written;
}

/** All but the checksum, which the slow writer computed before the last fields were in. */
const butChecksum = (written: Buffer): Buffer => Buffer.concat([written.subarray(0, 17), written.subarray(21)]);

test('writes, byte for byte, what the slow writer writes', () => {
  fc.assert(
    fc.property(batch, (wanted) => {
      expect(butChecksum(encodeBatch(wanted)).equals(butChecksum(slowly(wanted)))).toBe(true);
    }),
  );
});

test('and, from the attributes on, what kafkajs writes', async () => {
  const records = Array.from({ length: 70 }, (_, n) => ({
    key: n % 3 === 0 ? null : Buffer.from(`key-${String(n)}`),
    value: n % 5 === 0 ? null : Buffer.alloc(n * 3, n),
    ...(n % 7 === 0
      ? {
          headers: [
            ['name', Buffer.from('x')],
            ['name', null],
          ] as [string, Buffer | null][],
        }
      : {}),
  }));
  const theirs = await RecordBatch({
    compression: 0,
    firstTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_000,
    producerId: '77',
    producerEpoch: 3,
    firstSequence: 12,
    transactional: true,
    lastOffsetDelta: records.length - 1,
    records: records.map((r, offsetDelta) => kafkajsRecord({ ...r, offsetDelta, timestampDelta: 0 })),
  });
  const ours = encodeBatch({
    records,
    timestampMs: 1_700_000_000_000,
    producerId: 77n,
    producerEpoch: 3,
    firstSequence: 12,
    isTransactional: true,
    codec: CompressionCodec.none,
  });
  expect(ours.subarray(16).equals(theirs.buffer.subarray(16))).toBe(true);
});

test('the reader finds every record in it, and its checksum right, packed or not', () => {
  fc.assert(
    fc.property(batch, fc.constantFrom(...Object.values(CompressionCodec)), (wanted, codec) => {
      const encoded = encodeBatch({ ...wanted, codec });
      const { records, partialTail } = decodeRecordSet(encoded, {
        topic: 't',
        partition: 0,
        fromOffset: 0,
        abortedTransactions: [],
        readCommitted: true,
      });
      expect(partialTail).toBe(false);
      expect(
        records.map(({ key, value, headerList, offset, timestampMs }) => ({
          key,
          value,
          headers: headerList,
          offset,
          timestampMs,
        })),
      ).toEqual(
        wanted.records.map((r, offset) => ({
          key: r.key,
          value: r.value,
          headers: 'headers' in r ? r.headers : [],
          offset,
          timestampMs: timesOf(wanted)[offset],
        })),
      );
      if (codec === CompressionCodec.none) expect(decompress(codec, encoded)).toBe(encoded);
    }),
    { numRuns: 60 },
  );
});

test('a key, a header and a value one behind the other are written as they are by themselves', () => {
  fc.assert(
    fc.property(batch, fc.uint8Array({ maxLength: 300 }), fc.nat(300), (of, piece, at) => {
      const stored = Buffer.from(piece);
      const contentBytes = Math.min(at, stored.length);
      const header = { name: Buffer.from('time'), contentBytes };
      const some = of.records.map((one) => ({ ...one, key: one.key ?? Buffer.alloc(0) }));
      const plain = some.map((one) => ({
        ...one,
        value: stored.subarray(contentBytes),
        headers: [['time', stored.subarray(0, contentBytes)]] as [string, Buffer][],
      }));
      const rows = some.map(({ key, timestampMs }) => ({
        ...{ key: null, value: null, timestampMs },
        row: {
          bytes: Buffer.concat([Buffer.from('before'), key, stored, Buffer.from('behind')]),
          at: 6,
          keyBytes: key.length,
          valueBytes: stored.length - contentBytes,
          header,
        },
      }));
      expect(encodeBatch({ ...of, records: rows })).toEqual(encodeBatch({ ...of, records: plain }));
    }),
  );
});

test('a key and a value one behind the other are written as they are by themselves', () => {
  fc.assert(
    fc.property(batch, fc.nat(5), (of, at) => {
      const some = of.records.map(({ key, value }) => ({ key: key ?? Buffer.alloc(0), value }));
      const rows = some.map(({ key, value }) => ({
        key: null,
        value: null,
        row: {
          bytes: Buffer.concat([Buffer.alloc(at), key, value ?? Buffer.alloc(0), Buffer.alloc(3)]),
          at,
          keyBytes: key.length,
          valueBytes: value?.length ?? -1,
        },
      }));
      expect(encodeBatch({ ...of, records: rows })).toEqual(encodeBatch({ ...of, records: some }));
    }),
  );
});
