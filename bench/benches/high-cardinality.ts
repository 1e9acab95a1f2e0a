import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { makeBacklog } from '../backlog.ts';
import type { BenchProcess } from '../bench-process.ts';
import { changelogRows, countIn, untilCounted, type Round } from '../group-progress.ts';
import { builtClassPath, startJava } from '../java-side.ts';
import type { BenchOptions } from '../options.ts';
import { save, say, table } from '../report.ts';
import { median } from '../statistics.ts';
import { startTopology } from '../tributary-side.ts';

export const PARTITIONS = 4;
const COMMIT_INTERVAL_MS = 100;
export const DEVICE_TOPIC = 'bench-devices';

export interface DeviceJob {
  readonly broker: TestBroker;
  readonly options: BenchOptions;
  readonly applicationId: string;
  readonly stateDir: string;
}

/** Both sides count per device, exactly once: Tributary on LevelDB, Java on RocksDB, both with a changelog. */
export const SIDES: Readonly<Record<string, (job: DeviceJob) => Promise<BenchProcess>>> = {
  'Java Streams': ({ broker, options, applicationId, stateDir }) =>
    startJava({
      job: 'count-by-device',
      brokers: broker.brokers.join(','),
      topic: DEVICE_TOPIC,
      threads: options.threads,
      application: applicationId,
      state: stateDir,
      guarantee: 'exactly_once_v2',
      commitIntervalMs: COMMIT_INTERVAL_MS,
    }),
  Tributary: async ({ broker, options, applicationId, stateDir }) =>
    startTopology('bench/topologies/count-by-device.ts', {
      brokers: broker.brokers.join(','),
      inputTopic: DEVICE_TOPIC,
      threads: options.threads,
      applicationId,
      stateDir,
      guarantee: 'exactly_once',
      commitIntervalMs: COMMIT_INTERVAL_MS,
    }),
};

/** Records a second, counted per device over a million devices; checks the sum of all counts. */
export async function highCardinality(options: BenchOptions): Promise<undefined> {
  await builtClassPath();
  const broker = await startTestBroker({ heap: '1g' });
  const rounds = new Map<string, Round[]>(Object.keys(SIDES).map((name) => [name, []]));
  try {
    await makeBacklog({
      connection: broker.connection,
      topic: DEVICE_TOPIC,
      partitions: PARTITIONS,
      records: options.records,
      devices: options.keys,
    });
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [name, start] of Object.entries(SIDES)) {
        if (options.only.length > 0 && !options.only.some((part) => name.toLowerCase().includes(part.toLowerCase())))
          continue;
        const applicationId = `bench-${name.slice(0, 1)}-${String(round)}`;
        const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
        const contender = await start({ broker, options, applicationId, stateDir });
        try {
          const result = await untilCounted(
            {
              connection: broker.connection,
              applicationId,
              topic: DEVICE_TOPIC,
              partitions: PARTITIONS,
              records: options.records,
              grouping: 'by-key',
            },
            contender,
          );
          rounds.get(name)?.push(result);
          await contender.stop();
          const rows = await changelogRows(broker.connection, `${applicationId}-counts-changelog`);
          const counted = [...rows.values()].reduce((sum, value) => sum + countIn(value), 0);
          if (counted !== options.records)
            throw new Error(`${name} counted ${String(counted)} of ${String(options.records)} records`);
          say(
            `round ${String(round)}  ${name}: ` +
              `${Math.round(result.recordsPerSecond).toLocaleString('en-US')}/s, ${String(rows.size)} keys, ` +
              `${String(Math.round(result.peakRssMiB))} MiB`,
          );
        } finally {
          await contender.kill();
          await rm(stateDir, { recursive: true, force: true });
        }
      }
    }
  } finally {
    await broker.stop();
  }
  const summary = [...rounds].map(([name, results]) => ({
    name,
    recordsPerSecond: Math.round(median(results.map((r) => r.recordsPerSecond))),
    cpuSecondsPerMillion: median(results.map((r) => r.cpuSecondsPerMillion)),
    peakRssMiB: Math.round(median(results.map((r) => r.peakRssMiB))),
    rounds: results,
  }));
  table(
    ['count per device', 'records/s', 'CPU s/M', 'peak MiB'],
    summary.map((s) => [s.name, s.recordsPerSecond, s.cpuSecondsPerMillion, s.peakRssMiB]),
  );
  save('high-cardinality', {
    records: options.records,
    keys: options.keys,
    threads: options.threads,
    contenders: summary,
  });
  return undefined;
}
