import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KafkaCluster } from '../processor/streams/consumer/kafka-cluster.ts';
import { untilBrokerAnswers } from '../processor/streams/consumer/until-broker-answers.ts';
import { startTestBroker } from '../tests/support/broker.ts';
import { freePort } from '../tools/ports.ts';
import { makeBacklog } from './backlog.ts';
import { bench, median } from './report.ts';

/**
 * Logins a second of one processor instance from a backlog: from the moment all its tasks run to the moment when the
 * group has committed the whole input and no partial is left in the repartition topic.
 */
interface Round {
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakRssMiB: number;
}

const TOPIC = 'bench-logins';
const PARTITIONS = 4;
const POLL_MS = 50;

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '5000000' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    guarantee: { type: 'string', default: 'exactly_once' },
  },
});
const records = Number(values.records);
const broker = await startTestBroker({ heap: '768m' });
try {
  const { meanBytes } = await makeBacklog({ connection: broker.connection, topic: TOPIC, partitions: PARTITIONS, records, seed: 1 });
  const rounds: Round[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const result = await runRound(`bench-${String(round)}`);
    rounds.push(result);
    process.stdout.write(`round ${String(round)}: ${String(Math.round(result.recordsPerSecond))} logins/s, ${result.cpuSecondsPerMillion.toFixed(2)} CPU s per million, peak RSS ${String(Math.round(result.peakRssMiB))} MiB\n`);
  }
  const summary = {
    guarantee: values.guarantee,
    threads: Number(values.threads),
    records,
    meanBytes,
    partitions: PARTITIONS,
    median: { recordsPerSecond: Math.round(median(rounds.map((r) => r.recordsPerSecond))), peakRssMiB: Math.round(median(rounds.map((r) => r.peakRssMiB))) },
    rounds,
  };
  process.stdout.write(`median: ${String(summary.median.recordsPerSecond)} logins/s, ${String(summary.median.peakRssMiB)} MiB\n`);
  bench.save(`throughput-${values.guarantee}-${values.threads}-threads`, summary);
} finally {
  await broker.stop();
}

async function runRound(applicationId: string): Promise<Round> {
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const port = await freePort();
  const child = spawn(process.execPath, [new URL('../processor/logins/main.ts', import.meta.url).pathname], {
    env: { ...process.env, KAFKA_BROKERS: broker.brokers.join(','), APPLICATION_ID: applicationId, INPUT_TOPIC: TOPIC, STATE_DIR: stateDir, NUM_STREAM_THREADS: values.threads, PROCESSING_GUARANTEE: values.guarantee, PROCESSOR_PORT: String(port), LOG_LEVEL: 'warn', LOG_FORMAT: 'json' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const cluster = new KafkaCluster({ ...broker.connection, clientId: 'bench' }, bench.silent);
  try {
    await cluster.track([TOPIC]);
    const inputs = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }));
    const committed = async (): Promise<number> => (await untilBrokerAnswers(new AbortController().signal, () => cluster.committedOffsets(applicationId, inputs))).reduce((sum, offset) => sum + Math.max(0, offset), 0);
    let startedAt: number | undefined;
    let cpuBefore = 0;
    let countedBefore = 0;
    for (;;) {
      const count = await committed();
      if (startedAt === undefined && count > 0) {
        startedAt = performance.now();
        cpuBefore = cpuSeconds(child.pid as number);
        countedBefore = count;
      }
      bench.progress(applicationId, count, records);
      if (count >= records && (await lag(port)) === 0) break;
      if (child.exitCode !== null) throw new Error(`the processor ended with exit code ${String(child.exitCode)}`);
      await delay(POLL_MS);
    }
    const seconds = (performance.now() - (startedAt as number)) / 1_000;
    return {
      recordsPerSecond: (records - countedBefore) / seconds,
      cpuSecondsPerMillion: ((cpuSeconds(child.pid as number) - cpuBefore) * 1e6) / (records - countedBefore),
      peakRssMiB: peakRssMiB(child.pid as number),
    };
  } finally {
    await cluster.disconnect();
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Sum over all tasks, the repartitioned half included. */
async function lag(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith('tributary_task_lag{')).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** User and system time of a process and its threads; Linux counts in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function peakRssMiB(pid: number): number {
  const line = readFileSync(`/proc/${String(pid)}/status`, 'utf8').split('\n').find((l) => l.startsWith('VmHWM'));
  return Number(line?.replace(/\D/g, '')) / 1_024;
}
