import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { freePort } from '../../tools/local-kafka/ports.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { BenchProcess, peakRssMiB } from '../bench-process.ts';
import type { BenchOptions } from '../options.ts';
import { PRODUCT_TOPIC, publishSteadily, startProduct } from '../product.ts';
import { save, say, table } from '../report.ts';
import { median } from '../statistics.ts';

const QUERY =
  '{ states(first: 51) { nodes { code name devices { ios android other total } } freshness { asOf complete lag } } }';
const CONNECTIONS = 16;
const ROUND_SECONDS = 5;
const SEED_LOGINS = { rate: 2_000, seconds: 3 };

/** Requests a second for all states, beside a bare Yoga server that answers a constant of the same size. */
export async function queries(options: BenchOptions): Promise<undefined> {
  const product = await startProduct();
  const barePort = await freePort();
  let bare: BenchProcess | undefined;
  const rates: Record<string, number[]> = { 'Tributary API': [], 'bare Yoga': [] };
  try {
    await publishSteadily({ connection: product.broker.connection, topic: PRODUCT_TOPIC, ...SEED_LOGINS, sentAt: [] });
    await delay(2_000);
    const sample = await ask(product.apiPort);
    if (!sample.includes('"nodes"')) throw new Error(`the API does not answer: ${sample.slice(0, 300)}`);
    bare = new BenchProcess(process.execPath, [
      join(projectRoot, 'bench/processes/bare-yoga.ts'),
      JSON.stringify({ port: barePort, answer: sample }),
    ]);
    await bare.message(({ listening }) => listening === true);
    for (let round = 1; round <= options.rounds; round += 1) {
      rates['Tributary API']?.push(await load(product.apiPort));
      rates['bare Yoga']?.push(await load(barePort));
      say(
        `round ${String(round)}  Tributary API ${String(Math.round(rates['Tributary API']?.at(-1) ?? 0))}/s, ` +
          `bare Yoga ${String(Math.round(rates['bare Yoga']?.at(-1) ?? 0))}/s`,
      );
    }
    const summary = Object.entries(rates).map(([name, rounds]) => ({
      name,
      requestsPerSecond: Math.round(median(rounds)),
      rounds,
    }));
    table(
      ['states query', 'requests/s'],
      summary.map((s) => [s.name, s.requestsPerSecond]),
    );
    save('queries', {
      query: QUERY,
      answerBytes: sample.length,
      connections: CONNECTIONS,
      apiPeakRssMiB: Math.round(peakRssMiB(product.api.pid)),
      contenders: summary,
    });
    return undefined;
  } finally {
    await bare?.kill();
    await product.stop();
  }
}

async function ask(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${String(port)}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY }),
  });
  return answer.text();
}

/** Keeps so many connections busy; the smallest client that can read an answer, so that it does not measure itself. */
async function load(port: number): Promise<number> {
  const body = JSON.stringify({ query: QUERY });
  const request = Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${String(port)}\r\ncontent-type: application/json\r\naccept: ` +
      `application/json\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`,
  );
  let answers = 0;
  let failed: Error | undefined;
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', (error) => {
      failed ??= error;
    });
    readAnswers(socket, () => {
      answers += 1;
      socket.write(request);
    });
    socket.write(request);
  }
  await delay(1_000);
  const [before, startedAt] = [answers, performance.now()];
  await delay(ROUND_SECONDS * 1_000);
  const rate = ((answers - before) * 1_000) / (performance.now() - startedAt);
  for (const socket of sockets) socket.destroy();
  if (failed !== undefined) throw failed;
  return rate;
}

function readAnswers(socket: Socket, onAnswer: () => void): void {
  let seen = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    for (;;) {
      const headEnd = seen.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = seen.toString('latin1', 0, headEnd).toLowerCase();
      if (!head.startsWith('http/1.1 200')) throw new Error(`the server answers ${head.split('\r\n')[0] ?? ''}`);
      const length = /content-length: (\d+)/.exec(head)?.[1];
      if (length === undefined) throw new Error('the server does not say how long its answer is');
      const end = headEnd + 4 + Number(length);
      if (seen.length < end) return;
      seen = seen.subarray(end);
      onAnswer();
    }
  });
}
