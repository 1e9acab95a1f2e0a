import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaConnectionConfig } from '@tributary/streams';
import {
  COORDINATOR_OF_GROUP,
  KafkaCluster,
  READ_UNCOMMITTED,
  untilBrokerAnswers,
} from '@tributary/streams/operations';
import { readTopic } from '../tests/support/topic-reader.ts';
import { cpuSeconds, peakRssMiB, type BenchProcess } from './bench-process.ts';
import { quiet } from './quiet.ts';
import { progress } from './report.ts';

export interface Round {
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakRssMiB: number;
}

interface CountedRound extends Round {
  /** Of the process from its start to the end of the count. */
  readonly cpuSecondsInAll: number;
}

export interface BacklogRun {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  readonly topic: string;
  /** A second input, of as many partitions. */
  readonly otherTopic?: string;
  readonly partitions: number;
  /** Of all inputs together. */
  readonly records: number;
  /** Name of its grouping: `<applicationId>-<grouping>-repartition`. Left out: nothing is shuffled. */
  readonly grouping?: string;
  /** Records that an earlier run of the application has committed. Default: none. */
  readonly committedBefore?: number;
}

const POLL_MS = 50;
/** What may lie behind the last record of a repartition partition: the markers of the last transactions. */
const MARKERS = 16;

/**
 * From the first commit to the moment when the group has committed the whole input and all that went through the
 * repartition topic. Read off the broker; the runtime's own processes also say their lag, which is 0 then.
 */
export async function untilCounted(
  run: BacklogRun,
  contender: BenchProcess,
  together: readonly BenchProcess[] = [contender],
): Promise<CountedRound> {
  const { connection, applicationId, topic, otherTopic, partitions, records, grouping, committedBefore = 0 } = run;
  const inputs = otherTopic === undefined ? [topic] : [topic, otherTopic];
  const repartition = grouping === undefined ? undefined : `${applicationId}-${grouping}-repartition`;
  const lags = new Map<BenchProcess, number>();
  for (const one of together) {
    one.onMessage((message) => {
      if (typeof message['lag'] === 'number') lags.set(one, message['lag']);
    });
  }
  const cluster = new KafkaCluster({ ...connection, clientId: 'bench' }, quiet);
  try {
    await cluster.track(inputs);
    const ask = (of: string): Promise<number[]> =>
      untilBrokerAnswers(
        new AbortController().signal,
        () =>
          cluster.committedOffsets(
            applicationId,
            Array.from({ length: partitions }, (_, partition) => ({ topic: of, partition })),
          ),
        async () => cluster.forgetCoordinator(COORDINATOR_OF_GROUP, applicationId),
      );
    let start: { at: number; cpu: number; records: number } | undefined;
    for (;;) {
      contender.throwIfEnded();
      const offsets = (await Promise.all(inputs.map(ask))).flat();
      const committed = offsets.reduce((sum, offset) => sum + Math.max(0, offset), 0);
      if (start === undefined && committed > committedBefore)
        start = { at: performance.now(), cpu: cpuSeconds(contender.pid), records: committed };
      progress(applicationId, committed, records);
      if (
        start !== undefined &&
        committed >= records &&
        (lags.size === 0
          ? repartition === undefined ||
            (await remaining(cluster, repartition, await ask(repartition))) <= MARKERS * partitions
          : [...lags.values()].every((lag) => lag === 0))
      ) {
        const counted = records - start.records;
        const cpuSecondsInAll = cpuSeconds(contender.pid);
        return {
          recordsPerSecond: (counted * 1_000) / (performance.now() - start.at),
          cpuSecondsPerMillion: ((cpuSecondsInAll - start.cpu) * 1e6) / counted,
          peakRssMiB: peakRssMiB(contender.pid),
          cpuSecondsInAll,
        };
      }
      await delay(POLL_MS);
    }
  } finally {
    await cluster.disconnect();
  }
}

async function remaining(cluster: KafkaCluster, topic: string, committed: readonly number[]): Promise<number> {
  await cluster.track([topic]);
  const ends = await Promise.all(
    committed.map((_, partition) => cluster.offsetRange(topic, partition, READ_UNCOMMITTED)),
  );
  return ends.reduce((sum, { end }, partition) => sum + end - Math.max(0, committed[partition] as number), 0);
}

/** The newest row of each key of a changelog. Both sides write it the same way: null deletes. */
export async function changelogRows(connection: KafkaConnectionConfig, topic: string): Promise<Map<string, Buffer>> {
  const rows = new Map<string, Buffer>();
  const { partitions } = await readTopic(connection, topic, 120_000);
  for (const { key, value } of partitions.flat()) {
    if (key === null || key[0] === 0) continue;
    if (value === null) rows.delete(key.toString('latin1'));
    else rows.set(key.toString('latin1'), value);
  }
  return rows;
}

/** A count as JSON text, or as Java's big-endian long. */
export function countIn(value: Buffer): number {
  return value.length === 8 && value[0] === 0 ? Number(value.readBigInt64BE()) : Number(value.toString('latin1'));
}
