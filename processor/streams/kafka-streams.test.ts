import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { quietLogger } from '../../tests/support/quiet-logger.ts';
import { until } from '../../tests/support/until.ts';
import { KafkaStreams } from './kafka-streams.ts';
import { StateDirectory } from './store/state-directory.ts';
import { TABLES_TOPICS } from './tests/support/tables-topology.ts';

let stateDir: string;
beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tributary-closed-'));
});
afterAll(() => rm(stateDir, { recursive: true, force: true }));

/** Nobody listens there: the start waits for a broker. */
function waiting(applicationId: string): KafkaStreams {
  return new KafkaStreams({
    topologyModule: new URL('./tests/support/tables-topology.ts', import.meta.url),
    topologyOptions: TABLES_TOPICS,
    connection: { brokers: ['127.0.0.1:1'], clientId: applicationId },
    config: { applicationId, stateDir },
    logger: quietLogger,
  });
}

test.each<[string, (streams: KafkaStreams) => Promise<void>]>([
  ['before the state directory is locked', () => Promise.resolve()],
  [
    'while a broker is waited for',
    (streams) => until(() => streams.notReadyReason()?.includes('127.0.0.1:1') === true, 'it waits for its broker'),
  ],
])('close() ends a start without an error, and frees its slot: %s', async (when, reached) => {
  const applicationId = when.split(' ').join('-');
  const streams = waiting(applicationId);
  const start = streams.start();
  await reached(streams);
  await streams.close();
  await expect(start).resolves.toBeUndefined();
  expect(streams.state).toBe('NOT_RUNNING');
  expect(streams.failure).toBeUndefined();
  const next = await StateDirectory.lock(stateDir, applicationId, { log: quietLogger });
  expect(next.path).toMatch(/\/0$/);
  next.release();
});
