import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess, LOGIN_PROCESSOR } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { expectWithin } from '../support/speed.ts';

/*
 * A broker that is away at the start is waited for, for ever, and counts as nobody's failure; what waiting cannot mend ends
 * the process with one line. tests/chaos/broker-away.test.ts takes it away in the middle of the work.
 */

const RESUMES_WITHIN_MS = 10_000;
let broker: TestBroker;
let stateDir: string;

beforeAll(async () => {
  broker = await startTestBroker();
  stateDir = await mkdtemp(join(tmpdir(), 'tributary-away-'));
});
afterAll(async () => {
  await broker.stop();
  await rm(stateDir, { recursive: true, force: true });
});

const errorsOf = (app: AppProcess): unknown[] => app.lines.filter(({ level }) => Number(level) >= 50).map(({ msg }) => msg);

test('away at the start: it says so once, waits, and starts when the broker does; a SIGTERM ends the wait', async () => {
  await broker.shutDown();
  const env = { KAFKA_BROKERS: broker.brokers.join(','), STATE_DIR: stateDir, APPLICATION_ID: 'away-at-start' };
  const [app, impatient] = await Promise.all([AppProcess.start({ main: LOGIN_PROCESSOR, env }), AppProcess.start({ main: LOGIN_PROCESSOR, env })]);
  try {
    await app.until(() => app.logged('waiting for Kafka').length > 0, 'it says that it waits');
    expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringContaining(`waiting for Kafka at ${broker.brokers.join(',')}`) });
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
  const app = await AppProcess.start({ main: LOGIN_PROCESSOR, env: { KAFKA_BROKERS: 'no-such-host.invalid:9092', STATE_DIR: stateDir, APPLICATION_ID: 'no-name' } });
  const { code, afterMs } = await app.exited;
  expect(code).toBe(1);
  expectWithin(afterMs, RESUMES_WITHIN_MS);
  expect(errorsOf(app)).toEqual([expect.stringMatching(/^BROKER_NAME_UNKNOWN: KAFKA_BROKERS no-such-host\.invalid:9092: the name does not resolve/)]);
  expect(app.log()).not.toMatch(/\bat .*\(.*:\d+:\d+\)/);
});
