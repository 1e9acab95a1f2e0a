import { createRequire } from 'node:module';
import type { Broker, ProtocolRequest } from './kafka-cluster.ts';

const require = createRequire(import.meta.url);
const Encoder = require('kafkajs/src/protocol/encoder') as new () => { writeBuffer(bytes: Buffer): unknown };

const DESCRIBE_TRANSACTIONS = 65;
const TRANSACTIONAL_ID_NOT_FOUND = 105;
/** An empty list of tagged fields, which ends every structure and both headers of a flexible request. */
const NO_TAGS = 0;

/** What the coordinator keeps of a transactional id. `none`: it knows no such id, or cannot say. */
export type TransactionState = 'none' | 'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort' | 'Dead' | 'PrepareEpochFence';

/**
 * How the newest transaction of a transactional id stands, as its coordinator has it. Kafka's DescribeTransactions v0,
 * which kafkajs does not speak. @throws the broker's error when it is not the coordinator or is still loading.
 */
export async function describeTransaction(coordinator: Broker, transactionalId: string): Promise<TransactionState> {
  if (coordinator.versions?.[DESCRIBE_TRANSACTIONS] === undefined) return 'none';
  return (await coordinator.connectionPool.send(describeRequest(transactionalId))) as TransactionState;
}

function describeRequest(transactionalId: string): ProtocolRequest {
  const id = Buffer.from(transactionalId, 'utf8');
  const body = Buffer.concat([Buffer.from([NO_TAGS]), uvarint(2), uvarint(id.length + 1), id, Buffer.from([NO_TAGS])]);
  return {
    request: { apiKey: DESCRIBE_TRANSACTIONS, apiVersion: 0, apiName: 'DescribeTransactions', encode: async () => new Encoder().writeBuffer(body) },
    response: { decode: async (bytes) => decodeDescription(bytes), parse: async (data) => data },
  };
}

/** Layout: header tags, throttle_time_ms, then one state: error_code, transactional_id, transaction_state, and more. */
function decodeDescription(bytes: Buffer): TransactionState {
  let at = 1 + 4;
  const count = readUvarint(bytes, at);
  at = count.next;
  const errorCode = bytes.readInt16BE(at);
  if (errorCode === TRANSACTIONAL_ID_NOT_FOUND) return 'none';
  if (errorCode !== 0) throw new DescribeRefusedError(errorCode);
  const id = readUvarint(bytes, at + 2);
  const state = readUvarint(bytes, id.next + id.value - 1);
  return bytes.toString('utf8', state.next, state.next + state.value - 1) as TransactionState;
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function readUvarint(bytes: Buffer, from: number): { value: number; next: number } {
  let value = 0;
  for (let at = from, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: at + 1 };
  }
}

export class DescribeRefusedError extends Error {
  override readonly name = 'DescribeRefusedError';
  readonly code: number;
  constructor(code: number) {
    super(`the broker refused to describe a transaction with error ${String(code)}`);
    this.code = code;
  }
}
