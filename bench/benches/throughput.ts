import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { makeBacklog } from '../backlog.ts';
import { cpuSeconds, type BenchProcess } from '../bench-process.ts';
import { changelogRows, countIn, untilCounted, type Round } from '../group-progress.ts';
import { builtClassPath, startJava } from '../java-side.ts';
import type { BenchOptions } from '../options.ts';
import { pristineKafkajs } from '../pristine-kafkajs.ts';
import { save, say, table } from '../report.ts';
import { median } from '../statistics.ts';
import { PRODUCT_TOPOLOGY, startKafkajsConsumer, startScanner, startTopology } from '../tributary-side.ts';

const PARTITIONS = 4;
const COMMIT_INTERVAL_MS = 100;
const PLAIN = 'bench-logins';
/** The contender that all ratios of the check are of. */
const YARDSTICK = 'kafkajs patched, consume';

interface Contender {
  readonly name: string;
  readonly topic?: string;
  readonly run: (context: Context) => Promise<Round>;
}

interface Context {
  readonly broker: TestBroker;
  readonly options: BenchOptions;
  readonly topic: string;
  /** Unique in this run. */
  readonly id: string;
}

type Guarantee = 'exactly_once' | 'at_least_once';

function counting(
  grouping: string,
  store: string,
  start: (context: Context, stateDir: string) => Promise<BenchProcess> | BenchProcess,
): Contender['run'] {
  return async (context) => {
    const { broker, options, topic, id } = context;
    const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
    const contender = await start(context, stateDir);
    try {
      const round = await untilCounted(
        {
          connection: broker.connection,
          applicationId: id,
          topic,
          partitions: PARTITIONS,
          records: options.records,
          grouping,
        },
        contender,
      );
      await contender.stop();
      const rows = [...(await changelogRows(broker.connection, `${id}-${store}-changelog`)).values()];
      const counted = rows.reduce((sum, value) => sum + (store === 'counts' ? countIn(value) : totalIn(value)), 0);
      if (counted !== options.records)
        throw new Error(`${id} counted ${String(counted)} of ${String(options.records)} records`);
      return round;
    } finally {
      await contender.kill();
      await rm(stateDir, { recursive: true, force: true });
    }
  };
}

function totalIn(value: Buffer): number {
  const { ios, android, other } = JSON.parse(value.toString('utf8')) as { ios: number; android: number; other: number };
  return ios + android + other;
}

function java(guarantee: Guarantee): Contender['run'] {
  return counting('by-key', 'counts', ({ broker, options, topic, id }, state) =>
    startJava({
      job: 'count-by-state-and-device',
      brokers: broker.brokers.join(','),
      topic,
      threads: options.threads,
      application: id,
      state,
      guarantee: guarantee === 'exactly_once' ? 'exactly_once_v2' : guarantee,
      commitIntervalMs: COMMIT_INTERVAL_MS,
    }),
  );
}

function tributary(topology: string, guarantee: Guarantee): Contender['run'] {
  const isProduct = topology === PRODUCT_TOPOLOGY;
  return counting(
    isProduct ? 'by-state' : 'by-key',
    isProduct ? 'counts-by-state' : 'counts',
    ({ broker, options, topic, id }, stateDir) =>
      startTopology(topology, {
        brokers: broker.brokers.join(','),
        inputTopic: topic,
        threads: options.threads,
        applicationId: id,
        stateDir,
        guarantee,
        commitIntervalMs: COMMIT_INTERVAL_MS,
      }),
  );
}

/** One that reads the topic once, and says itself how long that took. */
function limit(start: (context: Context) => Promise<BenchProcess> | BenchProcess): Contender['run'] {
  return async (context) => {
    const contender = await start(context);
    let cpu = 0;
    const timer = setInterval(() => {
      cpu = Math.max(cpu, cpuSeconds(contender.pid));
    }, 100);
    try {
      const { records, seconds, peakRssMiB } = (await contender.message(
        (message) => typeof message['records'] === 'number',
      )) as { records: number; seconds: number; peakRssMiB?: number };
      if (records !== context.options.records)
        throw new Error(`${context.id} read ${String(records)} of ${String(context.options.records)} records`);
      return {
        recordsPerSecond: records / seconds,
        cpuSecondsPerMillion: (cpu * 1e6) / records,
        peakRssMiB: peakRssMiB ?? NaN,
      };
    } finally {
      clearInterval(timer);
      await contender.kill();
    }
  };
}

function rawJava(job: 'consume' | 'consume-json', threads: (options: BenchOptions) => number): Contender['run'] {
  return limit(({ broker, options, topic }) =>
    startJava({ job, brokers: broker.brokers.join(','), topic, partitions: PARTITIONS, threads: threads(options) }),
  );
}

function rawKafkajs(directory: () => Promise<string>, parse: boolean): Contender['run'] {
  return limit(async ({ broker, options, topic, id }) =>
    startKafkajsConsumer({
      packageDirectory: await directory(),
      brokers: broker.brokers.join(','),
      topic,
      partitions: PARTITIONS,
      groupId: id,
      records: options.records,
      parse,
    }),
  );
}

const patched = (): Promise<string> => Promise.resolve(join(projectRoot, 'node_modules', 'kafkajs'));
let pristine: Promise<string> | undefined;
const unpatched = (): Promise<string> => (pristine ??= pristineKafkajs());
const one = (): number => 1;
const asAsked = (options: BenchOptions): number => options.threads;
const scanning = (scan: boolean, threads: (options: BenchOptions) => number): Contender['run'] =>
  limit(({ broker, options, topic }) =>
    startScanner({ brokers: broker.brokers.join(','), topic, partitions: PARTITIONS, threads: threads(options), scan }),
  );

const WORD_BY_WORD = 'bench/topologies/count-by-state-and-device.ts';

const YARDSTICK_RUN: Contender = { name: YARDSTICK, run: rawKafkajs(patched, false) };

const COUNTING: readonly Contender[] = [
  { name: 'Java Streams, exactly_once_v2', run: java('exactly_once') },
  { name: 'Tributary, exactly_once', run: tributary(WORD_BY_WORD, 'exactly_once') },
  { name: 'Tributary logins, exactly_once', run: tributary(PRODUCT_TOPOLOGY, 'exactly_once') },
  { name: 'Tributary zod, exactly_once', run: tributary('bench/topologies/count-with-zod.ts', 'exactly_once') },
  { name: 'Tributary lz4, exactly_once', topic: 'bench-logins-lz4', run: tributary(WORD_BY_WORD, 'exactly_once') },
  { name: 'Tributary zstd, exactly_once', topic: 'bench-logins-zstd', run: tributary(WORD_BY_WORD, 'exactly_once') },
  { name: 'Java Streams, at_least_once', run: java('at_least_once') },
  { name: 'Tributary, at_least_once', run: tributary(WORD_BY_WORD, 'at_least_once') },
  { name: 'fetch and scan, no state', run: scanning(true, asAsked) },
  YARDSTICK_RUN,
];

const READING: readonly Contender[] = [
  YARDSTICK_RUN,
  { name: 'kafkajs unpatched, consume', run: rawKafkajs(unpatched, false) },
  { name: 'kafkajs patched, JSON.parse', run: rawKafkajs(patched, true) },
  { name: 'fetch, 1 thread', run: scanning(false, one) },
  { name: 'fetch and scan, 1 thread', run: scanning(true, one) },
  { name: 'raw Java, consume', run: rawJava('consume', one) },
  { name: 'raw Java, Jackson', run: rawJava('consume-json', one) },
];

/** Logins a second of each contender that counts, from the same backlog. Answers the ratios to raw kafkajs. */
export function throughput(options: BenchOptions): Promise<Record<string, number>> {
  return measure('throughput', COUNTING, options);
}

/** The same of those that only read: one thread each. */
export function limits(options: BenchOptions): Promise<Record<string, number>> {
  return measure('limits', READING, options);
}

async function measure(
  bench: string,
  contenders: readonly Contender[],
  options: BenchOptions,
): Promise<Record<string, number>> {
  // How fast Java is, is not ours to guard.
  const asked = options.check ? contenders.filter(({ name }) => !name.includes('Java')) : contenders;
  const wanted = asked.filter(
    ({ name }) =>
      options.only.length === 0 ||
      name === YARDSTICK ||
      options.only.some((part) => name.toLowerCase().includes(part.toLowerCase())),
  );
  if (wanted.some(({ name }) => name.includes('Java'))) await builtClassPath();
  const broker = await startTestBroker({ heap: '1g' });
  try {
    let meanBytes = 0;
    for (const topic of new Set(wanted.map((c) => c.topic ?? PLAIN))) {
      const compression = topic.endsWith('lz4') ? 'lz4' : topic.endsWith('zstd') ? 'zstd' : 'none';
      ({ meanBytes } = await makeBacklog({
        connection: broker.connection,
        topic,
        partitions: PARTITIONS,
        records: options.records,
        compression,
      }));
    }
    const rounds = new Map<string, (Round & { readonly brokerCpuSecondsPerMillion: number })[]>(
      wanted.map(({ name }) => [name, []]),
    );
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [index, { name, topic = PLAIN, run }] of wanted.entries()) {
        const brokerBefore = cpuSeconds(broker.pid);
        const result = await run({ broker, options, topic, id: `bench-${String(round)}-${String(index)}` });
        const brokerCpuSecondsPerMillion = ((cpuSeconds(broker.pid) - brokerBefore) * 1e6) / options.records;
        rounds.get(name)?.push({ ...result, brokerCpuSecondsPerMillion });
        say(
          `round ${String(round)}  ${name}: ${Math.round(result.recordsPerSecond).toLocaleString('en-US')}/s, ` +
            `${result.cpuSecondsPerMillion.toFixed(2)} CPU s per million (broker ` +
            `${brokerCpuSecondsPerMillion.toFixed(2)}), ${String(Math.round(result.peakRssMiB))} MiB`,
        );
      }
    }
    const summary = [...rounds].map(([name, results]) => ({
      name,
      recordsPerSecond: Math.round(median(results.map((r) => r.recordsPerSecond))),
      cpuSecondsPerMillion: median(results.map((r) => r.cpuSecondsPerMillion)),
      brokerCpuSecondsPerMillion: median(results.map((r) => r.brokerCpuSecondsPerMillion)),
      peakRssMiB: Math.round(median(results.map((r) => r.peakRssMiB))),
      rounds: results,
    }));
    // Of each round, then their median: what slows the machine for a while slows all of a round.
    const ratio = (name: string, to: string): number =>
      median(
        (rounds.get(name) ?? []).map((r, n) => r.recordsPerSecond / (rounds.get(to)?.[n]?.recordsPerSecond ?? NaN)),
      );
    const ratios = Object.fromEntries(
      summary.filter(({ name }) => name !== YARDSTICK).map(({ name }) => [name, ratio(name, YARDSTICK)]),
    );
    table(
      ['contender', 'logins/s', 'CPU s/M', 'broker CPU s/M', 'peak MiB', 'x raw kafkajs', 'x Java exactly_once_v2'],
      summary.map((s) => [
        s.name,
        s.recordsPerSecond,
        s.cpuSecondsPerMillion,
        s.brokerCpuSecondsPerMillion,
        s.peakRssMiB,
        ratio(s.name, YARDSTICK),
        ratio(s.name, 'Java Streams, exactly_once_v2'),
      ]),
    );
    save(bench, {
      records: options.records,
      threads: options.threads,
      partitions: PARTITIONS,
      meanBytes,
      commitIntervalMs: COMMIT_INTERVAL_MS,
      ratiosToRawKafkajs: ratios,
      contenders: summary,
    });
    return ratios;
  } finally {
    await broker.stop();
  }
}
