import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { makeBacklog } from '../backlog.ts';
import { cpuSeconds, peakRssMiB, type BenchProcess } from '../bench-process.ts';
import { untilCounted } from '../group-progress.ts';
import type { BenchOptions } from '../options.ts';
import { save, table } from '../report.ts';
import { PRODUCT_TOPOLOGY, startTopology } from '../tributary-side.ts';

const COMMIT_INTERVAL_MS = 100;
const DEFAULT = { processors: 1, partitions: 4, windows: 0 };

interface Point {
  readonly processors: number;
  readonly partitions: number;
  /** Minutes of event time that the backlog spans; 0: as many as it has at 1,000 logins a second. */
  readonly windows: number;
}

/** One curve a thing that grows, the others as they are by default. */
const CURVES: readonly Point[] = [
  ...[1, 2, 3].map((processors) => ({ ...DEFAULT, processors })),
  ...[16, 64].map((partitions) => ({ ...DEFAULT, partitions })),
  ...[1, 30, 1_000].map((windows) => ({ ...DEFAULT, windows })),
];

/** How the cost of the product's topology grows; one thread a processor. */
export async function scale(options: BenchOptions): Promise<undefined> {
  const results = [];
  for (const point of CURVES) {
    // A broker each: what one point leaves behind is no part of the next.
    const broker = await startTestBroker({ heap: '1g' });
    try {
      results.push({ ...point, ...(await measure(broker, point, options)) });
    } finally {
      await broker.stop();
    }
  }
  table(
    ['processors', 'partitions', 'windows', 'logins/s', 'CPU s/M', 'broker CPU s/M', 'peak MiB each'],
    results.map((r) => [
      String(r.processors),
      r.partitions,
      r.windows,
      r.recordsPerSecond,
      r.cpuSecondsPerMillion,
      r.brokerCpuSecondsPerMillion,
      r.peakRssMiB,
    ]),
  );
  save('scale', { records: options.records, threadsEach: 1, curves: results });
  return undefined;
}

async function measure(broker: TestBroker, { processors, partitions, windows }: Point, options: BenchOptions) {
  const topic = 'bench-logins';
  await makeBacklog({
    connection: broker.connection,
    topic,
    partitions,
    records: options.records,
    ...(windows === 0 ? {} : { minutes: windows }),
  });
  const applicationId = 'bench';
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const start = (): BenchProcess =>
    startTopology(PRODUCT_TOPOLOGY, {
      brokers: broker.brokers.join(','),
      inputTopic: topic,
      threads: 1,
      applicationId,
      stateDir,
      guarantee: 'exactly_once',
      commitIntervalMs: COMMIT_INTERVAL_MS,
    });
  const all = Array.from({ length: processors }, start);
  try {
    const cpu = (): number => all.reduce((sum, p) => sum + cpuSeconds(p.pid), 0);
    const [before, brokerBefore] = [cpu(), cpuSeconds(broker.pid)];
    const round = await untilCounted(
      {
        connection: broker.connection,
        applicationId,
        topic,
        partitions,
        records: options.records,
        grouping: 'by-state',
      },
      all[0] as BenchProcess,
      all,
    );
    return {
      recordsPerSecond: Math.round(round.recordsPerSecond),
      cpuSecondsPerMillion: ((cpu() - before) * 1e6) / options.records,
      brokerCpuSecondsPerMillion: ((cpuSeconds(broker.pid) - brokerBefore) * 1e6) / options.records,
      peakRssMiB: Math.round(Math.max(...all.map((p) => peakRssMiB(p.pid)))),
    };
  } finally {
    await Promise.all(all.map((p) => p.stop()));
    await rm(stateDir, { recursive: true, force: true });
  }
}
