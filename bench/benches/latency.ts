import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KafkaCluster, RecordFetcher } from '@tributary/streams/operations';
import { startTestBroker } from '../../tests/support/broker.ts';
import { cpuSeconds } from '../bench-process.ts';
import { countIn } from '../group-progress.ts';
import { startJava } from '../java-side.ts';
import type { BenchOptions } from '../options.ts';
import { graphqlSocket, PRODUCT_TOPIC, publishSteadily, startProduct } from '../product.ts';
import { quiet } from '../quiet.ts';
import { save, table } from '../report.ts';
import { percentile } from '../statistics.ts';

const RATES = [20, 1_000];
const INTERVAL_MS = 50;
const COMMIT_INTERVAL_MS = 100;
const PARTITIONS = 4;
/** Before the measured load: what is compiled, joined and connected only once is no latency. */
const WARM_UP_SECONDS = 5;
const ARRIVE_WITHIN_MS = 30_000;

interface Latency {
  readonly name: string;
  readonly rate: number;
  readonly logins: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the processor, in cores. */
  readonly processorCpu: number;
}

const CONTENDERS = { tributary: 'Tributary, to a subscriber', java: 'Java, to its output topic' } as const;

/** `--only tributary,java,20/s,1000/s`: a side or a rate, or both. */
function ratesOf(side: keyof typeof CONTENDERS, { only }: BenchOptions): readonly number[] {
  const sides = only.filter((part) => !part.endsWith('/s')).map((part) => part.toLowerCase());
  const rates = only.filter((part) => part.endsWith('/s'));
  if (sides.length > 0 && !sides.some((part) => side.includes(part))) return [];
  return rates.length === 0 ? RATES : RATES.filter((rate) => rates.includes(`${String(rate)}/s`));
}

/**
 * From a login's publication (the call to send it) to its arrival: at a subscriber of `states` over WebSocket, and for
 * Java at a reader of its output topic. The nth login counts as arrived with the first result whose total is n or more.
 */
export async function latency(options: BenchOptions): Promise<undefined> {
  const results = [...(await ofTributary(options)), ...(await ofJava(options))];
  table(
    ['login to result', 'logins/s', 'median ms', '95 %', '99 %', 'longest', 'processor cores'],
    results.map((r) => [r.name, r.rate, r.p50Ms, r.p95Ms, r.p99Ms, r.maxMs, r.processorCpu]),
  );
  save('latency', {
    seconds: options.seconds,
    subscriptionIntervalMs: INTERVAL_MS,
    commitIntervalMs: COMMIT_INTERVAL_MS,
    results,
  });
  return undefined;
}

async function ofTributary(options: BenchOptions): Promise<Latency[]> {
  const rates = ratesOf('tributary', options);
  if (rates.length === 0) return [];
  const product = await startProduct();
  const client = graphqlSocket(product.apiPort);
  try {
    const arrivals = new Arrivals();
    client.subscribe<{ states: { totals: { total: number } } }>(
      { query: `subscription { states(intervalMs: ${String(INTERVAL_MS)}) { totals { total } } }` },
      {
        next: ({ data }) => arrivals.upTo(data?.states.totals.total ?? 0),
        error: (error) => process.stderr.write(`${JSON.stringify(error)}\n`),
        complete: () => undefined,
      },
    );
    return await measureRates(
      CONTENDERS.tributary,
      { rates, seconds: options.seconds },
      arrivals,
      (load) => publishSteadily({ ...load, connection: product.broker.connection, topic: PRODUCT_TOPIC }),
      product.processor.pid,
    );
  } finally {
    await client.dispose();
    await product.stop();
  }
}

async function ofJava(options: BenchOptions): Promise<Latency[]> {
  const rates = ratesOf('java', options);
  if (rates.length === 0) return [];
  const broker = await startTestBroker({ heap: '768m' });
  const state = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const [topic, output] = ['logins', 'counts'];
  await broker.createTopics({ topic, partitions: PARTITIONS }, { topic: output, partitions: PARTITIONS });
  const java = await startJava({
    job: 'count-by-state-and-device',
    brokers: broker.brokers.join(','),
    topic,
    output,
    threads: options.threads,
    application: 'java',
    state,
    guarantee: 'exactly_once_v2',
    commitIntervalMs: COMMIT_INTERVAL_MS,
  });
  const cluster = new KafkaCluster({ ...broker.connection, clientId: 'bench-reader' }, quiet);
  const fetcher = new RecordFetcher(cluster, quiet);
  let reading = true;
  try {
    await java.message(({ state: next }) => next === 'RUNNING');
    await cluster.track([output]);
    for (let partition = 0; partition < PARTITIONS; partition += 1) fetcher.seek(output, partition, 0);
    const arrivals = new Arrivals();
    const reader = (async () => {
      const counts = new Map<string, number>();
      let total = 0;
      while (reading) {
        for (const { records } of await fetcher.take(100)) {
          for (const { key, value } of records) {
            const name = key?.toString('latin1') ?? '';
            const count = countIn(value as Buffer);
            total += count - (counts.get(name) ?? 0);
            counts.set(name, count);
          }
        }
        arrivals.upTo(total);
      }
    })();
    const results = await measureRates(
      CONTENDERS.java,
      { rates, seconds: options.seconds },
      arrivals,
      (load) => publishSteadily({ ...load, connection: broker.connection, topic }),
      java.pid,
    );
    reading = false;
    await reader;
    return results;
  } finally {
    await fetcher.close();
    await cluster.disconnect();
    await java.kill();
    await broker.stop();
    await rm(state, { recursive: true, force: true });
  }
}

/** When the nth login was seen in a result. */
class Arrivals {
  readonly at: number[] = [];

  upTo(total: number): void {
    const now = performance.now();
    while (this.at.length < total) this.at.push(now);
  }

  async until(count: number): Promise<void> {
    for (const deadline = performance.now() + ARRIVE_WITHIN_MS; this.at.length < count && performance.now() < deadline;)
      await delay(20);
    if (this.at.length < count) throw new Error(`${String(this.at.length)} of ${String(count)} logins arrived`);
  }
}

async function measureRates(
  name: string,
  { rates, seconds }: { readonly rates: readonly number[]; readonly seconds: number },
  arrivals: Arrivals,
  publish: (load: { rate: number; seconds: number; sentAt: number[] }) => Promise<void>,
  pid: number,
): Promise<Latency[]> {
  const results: Latency[] = [];
  const sentAt: number[] = [];
  for (const rate of rates) {
    await publish({ rate, seconds: WARM_UP_SECONDS, sentAt });
    await arrivals.until(sentAt.length);
    const first = sentAt.length;
    const [cpuBefore, startedAt] = [cpuSeconds(pid), performance.now()];
    await publish({ rate, seconds, sentAt });
    await arrivals.until(sentAt.length);
    const processorCpu = (cpuSeconds(pid) - cpuBefore) / ((performance.now() - startedAt) / 1_000);
    const latencies = sentAt.slice(first).map((sent, nth) => (arrivals.at[first + nth] as number) - sent);
    const ms = (share: number): number => Math.round(percentile(latencies, share));
    results.push({
      name,
      rate,
      logins: latencies.length,
      p50Ms: ms(0.5),
      p95Ms: ms(0.95),
      p99Ms: ms(0.99),
      maxMs: ms(1),
      processorCpu,
    });
  }
  return results;
}
