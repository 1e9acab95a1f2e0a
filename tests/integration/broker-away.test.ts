import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppProcess, LOGIN_PROCESSOR } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { LoginRun } from '../support/login-run.ts';

/*
 * A broker that is away is waited for, for ever, and counts as nobody's failure; what waiting cannot mend ends the process
 * with one line.
 */

const AWAY_MS = 31_000;
const RESUMES_WITHIN_MS = 10_000;
let broker: TestBroker;
let stateDir: string;

beforeAll(async () => {
  broker = await startTestBroker();
  stateDir = await mkdtemp(join(tmpdir(), 'tributary-away-'));
}, 60_000);
afterAll(async () => {
  await broker.stop();
  await rm(stateDir, { recursive: true, force: true });
}, 60_000);

const errorsOf = (app: AppProcess): unknown[] => app.lines.filter(({ level }) => Number(level) >= 50).map(({ msg }) => msg);

test('away for half a minute in the middle: it resumes by itself, exactly, without an error', async () => {
  const run = await LoginRun.open({ connection: broker.connection, name: 'away' });
  try {
    await run.publish({ seed: 1, count: 20_000 });
    const app = await run.start();
    await run.untilCommitted(20_000);
    const publishing = run.publish({ seed: 2, count: 20_000, ratePerSecond: 5_000 });
    await sleep(1_000);
    await broker.shutDown();
    await sleep(AWAY_MS);
    expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringMatching(/away|REBALANCING/) });
    await broker.restart();
    const backAt = performance.now();
    await app.untilReady(RESUMES_WITHIN_MS);
    expect(performance.now() - backAt).toBeLessThan(RESUMES_WITHIN_MS);
    await publishing;
    const { expected, found } = await run.outcome();
    expect(found).toEqual(expected);
    expect(errorsOf(app)).toEqual([]);
    expect((await app.stop()).code).toBe(0);
  } finally {
    await run.close();
  }
}, 120_000);

test('away at the start: it says so once, waits, and starts when the broker does; a SIGTERM ends the wait', async () => {
  await broker.shutDown();
  const env = { KAFKA_BROKERS: broker.brokers.join(','), STATE_DIR: stateDir, APPLICATION_ID: 'away-at-start' };
  const [app, impatient] = await Promise.all([AppProcess.start({ main: LOGIN_PROCESSOR, env }), AppProcess.start({ main: LOGIN_PROCESSOR, env })]);
  try {
    await app.until(() => app.logged('waiting for Kafka').length > 0, 'it says that it waits');
    expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringContaining(`waiting for Kafka at ${broker.brokers.join(',')}`) });
    const stopping = performance.now();
    expect((await impatient.stop()).code).toBe(0);
    expect(performance.now() - stopping).toBeLessThan(5_000);
    await broker.restart();
    await app.untilReady(RESUMES_WITHIN_MS);
    expect(app.logged('waiting for Kafka')).toHaveLength(1);
    expect(errorsOf(app)).toEqual([]);
  } finally {
    await Promise.all([app.kill(), impatient.kill()]);
  }
}, 60_000);

test('a name that does not resolve ends it with one line and no stack', async () => {
  const app = await AppProcess.start({ main: LOGIN_PROCESSOR, env: { KAFKA_BROKERS: 'no-such-host.invalid:9092', STATE_DIR: stateDir, APPLICATION_ID: 'no-name' } });
  const { code, afterMs } = await app.exited;
  expect(code).toBe(1);
  expect(afterMs).toBeLessThan(RESUMES_WITHIN_MS);
  expect(errorsOf(app)).toEqual([expect.stringMatching(/^BROKER_NAME_UNKNOWN: KAFKA_BROKERS no-such-host\.invalid:9092: the name does not resolve/)]);
  expect(app.log()).not.toMatch(/\bat .*\(.*:\d+:\d+\)/);
}, 30_000);
