import { setTimeout as delay } from 'node:timers/promises';
import { KafkaCluster, TransactionalProducer } from '@tributary/streams/operations';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { cpuSeconds } from '../bench-process.ts';
import type { BenchOptions } from '../options.ts';
import { quiet } from '../quiet.ts';
import { save, table } from '../report.ts';
import { percentile } from '../statistics.ts';

const PARTITIONS = 4;
const VALUE_BYTES = 100;
const INTERVAL_MS = 100;

interface Shape {
  readonly name: string;
  readonly producers: number;
  readonly recordsEach: number;
  /** Each transaction also holds a row in a partition of its own, as kept offsets do (decision 0014). */
  readonly keepsOffsets?: boolean;
}

/** The same records a second: a producer for each of eight tasks, and one for each of two threads (KIP-447). */
const SHAPES: readonly Shape[] = [
  { name: 'one a task, 8 tasks', producers: 8, recordsEach: 150 },
  { name: 'one a thread, 2 threads', producers: 2, recordsEach: 600 },
  { name: 'one a task, 32 tasks', producers: 32, recordsEach: 38 },
  { name: 'the same, offsets kept', producers: 32, recordsEach: 38, keepsOffsets: true },
  { name: '32 tasks once more', producers: 32, recordsEach: 38 },
];

/** What transactions cost by how many there are: time, this process's CPU and the broker's. */
export async function commitCost(options: BenchOptions): Promise<undefined> {
  const broker = await startTestBroker({ heap: '768m' });
  try {
    await broker.createTopics(
      { topic: 'in', partitions: 64 },
      { topic: 'out', partitions: PARTITIONS },
      { topic: 'kept', partitions: 64 },
    );
    const results = [];
    for (const shape of SHAPES) results.push(await measure(broker, shape, Math.min(options.seconds, 15)));
    table(
      ['transactions every 100 ms', 'median ms', '99 % ms', 'client cores', 'broker cores', 'rounds/s'],
      results.map((r) => [r.name, r.p50Ms, r.p99Ms, r.clientCores, r.brokerCores, r.roundsPerSecond]),
    );
    save('commit-cost', { intervalMs: INTERVAL_MS, valueBytes: VALUE_BYTES, shapes: results });
    return undefined;
  } finally {
    await broker.stop();
  }
}

async function measure(
  broker: TestBroker,
  { name, producers: count, recordsEach, keepsOffsets = false }: Shape,
  seconds: number,
) {
  const clusters = Array.from(
    { length: count },
    (_, n) => new KafkaCluster({ ...broker.connection, clientId: `commit-${String(n)}` }, quiet),
  );
  const producers = clusters.map(
    (cluster, n) =>
      new TransactionalProducer(cluster, {
        transactionalId: `${name}-${String(n)}`.replaceAll(/\W/g, '-'),
        groupId: 'commit-cost',
        transactionTimeoutMs: 15_000,
      }),
  );
  const value = Buffer.alloc(VALUE_BYTES, 'x');
  const records = Array.from({ length: recordsEach }, (_, n) => ({
    topic: 'out',
    partition: n % PARTITIONS,
    key: Buffer.from(`key-${String(n)}`),
    value,
  }));
  try {
    await Promise.all(producers.map((p) => p.init(new AbortController().signal)));
    const durations: number[] = [];
    let offset = 0;
    const round = async (): Promise<void> => {
      offset += 1;
      await Promise.all(
        producers.map(async (producer, n) => {
          const startedAt = performance.now();
          const input = { offsets: new Map([[`in-${String(n)}`, offset]]), metadata: null };
          const kept = keepsOffsets
            ? [
                {
                  topic: 'kept',
                  partition: n,
                  key: Buffer.from(`0_${String(n)}`),
                  value: Buffer.from(JSON.stringify(Object.fromEntries(input.offsets))),
                },
              ]
            : [];
          await producer.send([...records, ...kept], input);
          await producer.commit(input);
          durations.push(performance.now() - startedAt);
        }),
      );
    };
    for (let n = 0; n < 20; n += 1) await round();
    durations.length = 0;
    const startedAt = performance.now();
    const { user, system } = process.cpuUsage();
    const brokerBefore = cpuSeconds(broker.pid);
    let rounds = 0;
    while (performance.now() - startedAt < seconds * 1_000) {
      const due = startedAt + rounds * INTERVAL_MS - performance.now();
      if (due > 0) await delay(due);
      await round();
      rounds += 1;
    }
    const elapsed = (performance.now() - startedAt) / 1_000;
    const used = process.cpuUsage();
    return {
      name,
      producers: count,
      recordsEach,
      p50Ms: Math.round(percentile(durations, 0.5)),
      p99Ms: Math.round(percentile(durations, 0.99)),
      clientCores: (used.user + used.system - user - system) / 1e6 / elapsed,
      brokerCores: (cpuSeconds(broker.pid) - brokerBefore) / elapsed,
      roundsPerSecond: rounds / elapsed,
    };
  } finally {
    await Promise.all(producers.map((p) => p.close()));
  }
}
