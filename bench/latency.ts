import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import kafkajs from 'kafkajs';
import { WebSocket } from 'ws';
import { createKafka } from '../processor/streams/consumer/kafka-cluster.ts';
import { startTestBroker } from '../tests/support/broker.ts';
import { loginGenerator } from '../tools/login-generator.ts';
import { freePort } from '../tools/ports.ts';
import { bench, percentile } from './report.ts';

/**
 * From a login's publication (the call to send it) to its arrival at a subscriber of `states`, who asks for nothing but
 * the defaults. The nth login counts as arrived with the first update whose total is n or more.
 */
const TOPIC = 'user-login';
const { values } = parseArgs({ options: { rates: { type: 'string', default: '20,1000' }, seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
const broker = await startTestBroker({ heap: '512m' });
const stateDir = await mkdtemp(join(tmpdir(), 'tributary-latency-'));
const [apiPort, processorPort] = [await freePort(), await freePort()];
const env = { ...process.env, KAFKA_BROKERS: broker.brokers.join(','), STATE_DIR: stateDir, PORT: String(apiPort), PROCESSOR_PORT: String(processorPort), LOG_LEVEL: 'warn', LOG_FORMAT: 'json' };
const parts = ['../processor/logins/main.ts', '../schema/main.ts'].map((main): ChildProcess => spawn(process.execPath, [new URL(main, import.meta.url).pathname], { env, stdio: ['ignore', 'inherit', 'inherit'] }));

try {
  await Promise.all([untilReady(apiPort), untilReady(processorPort)]);
  const arrivedAt: number[] = [];
  let total = 0;
  const client = createClient({ url: `ws://127.0.0.1:${String(apiPort)}/graphql`, webSocketImpl: WebSocket, lazy: false });
  client.subscribe<{ states: { totals: { total: number } } }>(
    { query: 'subscription { states { totals { total } } }' },
    {
      next: ({ data }) => {
        const now = performance.now();
        const counted = data?.states.totals.total ?? total;
        for (; total < counted; total += 1) arrivedAt.push(now);
      },
      error: (error) => process.stderr.write(`${JSON.stringify(error)}\n`),
      complete: () => undefined,
    },
  );
  const results = [];
  for (const rate of values.rates.split(',').map(Number)) {
    const latencies = await measure(rate, arrivedAt);
    const result = { rate, logins: latencies.length, p50Ms: Math.round(percentile(latencies, 0.5)), p95Ms: Math.round(percentile(latencies, 0.95)), p99Ms: Math.round(percentile(latencies, 0.99)), maxMs: Math.round(Math.max(...latencies)) };
    process.stdout.write(`${String(rate)} logins/s: median ${String(result.p50Ms)} ms, 95 % ${String(result.p95Ms)} ms, 99 % ${String(result.p99Ms)} ms, longest ${String(result.maxMs)} ms (${String(result.logins)} logins)\n`);
    results.push(result);
  }
  bench.save('latency', { seconds, results });
  await client.dispose();
} finally {
  for (const part of parts) part.kill('SIGTERM');
  await Promise.all(parts.map(async (part) => part.exitCode ?? once(part, 'exit')));
  await broker.stop();
  await rm(stateDir, { recursive: true, force: true });
}

/** Publishes at a steady rate, in sends of at most 10 ms, and waits until all have arrived. Milliseconds per login. */
async function measure(rate: number, arrivedAt: readonly number[]): Promise<number[]> {
  const producer = createKafka({ ...broker.connection, clientId: 'bench-latency' }, bench.silent).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const generate = loginGenerator({ seed: rate });
  const first = arrivedAt.length;
  const sentAt: number[] = [];
  const sends: Promise<unknown>[] = [];
  const startedAt = performance.now();
  const wanted = rate * seconds;
  while (sentAt.length < wanted) {
    const due = Math.min(wanted, Math.floor(((performance.now() - startedAt) * rate) / 1_000) + 1);
    const messages = Array.from({ length: due - sentAt.length }, () => {
      const { key, value } = generate(Date.now());
      return { key, value };
    });
    if (messages.length > 0) {
      const now = performance.now();
      for (let n = 0; n < messages.length; n += 1) sentAt.push(now);
      sends.push(producer.send({ topic: TOPIC, acks: 1, messages }));
    }
    bench.progress(`${String(rate)}/s`, sentAt.length, wanted);
    await delay(Math.max(1, Math.min(10, 1_000 / rate)));
  }
  await Promise.all(sends);
  const deadline = performance.now() + 30_000;
  while (arrivedAt.length - first < wanted && performance.now() < deadline) await delay(20);
  await producer.disconnect();
  return sentAt.slice(0, arrivedAt.length - first).map((sent, nth) => (arrivedAt[first + nth] as number) - sent);
}

async function untilReady(port: number): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(100)) {
    const answer = await fetch(`http://127.0.0.1:${String(port)}/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
  }
  throw new Error(`nothing became ready on port ${String(port)}`);
}
