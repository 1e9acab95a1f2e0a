import type { ConsumerRecord, KafkaConnectionConfig } from '@tributary/streams';
import { KafkaCluster, READ_COMMITTED, READ_UNCOMMITTED, RecordFetcher } from '@tributary/streams/operations';
import { quietLogger } from './quiet-logger.ts';
import { DEADLINE_MS } from './until.ts';

export interface ReadTopic {
  /** Committed records by partition, in offset order. */
  readonly partitions: ConsumerRecord[][];
  /** The end of each partition's log, markers and aborted records counted. */
  readonly ends: number[];
}

/**
 * Reads all committed records of a topic up to the end it has now. A transaction that hangs would keep the position
 * from the end: then this throws, naming the partitions, when `patienceMs` is over. Shorter than the one deadline only
 * where it hangs by design.
 */
export async function readTopic(
  connection: KafkaConnectionConfig,
  topic: string,
  patienceMs = DEADLINE_MS,
): Promise<ReadTopic> {
  const cluster = new KafkaCluster({ ...connection, clientId: 'test-reader' }, quietLogger);
  const fetcher = new RecordFetcher(cluster, quietLogger, { isolationLevel: READ_COMMITTED, maxWaitMs: 50 });
  try {
    await cluster.track([topic]);
    const ranges = await Promise.all(
      Array.from({ length: cluster.partitionCount(topic) }, (_, partition) =>
        cluster.offsetRange(topic, partition, READ_UNCOMMITTED),
      ),
    );
    const positions = ranges.map(({ first }) => first);
    const ends = ranges.map(({ end }) => end);
    const partitions = ranges.map((): ConsumerRecord[] => []);
    for (const [partition, { first, end }] of ranges.entries()) if (first < end) fetcher.seek(topic, partition, first);
    const deadline = performance.now() + patienceMs;
    const behind = (): number[] =>
      ends.flatMap((end, partition) => ((positions[partition] ?? 0) < end ? [partition] : []));
    while (behind().length > 0) {
      if (performance.now() > deadline) throw new HangingTransactionError(topic, behind(), positions, ends);
      for (const { partition, records, nextOffset } of await fetcher.take(100)) {
        for (const record of records)
          if (record.offset < (ends[partition] as number)) partitions[partition]?.push(record);
        positions[partition] = nextOffset;
      }
    }
    return { partitions, ends };
  } finally {
    await fetcher.close();
    await cluster.disconnect();
  }
}

export class HangingTransactionError extends Error {
  override readonly name = 'HangingTransactionError';

  constructor(topic: string, behind: readonly number[], positions: readonly number[], ends: readonly number[]) {
    const places = behind.map((p) => `${topic}-${String(p)} (at ${String(positions[p])} of ${String(ends[p])})`);
    super(`read_committed does not reach the end of ${places.join(', ')}: a transaction hangs`);
  }
}
