import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { makeBacklog } from '../backlog.ts';
import { memoryMiB, type ProcessMemory } from '../bench-process.ts';
import { untilCounted } from '../group-progress.ts';
import type { BenchOptions } from '../options.ts';
import { save, say, table } from '../report.ts';
import { median } from '../statistics.ts';
import { startTopology } from '../tributary-side.ts';

const COMMIT_INTERVAL_MS = 100;
/** Two tasks each: the count is behind a shuffle. */
const PARTITIONS = [4, 64];
const EMPTY = 'bench-empty';
const DEVICES = 'bench-devices';

interface MemoryRound {
  /** All tasks are RUNNING, and there is no record. */
  readonly empty: ProcessMemory;
  /** All records are counted. */
  readonly counted: ProcessMemory;
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
}

/** What a processor takes that counts a million devices exactly once, on LevelDB, by how many tasks it has. */
export async function memory(options: BenchOptions): Promise<undefined> {
  const results = [];
  for (const partitions of PARTITIONS) {
    const name = `${String(partitions)} partitions`;
    if (options.only.length > 0 && !options.only.some((part) => name.includes(part))) continue;
    const rounds: MemoryRound[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      // Each time as a processor finds it that begins.
      const broker = await startTestBroker({ heap: '1g' });
      try {
        rounds.push(await measure(broker, partitions, options));
      } finally {
        await broker.stop();
      }
      say(`${name}, round ${String(round)}: ${String(Math.round(rounds.at(-1)?.counted.peak ?? NaN))} MiB`);
    }
    const of = (part: (round: MemoryRound) => number): number => Math.round(median(rounds.map(part)));
    results.push({
      partitions,
      emptyRssMiB: of(({ empty }) => empty.rss),
      peakRssMiB: of(({ counted }) => counted.peak),
      ofThatFilesMiB: of(({ counted }) => counted.files),
      recordsPerSecond: of((round) => round.recordsPerSecond),
      cpuSecondsPerMillion: median(rounds.map((round) => round.cpuSecondsPerMillion)),
      rounds,
    });
  }
  table(
    ['partitions', 'MiB without a record', 'peak MiB', 'of it pages of files', 'records/s', 'CPU s/M'],
    results.map((r) => [
      String(r.partitions),
      r.emptyRssMiB,
      r.peakRssMiB,
      r.ofThatFilesMiB,
      r.recordsPerSecond,
      r.cpuSecondsPerMillion,
    ]),
  );
  save('memory', { records: options.records, keys: options.keys, threads: options.threads, results });
  return undefined;
}

async function measure(broker: TestBroker, partitions: number, options: BenchOptions): Promise<MemoryRound> {
  const { connection } = broker;
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const start = (inputTopic: string, applicationId: string): ReturnType<typeof startTopology> =>
    startTopology('bench/topologies/count-by-device.ts', {
      brokers: broker.brokers.join(','),
      inputTopic,
      threads: options.threads,
      applicationId,
      stateDir,
      guarantee: 'exactly_once',
      commitIntervalMs: COMMIT_INTERVAL_MS,
    });
  try {
    await broker.createTopics({ topic: EMPTY, partitions });
    const idle = start(EMPTY, 'bench-idle');
    await idle.message(({ running }) => running === true);
    const empty = memoryMiB(idle.pid);
    await idle.stop();
    const { records, keys: devices } = options;
    await makeBacklog({ connection, topic: DEVICES, partitions, records, devices });
    const applicationId = 'bench-counts';
    const counts = start(DEVICES, applicationId);
    const counted = await untilCounted(
      { connection, applicationId, topic: DEVICES, partitions, records, grouping: 'by-key' },
      counts,
    );
    const after = memoryMiB(counts.pid);
    await counts.stop();
    return {
      empty,
      counted: after,
      recordsPerSecond: counted.recordsPerSecond,
      cpuSecondsPerMillion: counted.cpuSecondsPerMillion,
    };
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}
