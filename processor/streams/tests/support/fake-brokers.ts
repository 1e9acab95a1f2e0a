import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchedBytes } from '../../kafka/fetch-protocol.ts';
import { READ_COMMITTED, type ProtocolRequest } from '../../kafka/broker.ts';
import type { RestoreCluster } from '../../reading/changelog-reader.ts';
import { batchBytes, type RecordSpec } from './record-batch-bytes.ts';

/** A value without a key, or both. */
export type FakeValue = string | Pick<RecordSpec, 'key' | 'value' | 'headers'>;

export interface FakePartition {
  /** -1: none. What the metadata say after the next refresh. */
  leader: number;
  values: FakeValue[];
  /** Where a transaction is open, if one is: what is committed ends there. */
  lastStableEnd?: number;
  /** Answered in place of records when not 0. */
  errorCode: number;
  /** Answered in place of `values`: batches as they lie in the log. */
  recordSet?: (offset: number) => Buffer;
}

export interface AskedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Brokers in memory behind the interface that the fetcher uses: leaders that move, brokers that die, partitions that
 * are refused. For what a single real broker cannot show; it decides no integration test.
 */
export class FakeBrokers implements RestoreCluster {
  readonly partitions = new Map<string, FakePartition>();
  readonly dead = new Set<number>();
  /** What each fetch asked for, oldest first. */
  readonly fetches: { nodeId: number; asked: AskedPartition[] }[] = [];
  /** Called with the answer before it is given. */
  onAnswer: ((nodeId: number, asked: readonly AskedPartition[]) => Promise<void>) | undefined;
  /** Bytes of records in one answer, as a broker bounds them. */
  maxBytes = Infinity;
  #leaders = new Map<string, number>();

  add(topic: string, partition: number, leader: number, values: FakeValue[] = []): FakePartition {
    const added: FakePartition = { leader, values, errorCode: 0 };
    this.partitions.set(`${topic}-${String(partition)}`, added);
    this.#leaders.set(`${topic}-${String(partition)}`, leader);
    return added;
  }

  async track(): Promise<void> {
    await sleep(1);
  }

  leader(topic: string, partition: number): number | undefined {
    const leader = this.#leaders.get(`${topic}-${String(partition)}`) ?? -1;
    return leader < 0 ? undefined : leader;
  }

  async refresh(): Promise<void> {
    await sleep(1);
    for (const [name, { leader }] of this.partitions) this.#leaders.set(name, leader);
  }

  partitionCount(topic: string): number {
    return [...this.partitions.keys()].filter((name) => name.replace(/-\d+$/, '') === topic).length;
  }

  /** Ids of topics. */
  readonly ids = new Map<string, string>();

  topicIds(topics: readonly string[]): Promise<Map<string, string>> {
    return Promise.resolve(new Map([...this.ids].filter(([topic]) => topics.includes(topic))));
  }

  disconnect(): Promise<void> {
    return Promise.resolve();
  }

  async offsetRange(topic: string, partition: number, isolationLevel: number): Promise<{ first: number; end: number }> {
    const log = this.partitions.get(`${topic}-${String(partition)}`);
    const end = log?.values.length ?? 0;
    return { first: 0, end: isolationLevel === READ_COMMITTED ? (log?.lastStableEnd ?? end) : end };
  }

  /** Committed offsets by `topic-partition`. */
  readonly committed = new Map<string, number>();

  async broker(
    nodeId: number,
  ): Promise<{ nodeId: number; connectionPool: { send(request: ProtocolRequest): Promise<unknown> } }> {
    if (this.dead.has(nodeId)) throw new Error(`broker ${String(nodeId)} refuses connections`);
    return { nodeId, connectionPool: { send: (request) => this.#answer(nodeId, request) } };
  }

  async #answer(nodeId: number, request: ProtocolRequest): Promise<FetchedBytes[]> {
    const asked = askedPartitions(((await request.request.encode()) as { buffer: Buffer }).buffer);
    this.fetches.push({ nodeId, asked });
    let left = this.maxBytes;
    const answer = asked.map(({ topic, partition, offset }): FetchedBytes => {
      const log = this.partitions.get(`${topic}-${String(partition)}`);
      const place = {
        topic,
        partition,
        abortedTransactions: [],
        highWatermark: -1,
        lastStableOffset: -1,
        logStartOffset: -1,
        recordSet: Buffer.alloc(0),
      };
      if (log === undefined || log.leader !== nodeId) return { ...place, errorCode: 6 };
      if (log.errorCode !== 0) return { ...place, errorCode: log.errorCode };
      const end = log.values.length;
      if (log.recordSet !== undefined)
        return {
          ...place,
          errorCode: 0,
          highWatermark: end,
          lastStableOffset: end,
          logStartOffset: 0,
          recordSet: log.recordSet(offset),
        };
      if (offset > end) return { ...place, errorCode: 1 };
      const recordSet = left > 0 ? batchOf(log.values, offset) : Buffer.alloc(0);
      left -= recordSet.length;
      return { ...place, errorCode: 0, highWatermark: end, lastStableOffset: end, logStartOffset: 0, recordSet };
    });
    await this.onAnswer?.(nodeId, asked);
    await sleep(answer.some(({ recordSet, errorCode }) => recordSet.length > 0 || errorCode !== 0) ? 1 : 10);
    if (this.dead.has(nodeId)) throw new Error(`broker ${String(nodeId)} closed the connection`);
    return answer;
  }
}

function batchOf(values: readonly FakeValue[], offset: number): Buffer {
  if (offset >= values.length) return Buffer.alloc(0);
  const records = values.slice(offset).map((it, index) => ({
    offsetDelta: index,
    timestampDelta: 0n,
    ...(typeof it === 'string' ? { key: null, value: Buffer.from(it) } : it),
  }));
  return batchBytes({ baseOffset: BigInt(offset), records });
}

/** Fetch request v11, by Kafka's protocol guide. */
function askedPartitions(bytes: Buffer): AskedPartition[] {
  const asked: AskedPartition[] = [];
  let at = 25;
  const topics = bytes.readInt32BE(at);
  at += 4;
  for (let t = 0; t < topics; t += 1) {
    const length = bytes.readInt16BE(at);
    const topic = bytes.toString('utf8', at + 2, at + 2 + length);
    at += 2 + length;
    const partitions = bytes.readInt32BE(at);
    at += 4;
    for (let p = 0; p < partitions; p += 1) {
      asked.push({ topic, partition: bytes.readInt32BE(at), offset: Number(bytes.readBigInt64BE(at + 8)) });
      at += 28;
    }
  }
  return asked;
}
