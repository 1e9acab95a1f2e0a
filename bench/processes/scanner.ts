import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { decodeLogin } from '../../processor/logins/login-record.ts';
import { DeadLetter } from '@tributary/streams';
import { KafkaCluster, READ_COMMITTED, RecordFetcher } from '@tributary/streams/operations';
import { quiet } from '../quiet.ts';

/**
 * A limit: the runtime's own fetcher and the product's decoder, once over a topic, without group, state or commit.
 * Arguments as JSON; each thread takes every nth partition.
 */
export interface ScannerOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly partitions: number;
  readonly threads: number;
  /** False: records are only counted. */
  readonly scan: boolean;
}

const TAKE_MS = 100;

/** What one thread read, and when it had its first and its last record. */
interface Share {
  readonly records: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

async function read({ brokers, topic, partitions, threads, scan }: ScannerOptions, thread: number): Promise<Share> {
  const cluster = new KafkaCluster({ brokers: [brokers], clientId: `scanner-${String(thread)}` }, quiet);
  const fetcher = new RecordFetcher(cluster, quiet);
  await cluster.track([topic]);
  const ends = new Map<number, number>();
  for (let partition = thread; partition < partitions; partition += threads) {
    ends.set(partition, (await cluster.offsetRange(topic, partition, READ_COMMITTED)).end);
    fetcher.seek(topic, partition, 0);
  }
  let records = 0;
  let startedAtMs = 0;
  while (ends.size > 0) {
    for (const { partition, records: fetched, nextOffset } of await fetcher.take(TAKE_MS)) {
      startedAtMs ||= performance.timeOrigin + performance.now();
      const nowMs = Date.now();
      if (scan)
        for (const record of fetched)
          if (decodeLogin(record, nowMs) instanceof DeadLetter) throw new Error('a login that cannot be read');
      records += fetched.length;
      if (nextOffset >= (ends.get(partition) ?? Infinity)) {
        ends.delete(partition);
        fetcher.remove(topic, partition);
      }
    }
  }
  const endedAtMs = performance.timeOrigin + performance.now();
  await fetcher.close();
  await cluster.disconnect();
  return { records, startedAtMs, endedAtMs };
}

if (isMainThread) {
  const options = JSON.parse(process.argv[2] as string) as ScannerOptions;
  const shares = await Promise.all(
    Array.from({ length: options.threads }, async (_, thread) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { options, thread } });
      return new Promise<Share>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
  const seconds = (Math.max(...shares.map((s) => s.endedAtMs)) - Math.min(...shares.map((s) => s.startedAtMs))) / 1_000;
  const { user, system } = process.cpuUsage();
  const usage = {
    records: shares.reduce((sum, { records }) => sum + records, 0),
    seconds,
    peakRssMiB: process.resourceUsage().maxRSS / 1_024,
    cpuSeconds: (user + system) / 1e6,
  };
  process.stdout.write(`${JSON.stringify(usage)}\n`);
  process.exit(0);
} else {
  const { options, thread } = workerData as { options: ScannerOptions; thread: number };
  parentPort?.postMessage(await read(options, thread));
}
