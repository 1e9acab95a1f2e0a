import { createRequire } from 'node:module';
import { READ_COMMITTED, type ProtocolRequest } from './broker.ts';

const require = createRequire(import.meta.url);
const encodeFetchV11 = require('#kafkajs/src/protocol/requests/fetch/v11/request.js') as (
  options: object,
) => ProtocolRequest['request'];

interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** One partition's part of a Fetch response, its record set still in bytes. */
export interface FetchedBytes {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly abortedTransactions: readonly { producerId: bigint; firstOffset: number }[];
  readonly recordSet: Buffer;
}

export interface FetchOptions {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly isolationLevel: number;
}

/** How long past `maxWaitMs` a broker may take to answer before the connection counts as broken. */
const ANSWER_GRACE_MS = 15_000;

/**
 * A Fetch v11 request (KIP-392 shape, no fetch session) whose response leaves the record sets undecoded: kafkajs would
 * turn every record into objects with 64-bit numbers as text, which costs half of a consumer's CPU.
 */
export function fetchRequest(positions: readonly FetchPosition[], options: FetchOptions): ProtocolRequest {
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
  for (const { topic, partition, offset } of positions) {
    const partitions = topics.get(topic) ?? [];
    partitions.push({ partition, fetchOffset: String(offset), maxBytes: options.maxBytesPerPartition });
    topics.set(topic, partitions);
  }
  return {
    request: encodeFetchV11({
      replicaId: -1,
      maxWaitTime: options.maxWaitMs,
      minBytes: options.minBytes,
      maxBytes: options.maxBytes,
      isolationLevel: options.isolationLevel ?? READ_COMMITTED,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    }),
    response: {
      decode: async (bytes) => decodeFetchResponse(bytes),
      parse: async (data) => data,
    },
    requestTimeout: options.maxWaitMs + ANSWER_GRACE_MS,
  };
}

/** Layout: the Fetch response v11 of Kafka's protocol guide. */
export function decodeFetchResponse(bytes: Buffer): FetchedBytes[] {
  let at = 4; // throttle_time_ms: the broker only informs, kafkajs sends again anyway
  const topLevelError = bytes.readInt16BE(at);
  at += 2 + 4; // error_code, session_id
  if (topLevelError !== 0) throw new FetchRefusedError(topLevelError);
  const fetched: FetchedBytes[] = [];
  const topicCount = bytes.readInt32BE(at);
  at += 4;
  for (let t = 0; t < topicCount; t += 1) {
    const nameBytes = bytes.readInt16BE(at);
    at += 2;
    const topic = bytes.toString('utf8', at, at + nameBytes);
    at += nameBytes;
    const partitionCount = bytes.readInt32BE(at);
    at += 4;
    for (let p = 0; p < partitionCount; p += 1) {
      const partition = bytes.readInt32BE(at);
      const errorCode = bytes.readInt16BE(at + 4);
      const highWatermark = Number(bytes.readBigInt64BE(at + 6));
      const lastStableOffset = Number(bytes.readBigInt64BE(at + 14));
      const logStartOffset = Number(bytes.readBigInt64BE(at + 22));
      at += 30;
      const abortedCount = bytes.readInt32BE(at);
      at += 4;
      const abortedTransactions: { producerId: bigint; firstOffset: number }[] = [];
      for (let a = 0; a < abortedCount; a += 1) {
        abortedTransactions.push({
          producerId: bytes.readBigInt64BE(at),
          firstOffset: Number(bytes.readBigInt64BE(at + 8)),
        });
        at += 16;
      }
      at += 4; // preferred_read_replica: rackId is never sent, so there is none
      const recordSetBytes = Math.max(0, bytes.readInt32BE(at));
      at += 4;
      const recordSet = bytes.subarray(at, at + recordSetBytes);
      at += recordSetBytes;
      fetched.push({
        topic,
        partition,
        errorCode,
        highWatermark,
        lastStableOffset,
        logStartOffset,
        abortedTransactions,
        recordSet,
      });
    }
  }
  return fetched;
}

class FetchRefusedError extends Error {
  override readonly name = 'FetchRefusedError';
  readonly code: number;
  constructor(code: number) {
    super(`the broker refused a fetch with error ${String(code)}`);
    this.code = code;
  }
}
