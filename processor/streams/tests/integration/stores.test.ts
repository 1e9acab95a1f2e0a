import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from '@jest/globals';
import { KafkaStreams } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { until } from '../../../../tests/support/until.ts';
import { COUNTS } from '../support/stores-topology.ts';

/*
 * What becomes of rows when a task goes on: on disk and in memory they are what the changelogs say, wherever the task
 * runs. Without a changelog they are kept where the disk is of where the input stands, and nowhere else.
 */

const INPUT = 'stores-input';
let broker: SharedBroker;
let directory: string;
let running: KafkaStreams | undefined;

beforeAll(async () => {
  broker = await sharedBroker();
  directory = await mkdtemp(join(tmpdir(), 'tributary-stores-'));
  await broker.createTopics({ topic: INPUT, partitions: 1 });
});
afterAll(async () => {
  await running?.close();
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

/** Runs the application on a disk until each store has this count, and closes it. */
async function counted(disk: string, records: number, expected: readonly number[]): Promise<void> {
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/stores-topology.ts', import.meta.url),
    topologyOptions: { input: INPUT },
    connection: broker.connection,
    config: { applicationId: 'stores', stateDir: join(directory, disk), numStreamThreads: 1, commitIntervalMs: 50 },
    logger: quietLogger,
  });
  running = streams;
  await streams.start();
  if (records > 0)
    await publishOnce(broker.connection, {
      topic: INPUT,
      messages: Array.from({ length: records }, () => ({ key: 'k', value: '' })),
    });
  let seen: unknown;
  await until(
    async () => {
      try {
        seen = await Promise.all(COUNTS.map(({ name }) => streams.store<number>(name).get('k')));
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'STORE_NOT_HERE') throw error;
        seen = error;
      }
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
    () => `${JSON.stringify(expected)}, and not ${JSON.stringify(seen)}`,
  );
  await streams.close();
  running = undefined;
}

test('rows on disk and in memory go on anywhere, rows without a changelog where they were last', async () => {
  await counted('first', 2, [2, 2, 2]);
  await counted('first', 0, [2, 2, 2]);
  await counted('first', 1, [3, 3, 3]);
  await counted('second', 1, [4, 4, 1]);
  // The first disk is of before the second went on.
  await counted('first', 1, [5, 5, 1]);
  await counted('first', 1, [6, 6, 2]);
});
