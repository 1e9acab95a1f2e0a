import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testPort } from '../support/test-port.ts';
import { AppProcess, killAll, LOGIN_PROCESSOR } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { LOGIN_API } from '../support/login-run.ts';
import { expectWithin } from '../support/speed.ts';
import { runTool } from '../support/tool-run.ts';

/*
 * A broker that is away at the start is waited for, for ever, and counts as nobody's failure; what waiting cannot mend
 * ends the process with one line. tests/chaos/broker-away.test.ts takes it away in the middle of the work.
 */

const RESUMES_WITHIN_MS = 10_000;
let broker: TestBroker;
let stateDir: string;
/** Who comes by it is told a name that nobody knows. */
let lostPort: number;

beforeAll(async () => {
  lostPort = await testPort();
  broker = await startTestBroker({
    otherListeners: { LOST: { host: 'no-such-host.invalid', port: lostPort, protocol: 'PLAINTEXT' } },
  });
  stateDir = await mkdtemp(join(tmpdir(), 'tributary-away-'));
});
afterAll(async () => {
  await broker.stop();
  await rm(stateDir, { recursive: true, force: true });
});

const errorsOf = (app: AppProcess): unknown[] =>
  app.lines.filter(({ level }) => Number(level) >= 50).map(({ msg }) => msg);

test('away at the start: it says so once, waits, starts when the broker does; a SIGTERM ends the wait', async () => {
  await broker.shutDown();
  const env = { KAFKA_BROKERS: broker.brokers.join(','), STATE_DIR: stateDir, APPLICATION_ID: 'away-at-start' };
  const [app, impatient] = await Promise.all([
    AppProcess.start({ main: LOGIN_PROCESSOR, env }),
    AppProcess.start({ main: LOGIN_PROCESSOR, env }),
  ]);
  try {
    await app.until(() => app.logged('waiting for Kafka').length > 0, 'it says that it waits');
    expect(await app.ready()).toMatchObject({
      ok: false,
      reason: expect.stringContaining(`waiting for Kafka at ${broker.brokers.join(',')}`),
    });
    const stopping = performance.now();
    expect((await impatient.stop()).code).toBe(0);
    expectWithin(performance.now() - stopping, 5_000);
    await broker.restart();
    await app.untilReady(RESUMES_WITHIN_MS);
    expect(app.logged('waiting for Kafka')).toHaveLength(1);
    expect(errorsOf(app)).toEqual([]);
  } finally {
    await Promise.all([app.kill(), impatient.kill()]);
  }
});

test('a name that does not resolve ends it with one line and no stack', async () => {
  const app = await AppProcess.start({
    main: LOGIN_PROCESSOR,
    env: { KAFKA_BROKERS: 'no-such-host.invalid:9092', STATE_DIR: stateDir, APPLICATION_ID: 'no-name' },
  });
  const { code, afterMs } = await app.exited;
  expect(code).toBe(1);
  expectWithin(afterMs, RESUMES_WITHIN_MS);
  expect(errorsOf(app)).toEqual([
    expect.stringMatching(/^BROKER_NAME_UNKNOWN: KAFKA_BROKERS no-such-host\.invalid:9092: the name does not resolve/),
  ]);
  expect(app.log()).not.toMatch(/\bat .*\(.*:\d+:\d+\)/);
});

test('a name that the broker advertises and nobody knows: each part says so, and blames no KAFKA_BROKERS', async () => {
  const bootstrap = `127.0.0.1:${String(lostPort)}`;
  const env = { KAFKA_BROKERS: bootstrap, STATE_DIR: stateDir, APPLICATION_ID: 'advertised', LOG_FORMAT: 'json' };
  const words = new RegExp(
    `KAFKA_BROKERS ${bootstrap}: the brokers there answer, and tell that one of them is at ` +
      `no-such-host\\.invalid:${String(lostPort)}, .* Set advertised\\.listeners`,
  );
  const processor = await AppProcess.start({ main: LOGIN_PROCESSOR, env });
  expect((await processor.exited).code).toBe(1);
  expect(errorsOf(processor)).toEqual([expect.stringMatching(words)]);
  for (const [tool, args] of [
    ['tools/producer/producer.ts', ['--count', '1']],
    ['tools/dead-letters/dead-letters.ts', ['list']],
    ['tools/reset/reset.ts', ['--dry-run']],
  ] as const) {
    const { code, output, errors } = await runTool(tool, args, env);
    expect([tool, code, output + errors]).toEqual([tool, 1, expect.stringMatching(words)]);
  }
  // Its topics are there.
  const api = await AppProcess.start({ main: LOGIN_API, env: { ...env, APPLICATION_ID: 'away-at-start' } });
  try {
    const inWords = new RegExp(
      `The brokers at ${bootstrap} answer, and tell that one of them is at ` +
        `no-such-host\\.invalid:${String(lostPort)} .advertised\\.listeners`,
    );
    await api.until(async () => inWords.test((await api.ready()).reason), 'the API says it in /ready');
  } finally {
    await killAll([api]);
  }
});

test('one unknown name among several brokers: each part runs; all unknown: it ends', async () => {
  const env = {
    STATE_DIR: stateDir,
    APPLICATION_ID: 'one-unknown',
    INPUT_TOPIC: 'one-unknown',
    DEAD_LETTER_TOPIC: 'one-unknown-dlq',
  };
  const some = { ...env, KAFKA_BROKERS: ['one.invalid:9092', ...broker.brokers, 'two.invalid:9092'].join(',') };
  const processor = await AppProcess.start({ main: LOGIN_PROCESSOR, env: some });
  const api = await AppProcess.start({ main: LOGIN_API, env: some });
  try {
    await processor.untilReady();
    await api.untilReady();
    expect(api.logged('one.invalid:9092, two.invalid:9092')).toHaveLength(1);
    expect((await runTool('tools/producer/producer.ts', ['--count', '5'], some)).code).toBe(0);
  } finally {
    await killAll([processor, api]);
  }
  for (const main of [LOGIN_PROCESSOR, LOGIN_API]) {
    const app = await AppProcess.start({ main, env: { ...env, KAFKA_BROKERS: 'one.invalid:9092,two.invalid:9092' } });
    const { code } = await app.exited;
    expect([main, code, app.logged(/^BROKER_NAME_UNKNOWN: KAFKA_BROKERS /).length]).toEqual([main, 1, 1]);
  }
});
