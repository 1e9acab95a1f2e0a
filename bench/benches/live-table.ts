import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { createKafka } from '@tributary/streams/operations';
import { WebSocket } from 'ws';
import { startTestBroker } from '../../tests/support/broker.ts';
import { API_NODE_FLAGS } from '../../tools/one-machine/api-node-flags.ts';
import { freePort } from '../../tools/local-kafka/ports.ts';
import { BenchProcess, cpuSeconds, peakRssMiB, rssMiB } from '../bench-process.ts';
import type { BenchOptions } from '../options.ts';
import { untilReady } from '../product.ts';
import { quiet } from '../quiet.ts';
import { progress, save, say } from '../report.ts';
import { percentile } from '../statistics.ts';

const TOPIC = 'sku-totals';
const ROWS = 200_000;
const PARTITIONS = 4;
const BATCH = 5_000;
const SOCKETS = 50;
const SUBSCRIPTIONS_PER_SOCKET = 20;
const INTERVAL_MS = 250;
const PAGES = 50;
/** Of row 777, and of no other one. */
const RARE_CENTS = 348_777;
const SETTLED_AFTER_MS = 10_000;

type Producer = ReturnType<ReturnType<typeof createKafka>['producer']>;

const PAGES_ASKED = {
  order: 'skuTotalsPage(first: 50, orderBy: { field: CENTS })',
  commonFilter: 'skuTotalsPage(first: 50, orderBy: { field: CENTS }, filter: { orders: { gt: 90 } })',
  rareFilter: `skuTotalsPage(first: 50, orderBy: { field: CENTS }, filter: { cents: { eq: ${String(RARE_CENTS)} } })`,
} as const;

/**
 * A table of 200,000 rows in one API: its memory, pages with filter and order, and one changed row to a thousand
 * subscribers of the first fifty.
 */
export async function liveTable(options: BenchOptions): Promise<undefined> {
  const broker = await startTestBroker({ heap: '768m' });
  const kafka = createKafka({ ...broker.connection, clientId: 'bench-live-table' }, quiet);
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const sockets: WebSocket[] = [];
  let api: BenchProcess | undefined;
  try {
    await fill(kafka, producer);
    const port = await freePort();
    const args = [
      ...API_NODE_FLAGS,
      'bench/topologies/live-table-api.ts',
      broker.brokers.join(','),
      String(port),
      TOPIC,
    ];
    api = new BenchProcess(process.execPath, args);
    const startedAt = performance.now();
    await untilReady(port, api);
    const readyMs = performance.now() - startedAt;
    await delay(SETTLED_AFTER_MS);
    const memory = { rssMiB: Math.round(rssMiB(api.pid)), peakRssMiB: Math.round(peakRssMiB(api.pid)) };
    const pagesMs: Record<string, number> = {};
    for (const [name, field] of Object.entries(PAGES_ASKED)) pagesMs[name] = await pageMs(port, field);
    const fanOut = await oneChangeToAll(options, { port, producer, sockets, pid: api.pid });
    say(
      `${String(ROWS)} rows: ready after ${(readyMs / 1_000).toFixed(1)} s, ${String(memory.rssMiB)} MiB (peak ` +
        `${String(memory.peakRssMiB)}); pages, median over HTTP: ${JSON.stringify(pagesMs)} ms; ` +
        `${String(fanOut.messagesPerSecond)} messages/s, ${fanOut.cpuMsPerMessage.toFixed(3)} ms of CPU time each`,
    );
    save('live-table', { rows: ROWS, readyMs: Math.round(readyMs), ...memory, pagesMs, ...fanOut });
    return undefined;
  } finally {
    for (const socket of sockets) socket.terminate();
    await api?.stop();
    await producer.disconnect();
    await broker.stop();
  }
}

async function fill(kafka: ReturnType<typeof createKafka>, producer: Producer): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
  await admin.createTopics({
    topics: [{ topic: TOPIC, numPartitions: PARTITIONS, configEntries }],
    waitForLeaders: true,
  });
  await admin.disconnect();
  await producer.connect();
  for (let first = 0; first < ROWS; first += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, n) => row(first + n, ((first + n) * 31_337) % 1_000_003));
    await producer.send({ topic: TOPIC, messages });
    progress('rows', first + BATCH, ROWS);
  }
}

function row(at: number, cents: number) {
  return { key: `sku-${String(at)}`, value: JSON.stringify({ orders: at % 97, cents }) };
}

async function pageMs(port: number, field: string): Promise<number> {
  const body = JSON.stringify({ query: `{ page: ${field} { nodes { sku orders cents } } }` });
  const times: number[] = [];
  for (let at = 0; at < PAGES; at += 1) {
    const askedAt = performance.now();
    const response = await fetch(`http://127.0.0.1:${String(port)}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const { errors } = (await response.json()) as { errors?: unknown };
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    times.push(performance.now() - askedAt);
  }
  return Math.round(percentile(times, 0.5) * 10) / 10;
}

interface FannedOut {
  readonly port: number;
  readonly producer: Producer;
  readonly sockets: WebSocket[];
  readonly pid: number;
}

/** A row that becomes the first of all, four times a second: each of the subscribers gets it. */
async function oneChangeToAll({ seconds }: BenchOptions, { port, producer, sockets, pid }: FannedOut) {
  const query =
    `subscription { skuTotals(first: 50, orderBy: { field: CENTS }, intervalMs: ${String(INTERVAL_MS)}) ` +
    `{ kind removed rows { id sku orders cents } } }`;
  let messages = 0;
  for (let n = 0; n < SOCKETS; n += 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${String(port)}/graphql`, 'graphql-transport-ws');
    sockets.push(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('latin1');
      if (text.includes('"kind":"DELTA"')) messages += 1;
      if (!text.includes('"type":"connection_ack"')) return;
      for (let id = 0; id < SUBSCRIPTIONS_PER_SOCKET; id += 1)
        socket.send(JSON.stringify({ id: String(id), type: 'subscribe', payload: { query } }));
    });
    socket.send(JSON.stringify({ type: 'connection_init' }));
  }
  await delay(2 * INTERVAL_MS);
  messages = 0;
  const [cpuBefore, startedAt] = [cpuSeconds(pid), performance.now()];
  for (let change = 0; performance.now() - startedAt < seconds * 1_000; change += 1) {
    await producer.send({ topic: TOPIC, messages: [row(change % ROWS, 2_000_000 + change)] });
    await delay(INTERVAL_MS);
  }
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  const cpu = cpuSeconds(pid) - cpuBefore;
  return {
    subscriptions: SOCKETS * SUBSCRIPTIONS_PER_SOCKET,
    messagesPerSecond: Math.round(messages / elapsedSeconds),
    apiCores: cpu / elapsedSeconds,
    cpuMsPerMessage: (cpu * 1_000) / messages,
  };
}
