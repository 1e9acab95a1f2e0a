import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { createKafka } from '@tributary/streams/operations';
import { API_NODE_FLAGS } from '../tools/one-machine/api-node-flags.ts';
import { loginGenerator } from '../tools/producer/login-generator.ts';
import { freePort } from '../tools/local-kafka/ports.ts';
import { startTestBroker, type TestBroker } from '../tests/support/broker.ts';
import { BenchProcess } from './bench-process.ts';
import { quiet } from './quiet.ts';
import { progress } from './report.ts';

const READY_WITHIN_MS = 60_000;
const POLL_MS = 20;
/** Logins that are due within this time travel together. */
const SEND_EVERY_MS = 10;
const ACKS_LEADER = 1;

/** The product as it is shipped: a broker, one processor, one API. */
export interface Product {
  readonly broker: TestBroker;
  readonly processor: BenchProcess;
  readonly api: BenchProcess;
  readonly apiPort: number;
  stop(): Promise<void>;
}

export const PRODUCT_TOPIC = 'user-login';

export async function startProduct(): Promise<Product> {
  const broker = await startTestBroker({ heap: '768m' });
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const [apiPort, processorPort] = [await freePort(), await freePort()];
  const env = {
    KAFKA_BROKERS: broker.brokers.join(','),
    STATE_DIR: stateDir,
    PORT: String(apiPort),
    PROCESSOR_PORT: String(processorPort),
    INPUT_TOPIC: PRODUCT_TOPIC,
    LOG_LEVEL: 'warn',
    LOG_FORMAT: 'json',
  };
  const [processor, api] = [['processor/logins/main.ts'], [...API_NODE_FLAGS, 'schema/logins/main.ts']].map(
    (args) => new BenchProcess(process.execPath, args, env),
  ) as [BenchProcess, BenchProcess];
  const stop = async (): Promise<void> => {
    await Promise.all([processor.stop(), api.stop()]);
    await broker.stop();
    await rm(stateDir, { recursive: true, force: true });
  };
  try {
    await Promise.all([untilReady(apiPort, api), untilReady(processorPort, processor)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { broker, processor, api, apiPort, stop };
}

export async function untilReady(port: number, contender: BenchProcess): Promise<void> {
  for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await delay(POLL_MS)) {
    contender.throwIfEnded();
    const answer = await fetch(`http://127.0.0.1:${String(port)}/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
  }
  throw new Error(`nothing became ready on port ${String(port)}\n${contender.log()}`);
}

export function graphqlSocket(port: number): Client {
  return createClient({ url: `ws://127.0.0.1:${String(port)}/graphql`, webSocketImpl: WebSocket, lazy: false });
}

/**
 * Publishes logins of this moment at a steady rate. `sentAt` gets the `performance.now()` of the call that sent each.
 */
export async function publishSteadily(options: {
  connection: KafkaConnectionConfig;
  topic: string;
  rate: number;
  seconds: number;
  sentAt: number[];
}): Promise<void> {
  const { connection, topic, rate, seconds, sentAt } = options;
  const producer = createKafka({ ...connection, clientId: 'bench-publisher' }, quiet).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const generate = loginGenerator({ seed: rate });
  const sends: Promise<unknown>[] = [];
  const startedAt = performance.now();
  const wanted = rate * seconds;
  let sent = 0;
  while (sent < wanted) {
    const due = Math.min(wanted, Math.floor(((performance.now() - startedAt) * rate) / 1_000) + 1);
    const messages = Array.from({ length: due - sent }, () => {
      const { key, value } = generate(Date.now());
      return { key, value };
    });
    if (messages.length > 0) {
      const now = performance.now();
      for (let n = 0; n < messages.length; n += 1) sentAt.push(now);
      sent = due;
      sends.push(producer.send({ topic, acks: ACKS_LEADER, messages }));
    }
    progress(`${String(rate)} logins/s`, sent, wanted);
    await delay(Math.max(1, Math.min(SEND_EVERY_MS, 1_000 / rate)));
  }
  await Promise.all(sends);
  await producer.disconnect();
}
