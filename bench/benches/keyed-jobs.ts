import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { readTopic } from '../../tests/support/topic-reader.ts';
import type { BenchProcess } from '../bench-process.ts';
import { countIn, untilCounted, type Round } from '../group-progress.ts';
import { builtClassPath, KEYED_JOBS, startJava } from '../java-side.ts';
import { makeKeyedBacklog } from '../keyed-backlog.ts';
import type { BenchOptions } from '../options.ts';
import { save, say, table } from '../report.ts';
import { median } from '../statistics.ts';
import { startTopology } from '../tributary-side.ts';

const PARTITIONS = 4;
const COMMIT_INTERVAL_MS = 100;
/** Of the same records and keys a tenth of the rows change. */
const RARE_COMMIT_INTERVAL_MS = 1_000;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A few keys, whose rows change again and again within a commit. */
const FEW_KEYS = 10_000;
const SESSION_KEYS = 100_000;
const FEW = 'few keys';
const FEW_RARELY = 'few keys at rare commits';
const INPUT = 'bench-events';
const OTHER = 'bench-others';
const OUTPUT = 'bench-pairs';

interface Job {
  readonly name: string;
  readonly job: keyof typeof KEYED_JOBS;
  /** Of the input; of a stream-stream join of each side. */
  readonly records: number;
  readonly keys: number;
  /** Of event time between two records. */
  readonly stepMs: number;
  readonly other?: 'table' | 'stream';
  /** Default: COMMIT_INTERVAL_MS. */
  readonly commitIntervalMs?: number;
  readonly times: { readonly gapMs: number; readonly differenceMs: number; readonly graceMs: number };
}

function jobsOf({ records, keys }: BenchOptions): readonly Job[] {
  const times = { gapMs: MINUTE_MS, differenceMs: 5 * MINUTE_MS, graceMs: 5 * MINUTE_MS };
  const half = Math.ceil(records / 2);
  return [
    { name: FEW, job: 'count-by-key', records, keys: FEW_KEYS, stepMs: 1, times },
    {
      name: FEW_RARELY,
      job: 'count-by-key',
      records,
      keys: FEW_KEYS,
      stepMs: 1,
      commitIntervalMs: RARE_COMMIT_INTERVAL_MS,
      times,
    },
    { name: 'many keys', job: 'count-by-key', records, keys, stepMs: 1, times },
    { name: 'stream-table join', job: 'stream-table-join', records: half, keys, stepMs: 1, other: 'table', times },
    {
      name: 'stream-stream join',
      job: 'stream-stream-join',
      records: half,
      keys: SESSION_KEYS,
      // So that about as many pairs come as there are records on a side.
      stepMs: (10 * MINUTE_MS) / SESSION_KEYS,
      other: 'stream',
      times,
    },
    {
      name: 'sessions',
      job: 'sessions',
      records: half,
      keys: SESSION_KEYS,
      // A key comes about once a gap: half of its records begin a session, half go on with one.
      stepMs: MINUTE_MS / SESSION_KEYS,
      times: { ...times, graceMs: DAY_MS },
    },
  ];
}

interface Contender {
  readonly job: Job;
  readonly brokers: string;
  readonly options: BenchOptions;
  readonly applicationId: string;
  readonly stateDir: string;
}

const java =
  (rocksdb: 'default' | 'tuned') =>
  ({ job, brokers, options, applicationId, stateDir }: Contender): Promise<BenchProcess> =>
    startJava({
      job: job.job,
      brokers,
      topic: INPUT,
      other: OTHER,
      output: OUTPUT,
      threads: options.threads,
      application: applicationId,
      state: stateDir,
      guarantee: 'exactly_once_v2',
      commitIntervalMs: job.commitIntervalMs ?? COMMIT_INTERVAL_MS,
      rocksdb,
      ...job.times,
    });

/** All parse the whole JSON of each event, exactly once, with a changelog. */
const SIDES: Readonly<Record<string, (contender: Contender) => BenchProcess | Promise<BenchProcess>>> = {
  'Java Streams': java('default'),
  'Java Streams, tuned': java('tuned'),
  Tributary: ({ job, brokers, options, applicationId, stateDir }) =>
    startTopology(KEYED_JOBS[job.job], {
      brokers,
      inputTopic: INPUT,
      threads: options.threads,
      applicationId,
      stateDir,
      guarantee: 'exactly_once',
      commitIntervalMs: job.commitIntervalMs ?? COMMIT_INTERVAL_MS,
      job: { otherTopic: OTHER, outputTopic: OUTPUT, ...job.times },
    }),
};

interface JobRound extends Round {
  readonly cpuSecondsInAll: number;
  /** Of the changelog; 0 where the job has none that is read. */
  readonly changedRows: number;
}

interface JobSummary extends JobRound {
  readonly job: string;
  readonly name: string;
  readonly records: number;
  readonly keys: number;
  readonly rounds: readonly JobRound[];
}

/** Jobs over keyed events, without a shuffle: counts of few and of many keys, joins, sessions. */
export async function keyedJobs(options: BenchOptions): Promise<undefined> {
  await builtClassPath();
  const isWanted = (job: string, side: string): boolean =>
    options.only.length === 0 ||
    options.only.some((part) => `${job} ${side}`.toLowerCase().includes(part.toLowerCase()));
  const summary: JobSummary[] = [];
  for (const job of jobsOf(options)) {
    const sides = Object.entries(SIDES).filter(([name]) => isWanted(job.name, name));
    const rounds = new Map<string, JobRound[]>(sides.map(([name]) => [name, []]));
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [name, start] of sides) {
        const result = await oneRound(job, options, start);
        rounds.get(name)?.push(result);
        say(
          `${job.name}, round ${String(round)}  ${name}: ` +
            `${Math.round(result.recordsPerSecond).toLocaleString('en-US')}/s, ` +
            `${result.cpuSecondsPerMillion.toFixed(1)} CPU s a million, ${String(Math.round(result.peakRssMiB))} MiB`,
        );
      }
    }
    for (const [name, results] of rounds)
      summary.push({
        job: job.name,
        name,
        records: job.records,
        keys: job.keys,
        recordsPerSecond: Math.round(median(results.map((one) => one.recordsPerSecond))),
        cpuSecondsPerMillion: median(results.map((one) => one.cpuSecondsPerMillion)),
        peakRssMiB: Math.round(median(results.map((one) => one.peakRssMiB))),
        changedRows: Math.round(median(results.map((one) => one.changedRows))),
        cpuSecondsInAll: median(results.map((one) => one.cpuSecondsInAll)),
        rounds: results,
      });
  }
  table(
    ['keyed jobs', 'side', 'records/s', 'CPU s/M', 'peak MiB'],
    summary.map((one) => [one.job, one.name, one.recordsPerSecond, one.cpuSecondsPerMillion, one.peakRssMiB]),
  );
  const changedRow = Object.keys(SIDES).flatMap((name) => {
    const [few, rarely] = [FEW, FEW_RARELY].map((job) => summary.find((one) => one.job === job && one.name === name));
    if (few === undefined || rarely === undefined) return [];
    const cpuMicroseconds =
      ((few.cpuSecondsInAll - rarely.cpuSecondsInAll) * 1e6) / (few.changedRows - rarely.changedRows);
    return { name, cpuMicroseconds };
  });
  if (changedRow.length > 0)
    table(
      ['CPU of a changed row', 'µs'],
      changedRow.map((one) => [one.name, one.cpuMicroseconds]),
    );
  save('keyed-jobs', { threads: options.threads, contenders: summary, changedRow });
  return undefined;
}

/** On a broker of its own, so that a round finds the disk and the page cache as the one before. */
async function oneRound(
  job: Job,
  options: BenchOptions,
  start: (contender: Contender) => BenchProcess | Promise<BenchProcess>,
): Promise<JobRound> {
  const broker = await startTestBroker({ heap: '1g' });
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const applicationId = 'bench-keyed';
  const contender = { job, brokers: broker.brokers.join(','), options, applicationId, stateDir };
  const { connection } = broker;
  const backlog = { connection, partitions: PARTITIONS, keys: job.keys, stepMs: job.stepMs };
  const stopMs = Date.now();
  const fromMs = stopMs - job.records * job.stepMs - SECOND_MS;
  let running: BenchProcess | undefined;
  try {
    await broker.createTopics({ topic: OUTPUT, partitions: PARTITIONS });
    if (job.other === 'table') {
      // The table is whole, and the application was stopped cleanly, before the first record of the stream is there.
      await makeKeyedBacklog({
        ...backlog,
        topics: [OTHER],
        records: job.keys,
        everyKey: true,
        fromMs: fromMs - DAY_MS,
        stepMs: 0,
      });
      await broker.createTopics({ topic: INPUT, partitions: PARTITIONS, configs: { 'retention.ms': '-1' } });
      running = await start(contender);
      const run = { connection, applicationId, topic: OTHER, partitions: PARTITIONS, records: job.keys };
      await untilCounted(run, running);
      await running.stop();
    }
    await makeKeyedBacklog({
      ...backlog,
      topics: job.other === 'stream' ? [INPUT, OTHER] : [INPUT],
      records: job.records,
      fromMs,
    });
    running = await start(contender);
    const result = await untilCounted(
      {
        connection,
        applicationId,
        topic: INPUT,
        ...(job.other === 'stream' && { otherTopic: OTHER }),
        partitions: PARTITIONS,
        records: job.other === 'stream' ? 2 * job.records : job.records,
      },
      running,
    );
    await running.stop();
    return { ...result, changedRows: await check(job, broker) };
  } finally {
    await running?.kill();
    await broker.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/**
 * Answers how many rows the changelog of a count has: one for each row and commit that has changed it.
 * @throws unless all records are in the counts, or each record of the stream has met its row.
 */
async function check({ name, job, records }: Job, { connection }: TestBroker): Promise<number> {
  if (job === 'stream-stream-join') {
    const { partitions } = await readTopic(connection, OUTPUT, 120_000);
    say(`  ${String(partitions.flat().length)} pairs`);
    return 0;
  }
  if (job === 'stream-table-join') {
    const { partitions } = await readTopic(connection, OUTPUT, 120_000);
    const joined = partitions.flat().length;
    if (joined !== records) throw new Error(`${name}: ${String(joined)} of ${String(records)} records joined`);
    return 0;
  }
  const { partitions } = await readTopic(connection, 'bench-keyed-counts-changelog', 120_000);
  const rows = new Map<string, number>();
  for (const { key, value } of partitions.flat()) {
    const count = value === null ? 0 : countIn(value);
    if (key !== null && Number.isSafeInteger(count)) rows.set(key.toString('latin1'), count);
  }
  const counted = [...rows.values()].reduce((sum, count) => sum + count, 0);
  if (counted !== records) throw new Error(`${name}: ${String(counted)} of ${String(records)} records counted`);
  return partitions.flat().length;
}
