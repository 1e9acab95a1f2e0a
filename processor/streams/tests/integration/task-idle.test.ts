import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { KafkaStreams } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { stays, until } from '../../../../tests/support/until.ts';
import type { TwoInputsOptions } from '../support/two-inputs-topology.ts';

const TOPICS: TwoInputsOptions = { left: 'idle-left', right: 'idle-right', output: 'idle-output' };

test('a task waits for an empty input as long as maxTaskIdleMs of the config says, and goes by time then', async () => {
  const broker = await sharedBroker();
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-idle-'));
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/two-inputs-topology.ts', import.meta.url),
    topologyOptions: TOPICS,
    connection: broker.connection,
    config: {
      applicationId: 'idle',
      stateDir,
      statusIntervalMs: 50,
      commitIntervalMs: 50,
      // Longer than any test lasts.
      maxTaskIdleMs: 600_000,
    },
    logger: quietLogger,
  });
  const publish = (topic: string, value: string, timestampMs: number): Promise<void> =>
    publishOnce(broker.connection, { topic, messages: [{ key: 'k', value, timestamp: String(timestampMs) }] });
  const written = async (): Promise<string[]> => {
    const { partitions } = await readTopic(broker.connection, TOPICS.output);
    return partitions.flat().map(({ value }) => String(value));
  };
  try {
    await broker.createTopics(...Object.values(TOPICS).map((topic) => ({ topic, partitions: 1 })));
    await streams.start();
    const nowMs = Date.now();
    await publish(TOPICS.left, 'newer', nowMs);
    const isKnown = (): boolean => streams.status().tasks.some(({ lag }) => lag === 1);
    await until(async () => isKnown() || (await written()).length > 0, 'it knows of the record');
    await stays(async () => (await written()).length === 0, 'it waits', 1_000);
    await publish(TOPICS.right, 'older', nowMs - 1_000);
    await publish(TOPICS.right, 'newest', nowMs + 1_000);
    await until(async () => (await written()).length === 2, 'it goes on');
    expect(await written()).toEqual(['older', 'newer']);
  } finally {
    await streams.close();
    await broker.leave();
    await rm(stateDir, { recursive: true, force: true });
  }
});
