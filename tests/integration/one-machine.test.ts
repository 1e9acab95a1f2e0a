import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { isPortFree } from '../../tools/local-kafka/ports.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { testPort } from '../support/test-port.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { expectWithin } from '../support/speed.ts';
import { until } from '../support/until.ts';

const answerOfStates = z.record(z.string(), z.object({ total: z.number() }));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

let dataDir: string;
let ports: { readonly api: number; readonly kafka: number };
const runs: Run[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tributary-start-'));
  ports = { api: await testPort(), kafka: await testPort() };
});
afterEach(async () => {
  for (const { child, exited } of runs.splice(0)) {
    signalGroup(child, 'SIGKILL');
    await exited;
  }
  // What was killed just now takes its broker along within a moment.
  await until(() => isPortFree(ports.kafka), 'the port of the broker is free');
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

/** `npm start` without npm, in a process group of its own, as a terminal would have it. */
function start(env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, [join(projectRoot, 'tools/one-machine/start.ts')], {
    cwd: projectRoot,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...childEnvironment(),
      DATA_DIR: dataDir,
      PORT: String(ports.api),
      LOCAL_KAFKA_PORT: String(ports.kafka),
      LOG_FORMAT: 'json',
      ...env,
    },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const run = {
    child,
    output: () => text,
    exited: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
  runs.push(run);
  return run;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It ended before.
  }
}

async function untilReady(run: Run): Promise<void> {
  await until(
    () => run.output().includes('Tributary is ready') || run.child.exitCode !== null,
    () => `it is ready:\n${run.output()}`,
  );
  if (run.child.exitCode !== null) throw new Error(`never ready:\n${run.output()}`);
}

async function counted(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${ports.api}/data`);
  const states = answerOfStates.parse(await response.json());
  return Object.values(states).reduce((sum, state) => sum + state.total, 0);
}

async function untilCounted(atLeast: number): Promise<number> {
  let total = 0;
  await until(
    async () => {
      total = await counted();
      return total >= atLeast;
    },
    () => `counted ${total} of ${atLeast}`,
  );
  return total;
}

test('ready, counting, and stopped in order by a Ctrl-C that arrives more than once', async () => {
  const started = performance.now();
  const run = start({ PRODUCER_RATE: '200' });
  await untilReady(run);
  // The first run on a machine builds the dashboard too.
  expectWithin(performance.now() - started, 30_000);
  expect(run.output()).toMatch(
    new RegExp(
      `^Tributary is ready: dashboard http://127.0.0.1:${ports.api}/  GraphiQL http://127.0.0.1:${ports.api}/graphql`,
      'm',
    ),
  );
  const page = await fetch(`http://127.0.0.1:${ports.api}/`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
  expect(await untilCounted(100)).toBeGreaterThanOrEqual(100);

  signalGroup(run.child, 'SIGINT');
  run.child.kill('SIGINT');
  expect(await run.exited).toBe(0);
  const stopping = run.output().slice(run.output().indexOf('Stopping'));
  const order = ['"name":"producer"', 'NOT_RUNNING', '"Stopped"'].map((mark) => stopping.indexOf(mark));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order).not.toContain(-1);
  // A part that was cut off from its broker would have said so.
  expect(stopping).not.toMatch(/"level":50|restart \d+ of/);
  expect([await isPortFree(ports.api), await isPortFree(ports.kafka)]).toEqual([true, true]);
});

test('after kill -9 nothing is left running, and the next start counts on from what there was', async () => {
  const first = start({ PRODUCER_RATE: '200' });
  await untilReady(first);
  const before = await untilCounted(100);
  signalGroup(first.child, 'SIGKILL');
  await first.exited;

  const second = start({ PRODUCER_RATE: '0' });
  await untilReady(second);
  expect(await untilCounted(before)).toBeGreaterThanOrEqual(before);
  signalGroup(second.child, 'SIGTERM');
  expect(await second.exited).toBe(0);
});

describe('what cannot work ends at once, with one line and a code', () => {
  let taken: Server | undefined;
  afterEach(() => {
    taken?.close();
    taken = undefined;
  });

  async function occupy(port: number): Promise<void> {
    taken = createServer();
    await new Promise<void>((resolve) => taken?.listen(port, '127.0.0.1', resolve));
  }

  async function lineOf(run: Run): Promise<{ code: number | null; line: string }> {
    const code = await run.exited;
    const lines = run
      .output()
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('{'));
    expect(lines).toHaveLength(1);
    return { code, line: lines[0] ?? '' };
  }

  test('a value that is not taken', async () => {
    expect(await lineOf(start({ COMMIT_INTERVAL_MS: 'soon' }))).toEqual({
      code: 2,
      line: expect.stringContaining('COMMIT_INTERVAL_MS="soon"'),
    });
  });

  test('a broker address that is none', async () => {
    expect(await lineOf(start({ KAFKA_BROKERS: 'localhost' }))).toEqual({
      code: 2,
      line: expect.stringContaining('"localhost" is not host:port'),
    });
  });

  test('a broker name that nobody knows', async () => {
    const { code, line } = await lineOf(start({ KAFKA_BROKERS: 'no-such-host.invalid:9092' }));
    expect([code, line]).toEqual([2, expect.stringMatching(/no-such-host\.invalid.*does not resolve/)]);
  });

  test('the port of the API', async () => {
    await occupy(ports.api);
    expect(await lineOf(start())).toEqual({
      code: 1,
      line: expect.stringMatching(new RegExp(`Port ${ports.api} .*set PORT`)),
    });
  });

  test('the port of the local Kafka', async () => {
    await occupy(ports.kafka);
    expect(await lineOf(start())).toEqual({
      code: 1,
      line: expect.stringMatching(new RegExp(`Port ${ports.kafka} .*LOCAL_KAFKA_PORT`)),
    });
  });

  test('no Java', async () => {
    const { code, line } = await lineOf(start({ PATH: dirname(process.execPath), JAVA_HOME: '/nowhere' }));
    expect([code, line]).toEqual([1, expect.stringMatching(/Java is missing.*KAFKA_BROKERS.*docker compose/)]);
  });
});
