/**
 * A broker as kafkajs has it: its connection, authentication and protocol encoders, and nothing above them. Its
 * consumer and producer are not used by the runtime (docs/decisions/0001-kafkajs-below-the-client.md says why).
 */
export interface Broker {
  readonly nodeId: number;
  /** By request number; null before the connection. */
  readonly versions?: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null;
  readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
  joinGroup(request: JoinGroupRequest & StaticMember): Promise<JoinGroupResponse>;
  syncGroup(request: SyncGroupRequest & StaticMember): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string } & StaticMember): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string } & StaticMember): Promise<unknown>;
  listOffsets(request: ListOffsetsRequest): Promise<ListOffsetsResponse>;
  offsetFetch(request: OffsetFetchRequest): Promise<OffsetFetchResponse>;
  offsetCommit(request: OffsetCommitRequest): Promise<unknown>;
  initProducerId(request: { transactionalId?: string; transactionTimeout?: number }): Promise<ProducerIdentity>;
  addPartitionsToTxn(request: TransactionIdentity & { topics: TopicPartitions[] }): Promise<unknown>;
  addOffsetsToTxn(request: TransactionIdentity & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(request: TransactionIdentity & { groupId: string; topics: TopicOffsets[] }): Promise<unknown>;
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<unknown>;
  describeConfigs(request: {
    resources: { type: number; name: string; configNames: readonly string[] }[];
  }): Promise<DescribeConfigsResponse>;
  endTxn(request: TransactionIdentity & { transactionResult: boolean }): Promise<unknown>;
}

export interface ProtocolRequest {
  readonly request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> };
  readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> };
  readonly requestTimeout?: number;
}

interface ProducerIdentity {
  producerId: string;
  producerEpoch: number;
}

export interface TransactionIdentity extends ProducerIdentity {
  transactionalId: string;
}

interface TopicPartitions {
  topic: string;
  partitions: number[];
}

interface TopicOffsets {
  topic: string;
  partitions: { partition: number; offset: string; metadata?: string | null }[];
}
/** Static membership (KIP-345), which the kafkajs patch passes on. */
interface StaticMember {
  groupInstanceId?: string;
}

export interface GroupMemberInfo {
  memberId: string;
  memberMetadata: Buffer;
}

interface JoinGroupRequest {
  groupId: string;
  sessionTimeout: number;
  rebalanceTimeout: number;
  memberId: string;
  groupProtocols: { name: string; metadata: Buffer }[];
}

interface JoinGroupResponse {
  generationId: number;
  leaderId: string;
  memberId: string;
  groupProtocol: string;
  members: GroupMemberInfo[];
}

interface SyncGroupRequest {
  groupId: string;
  generationId: number;
  memberId: string;
  groupAssignment: { memberId: string; memberAssignment: Buffer }[];
}

interface ListOffsetsRequest {
  replicaId: number;
  isolationLevel: number;
  topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
}

interface ListOffsetsResponse {
  responses: { topic: string; partitions: { partition: number; offset: string }[] }[];
}

interface OffsetFetchRequest {
  groupId: string;
  topics: { topic: string; partitions: { partition: number }[] }[];
}

interface OffsetFetchResponse {
  responses: { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[];
}

interface OffsetCommitRequest {
  groupId: string;
  groupGenerationId: number;
  memberId: string;
  topics: TopicOffsets[];
}

interface DescribeConfigsResponse {
  resources: { configEntries: { configName: string; configValue: string | null }[] }[];
}

/** What FindCoordinator is asked about. */
export const COORDINATOR_OF_GROUP = 0;
export const COORDINATOR_OF_TRANSACTION = 1;
/** Isolation levels of Fetch and ListOffsets. */
export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;
/** Times of ListOffsets: the end of a partition, and its first record. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
