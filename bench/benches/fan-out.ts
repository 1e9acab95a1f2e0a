import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { cpuSeconds, peakRssMiB, rssMiB } from '../bench-process.ts';
import type { BenchOptions } from '../options.ts';
import { PRODUCT_TOPIC, publishSteadily, startProduct } from '../product.ts';
import { save, say } from '../report.ts';
import { percentile } from '../statistics.ts';

const SOCKETS = 50;
const SUBSCRIPTIONS_PER_SOCKET = 20;
const INTERVAL_MS = 250;
const RATE = 1_000;
const QUERY =
  `subscription { states(intervalMs: ${String(INTERVAL_MS)}) { totals { total } states { code devices { ios ` +
  `android other total } } } }`;
const WARM_UP_SECONDS = 5;

/**
 * A thousand subscriptions over fifty sockets while logins come in: what it costs the API, and how long the newest
 * login of each update has been on its way, from the call that published it to each subscriber.
 */
export async function fanOut(options: BenchOptions): Promise<undefined> {
  const product = await startProduct();
  const sockets: WebSocket[] = [];
  try {
    const sentAt: number[] = [];
    const delays: number[] = [];
    let measuring = false;
    let messages = 0;
    for (let n = 0; n < SOCKETS; n += 1) {
      const socket = new WebSocket(`ws://127.0.0.1:${String(product.apiPort)}/graphql`, 'graphql-transport-ws');
      sockets.push(socket);
      await new Promise((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', reject);
      });
      socket.on('message', (data: Buffer) => {
        const text = data.toString('latin1');
        if (text.includes('"type":"connection_ack"')) {
          for (let id = 0; id < SUBSCRIPTIONS_PER_SOCKET; id += 1)
            socket.send(JSON.stringify({ id: String(id), type: 'subscribe', payload: { query: QUERY } }));
          return;
        }
        const total = Number(/"totals":\{"total":(\d+)/.exec(text)?.[1] ?? NaN);
        if (!measuring || Number.isNaN(total) || total === 0) return;
        messages += 1;
        delays.push(performance.now() - (sentAt[total - 1] as number));
      });
      socket.send(JSON.stringify({ type: 'connection_init' }));
    }
    const load = { connection: product.broker.connection, topic: PRODUCT_TOPIC, rate: RATE, sentAt };
    await publishSteadily({ ...load, seconds: WARM_UP_SECONDS });
    measuring = true;
    const [cpuBefore, startedAt, rssBefore] = [cpuSeconds(product.api.pid), performance.now(), rssMiB(product.api.pid)];
    await publishSteadily({ ...load, seconds: options.seconds });
    await delay(INTERVAL_MS);
    const elapsed = (performance.now() - startedAt) / 1_000;
    const heapMiB = await usedHeapMiB(product.apiPort);
    const result = {
      subscriptions: SOCKETS * SUBSCRIPTIONS_PER_SOCKET,
      messagesPerSecond: Math.round(messages / elapsed),
      apiCores: (cpuSeconds(product.api.pid) - cpuBefore) / elapsed,
      p50Ms: Math.round(percentile(delays, 0.5)),
      p99Ms: Math.round(percentile(delays, 0.99)),
      rssBeforeMiB: Math.round(rssBefore),
      rssAfterMiB: Math.round(rssMiB(product.api.pid)),
      peakRssMiB: Math.round(peakRssMiB(product.api.pid)),
      usedHeapMiB: Math.round(heapMiB),
    };
    say(
      `${String(result.subscriptions)} subscriptions: ${String(result.messagesPerSecond)} messages/s, ` +
        `${result.apiCores.toFixed(2)} cores, delivery median ${String(result.p50Ms)} ms, 99 % ` +
        `${String(result.p99Ms)} ms, memory ${String(result.rssBeforeMiB)} to ${String(result.rssAfterMiB)} MiB`,
    );
    save('fan-out', {
      sockets: SOCKETS,
      intervalMs: INTERVAL_MS,
      loginsPerSecond: RATE,
      seconds: options.seconds,
      ...result,
    });
    return undefined;
  } finally {
    for (const socket of sockets) socket.terminate();
    await product.stop();
  }
}

/** What of its memory the API's objects take, garbage that was not collected yet among them. */
async function usedHeapMiB(port: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(metrics)?.[1]) / 1_048_576;
}
