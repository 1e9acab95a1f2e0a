/**
 * `@tributary/streams/operations`: for programs that operate on an application from outside, or measure it: a reset, a
 * reader of dead letters, an API over its topics, a benchmark. A topology and its application need none of it. It may
 * change with a minor version.
 */
export { ERROR_TABLE, messageOf } from './errors.ts';
export { didYouMean, textOf } from './options.ts';

/* Kafka, as the runtime talks to it. */
export { COORDINATOR_OF_GROUP, READ_COMMITTED, READ_UNCOMMITTED } from './kafka/broker.ts';
export { checkConnection } from './kafka/kafka-connection-config.ts';
export { createKafka } from './kafka/kafka-client.ts';
export { KafkaCluster } from './kafka/kafka-cluster.ts';
export { unresolvableBrokers } from './kafka/broker-names.ts';
export {
  asAccessDenied,
  asFatalConnectionError,
  awayReason,
  CODE,
  fatalConnectionError,
  hasCode,
  isBrokerAway,
  isMisdirected,
  waitingForKafka,
} from './kafka/kafka-errors.ts';
export { untilBrokerAnswers } from './kafka/until-broker-answers.ts';

/* The schema registry of serdes. */
export { untilRegistryAnswers } from './schema-registry/registry-away.ts';

/* Reading without a group. */
export { RecordFetcher } from './reading/record-fetcher.ts';
export type { FetchedRecord } from './kafka/fetched-record.ts';

/* Writing in transactions, and whole batches without a producer. */
export { TransactionalProducer } from './writing/transactional-producer.ts';
export { NO_INPUT, type OutgoingRecord } from './writing/streams-producer.ts';
export { encodeBatch, writeChecksum } from './kafka/batch-encoder.ts';
export { compress, CompressionCodec } from './kafka/compression.ts';
export { produceRequest } from './kafka/produce-protocol.ts';
export { partitionOf } from './topology/partitioner.ts';

/* What an application leaves in Kafka: the names of its topics, its instances, its dead letters. */
export { changelogTopic, offsetsTopic, repartitionTopic, statusTopic } from './topology/topology.ts';
export { APPLICATION_RECORD_KEY } from './store/runtime-rows.ts';
export {
  ApplicationRecordReader,
  parseApplicationRecord,
  refuseNewerFormats,
  type ApplicationRecord,
} from './topics/application-record.ts';
export { storesIn, type SignedStore, type TopologySignature } from './topology/signature.ts';
export { rowKeyOf, type KeyLayout, type RowKey } from './store/row-key.ts';
export { versionValue } from './store/versioned-store.ts';
export { CUT_HEADERS, DEAD_LETTER_HEADERS, isCut, originalHeaders } from './writing/dead-letter.ts';

/* The committed rows of a running application, asked of the instances that have them. */
export { connectOwners } from './queries/connect-owners.ts';
export type { OrderType, OrderValue } from './queries/order-text.ts';
export type {
  OrderAnswer,
  OrderRead,
  OwnerAnswer,
  OwnerQuestion,
  OwnerReads,
  OwnersOptions,
  RangeAnswer,
  RangeRead,
  RowsAnswer,
  RowsRead,
} from './queries/owner-reads.ts';

/* What it leaves on disk. */
export { SLOT_LOCK_FILE, slotLockRemedy, takeSlotLock, type SlotLock } from './store/slot-lock.ts';
export { compareStores, type ReadChangelog } from './store/compare-stores.ts';
