import { compactLength, compactString, flexibleRequest, NO_TAGS } from './flexible-protocol.ts';
import type { Broker, ProtocolRequest } from './broker.ts';

const DESCRIBE_TRANSACTIONS = 65;
const TRANSACTIONAL_ID_NOT_FOUND = 105;

/** What the coordinator keeps of a transactional id. `none`: it knows no such id, or cannot say. */
export type TransactionState =
  | 'none'
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'
  | 'Dead'
  | 'PrepareEpochFence';

/**
 * How the newest transaction of a transactional id stands, as its coordinator has it. Kafka's DescribeTransactions v0,
 * which kafkajs does not speak. @throws the broker's error when it is not the coordinator or is still loading.
 */
export async function describeTransaction(coordinator: Broker, transactionalId: string): Promise<TransactionState> {
  if (coordinator.versions?.[DESCRIBE_TRANSACTIONS] === undefined) return 'none';
  return (await coordinator.connectionPool.send(describeRequest(transactionalId))) as TransactionState;
}

function describeRequest(transactionalId: string): ProtocolRequest {
  return flexibleRequest({
    apiKey: DESCRIBE_TRANSACTIONS,
    apiVersion: 0,
    apiName: 'DescribeTransactions',
    body: Buffer.concat([compactLength(1), compactString(transactionalId), NO_TAGS]),
    // Layout: throttle_time_ms, then one state: error_code, transactional_id, transaction_state, and more.
    decode: (reader): TransactionState => {
      reader.skip(4);
      reader.uvarint();
      const errorCode = reader.int16();
      if (errorCode === TRANSACTIONAL_ID_NOT_FOUND) return 'none';
      if (errorCode !== 0) throw new DescribeRefusedError(errorCode);
      reader.string();
      return reader.string() as TransactionState;
    },
  });
}

class DescribeRefusedError extends Error {
  override readonly name = 'DescribeRefusedError';
  readonly code: number;
  constructor(code: number) {
    super(`the broker refused to describe a transaction with error ${String(code)}`);
    this.code = code;
  }
}
