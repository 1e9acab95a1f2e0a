/** Every public name of the runtime, listed by hand. Anything else is internal and may change. */
export { KafkaStreams } from './kafka-streams.ts';
export type { KafkaStreamsOptions } from './kafka-streams-options.ts';
export type { StreamsState } from './streams-state.ts';
export type { MetricValue, StreamsMetric } from './streams-metrics.ts';
export {
  serveProcessorHealth,
  type HealthSource,
  type MetricsRegistry,
  type ProcessorHealth,
  type ProcessorHealthOptions,
} from './health/processor-health.ts';
export type { RestoreEvent, RestoreListener } from './task/initialise-task.ts';
export type { RecordSpan, TracesOptions } from './task/record-traces.ts';
export { parseStreamsConfig, type StreamsConfig, type StreamsConfigInput } from './streams-config.ts';
export { StreamsError, type ErrorCode, type ErrorDetails, type Reaction } from './errors.ts';
export { parseTopicPartition, recordPlace, topicPartition, type TopicPartition } from './kafka/topic-partition.ts';
export type { KafkaConnectionConfig } from './kafka/kafka-connection-config.ts';
export type { Logger } from './logger.ts';
export {
  StreamsBuilder,
  type DecodedOptions,
  type GlobalTableSourceOptions,
  type StreamOptions,
  type TableOptions,
  type ValueOptions,
} from './topology/streams-builder.ts';
export type {
  CogroupedKStream,
  EmitOptions,
  CountOptions,
  ForeignKeyJoinOptions,
  GlobalKTable,
  GroupingOptions,
  KeyValue,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
  Mapper,
  OrNull,
  ProcessOptions,
  ReduceOptions,
  RepartitionOptions,
  Serdes,
  SourceStream,
  StreamGlobalJoinOptions,
  StreamJoiner,
  StreamJoinOptions,
  StreamTableJoinOptions,
  TableAggregate,
  TableJoiner,
  TableReduceOptions,
  TableReducers,
  TableStoreOptions,
  ToOptions,
  WindowedCogroupedKStream,
  WindowedKGroupedStream,
} from './topology/dsl-types.ts';
export type { Topology } from './topology/topology.ts';
export {
  countAggregate,
  type AggregatedRecord,
  type Aggregate,
  type CombinableAggregate,
} from './topology/aggregate.ts';
export {
  hopping,
  session,
  sliding,
  tumbling,
  unlimited,
  type FixedWindows,
  type SessionWindows,
  type SlidingWindows,
  type TimeWindows,
  type UnlimitedWindows,
  type Windows,
  type WindowTimes,
} from './topology/windows.ts';
export { joinWindows, type JoinWindows, type JoinWindowsOptions } from './topology/join-windows.ts';
export { untilTimeLimit, untilWindowCloses, type Suppressed } from './topology/suppressed.ts';
export { jsonSerde, stringSerde, type Serde } from './topology/serdes.ts';
export {
  bigint64Serde,
  booleanSerde,
  bytesSerde,
  float64Serde,
  int32Serde,
  int64Serde,
  uuidSerde,
} from './topology/primitive-serdes.ts';
export { sessionWindowedSerde, timeWindowedSerde, type Windowed } from './topology/windowed-serdes.ts';
export { zodSerde, type Schema } from './topology/zod-serde.ts';
export {
  DeadLetter,
  type ConsumerRecord,
  type Decoder,
  type HeaderList,
  type RecordContext,
  type RecordHeaders,
} from './topology/record.ts';
export type {
  FixedKeyProcessor,
  FixedKeyProcessorContext,
  FixedKeyProcessorSupplier,
  ForwardOptions,
  Processor,
  ProcessorContext,
  ProcessorFunction,
  ProcessorStore,
  ProcessorSupplier,
  StoreOf,
} from './topology/processor-context.ts';
export type {
  KeyValueStore,
  SessionStore,
  StoreSpec,
  Version,
  VersionedStore,
  WindowStore,
} from './store/typed-store.ts';
export {
  keyValueStore,
  sessionStore,
  versionedStore,
  windowStore,
  type KeyValueStoreSpec,
  type SessionStoreOptions,
  type SessionStoreSpec,
  type StoreOptions,
  type VersionedStoreOptions,
  type VersionedStoreSpec,
  type WindowStoreOptions,
  type WindowStoreSpec,
} from './store/store-specs.ts';
export { isRuntimeRow } from './store/runtime-rows.ts';
export { decodeWindowKey, encodeWindowKey, type WindowKey } from './store/window-key.ts';
export type { ErrorDecision, ErrorHandlers, FailedOutput, FailedRecord } from './task/error-decisions.ts';
export type { Cancellable, Schedule } from './task/punctuators.ts';
export type { InstanceStatus, TaskStateName, TaskStatus } from './task/instance-status.ts';
export type { KeyMetadata, StoreKind, StoreQueryOptions } from './queries/store-queries.ts';
export type { KeyValueStoreView, SessionStoreView, VersionedStoreView, WindowStoreView } from './queries/store-view.ts';
export { createGlobalTable } from './table/global-table.ts';
export type { GlobalTable, GlobalTableOptions, GlobalTableState, TableChange } from './table/global-table-types.ts';
export { TopologyTestDriver } from './testing/topology-test-driver.ts';
