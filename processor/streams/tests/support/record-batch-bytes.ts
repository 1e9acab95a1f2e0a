import { crc32c } from '@node-rs/crc32';

/*
 * Writes record batches byte by byte from Kafka's protocol description, slowly and with BigInt, so that the decoder
 * under test is not checked against code that shares its arithmetic.
 */

export interface RecordSpec {
  readonly offsetDelta: number;
  readonly timestampDelta: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly (readonly [string, Buffer | null])[];
}

export interface BatchSpec {
  readonly baseOffset: bigint;
  readonly records: readonly RecordSpec[];
  /** Default: the last record's. Larger after compaction took the last records away. */
  readonly lastOffsetDelta?: number;
  readonly baseTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  readonly producerId?: bigint;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly isLogAppendTime?: boolean;
  readonly codec?: number;
  readonly pack?: (plain: Buffer) => Buffer;
  readonly magic?: number;
}

const zigzagVarint = (value: bigint): Buffer => {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};

const nullable = (bytes: Buffer | null): Buffer =>
  bytes === null ? zigzagVarint(-1n) : Buffer.concat([zigzagVarint(BigInt(bytes.length)), bytes]);

const recordBytes = (record: RecordSpec): Buffer => {
  const headers = record.headers ?? [];
  const body = Buffer.concat([
    Buffer.from([0]),
    zigzagVarint(record.timestampDelta),
    zigzagVarint(BigInt(record.offsetDelta)),
    nullable(record.key),
    nullable(record.value),
    zigzagVarint(BigInt(headers.length)),
    ...headers.flatMap(([name, value]) => [nullable(Buffer.from(name)), nullable(value)]),
  ]);
  return Buffer.concat([zigzagVarint(BigInt(body.length)), body]);
};

export const batchBytes = (spec: BatchSpec): Buffer => {
  const plain = Buffer.concat(spec.records.map(recordBytes));
  const body = spec.pack === undefined ? plain : spec.pack(plain);
  const attributes =
    (spec.codec ?? 0) |
    (spec.isLogAppendTime === true ? 0x08 : 0) |
    (spec.isTransactional === true ? 0x10 : 0) |
    (spec.isControl === true ? 0x20 : 0);
  const batch = Buffer.alloc(61 + body.length);
  batch.writeBigInt64BE(spec.baseOffset, 0);
  batch.writeInt32BE(49 + body.length, 8);
  batch.writeInt8(spec.magic ?? 2, 16);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(spec.lastOffsetDelta ?? spec.records.at(-1)?.offsetDelta ?? 0, 23);
  batch.writeBigInt64BE(spec.baseTimestamp ?? 0n, 27);
  batch.writeBigInt64BE(spec.maxTimestamp ?? 0n, 35);
  batch.writeBigInt64BE(spec.producerId ?? -1n, 43);
  batch.writeInt32BE(spec.records.length, 57);
  body.copy(batch, 61);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
};

/** The control batch that ends a transaction: one record, key = int16 version 0 and int16 type. */
export const markerBytes = (offset: bigint, producerId: bigint, outcome: 'commit' | 'abort'): Buffer =>
  batchBytes({
    baseOffset: offset,
    producerId,
    isTransactional: true,
    isControl: true,
    records: [
      {
        offsetDelta: 0,
        timestampDelta: 0n,
        key: Buffer.from([0, 0, 0, outcome === 'abort' ? 0 : 1]),
        value: Buffer.from([0, 0, 0, 0, 0, 0]),
      },
    ],
  });
