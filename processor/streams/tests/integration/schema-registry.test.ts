import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { KafkaStreams } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { until } from '../../../../tests/support/until.ts';
import type { RegistryTopologyOptions } from '../support/registry-topology.ts';

/** Knows the schema 1, which is text, while it is not away. */
const registry = {
  away: true,
  asked: 0,
  server: createServer(({ url }, response) => {
    registry.asked += 1;
    const [status, answer] = registry.away
      ? [503, { error_code: 50003, message: 'there is no leader' }]
      : url === '/schemas/ids/1'
        ? [200, { schema: '"string"' }]
        : [404, { error_code: 40403, message: 'Schema not found' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }),
};

test('a schema registry that is away is waited for, by the tasks that need it alone', async () => {
  const broker = await sharedBroker();
  const stateDir = await mkdtemp(join(tmpdir(), 'tributary-registry-'));
  await once(registry.server.listen(0, '127.0.0.1'), 'listening');
  const topics = { avro: 'sr-avro', plain: 'sr-plain', output: 'sr-output', deadLetters: 'sr-dead' };
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/registry-topology.ts', import.meta.url),
    topologyOptions: {
      ...topics,
      url: `http://127.0.0.1:${String((registry.server.address() as AddressInfo).port)}`,
    } satisfies RegistryTopologyOptions,
    connection: broker.connection,
    config: { applicationId: 'registry', stateDir, numStreamThreads: 1, statusIntervalMs: 50, commitIntervalMs: 50 },
    logger: quietLogger,
  });
  const publish = (topic: string, ...values: Buffer[]): Promise<void> =>
    publishOnce(broker.connection, { topic, messages: values.map((value) => ({ key: 'k', value })) });
  const read = async (topic: string): Promise<string[]> => {
    const { partitions } = await readTopic(broker.connection, topic);
    return partitions.flat().map(({ value }) => String(value));
  };
  try {
    await broker.createTopics(...Object.values(topics).map((topic) => ({ topic, partitions: 1 })));
    await streams.start();
    await publish(topics.avro, Buffer.from('00000000010261', 'hex'));
    await until(() => streams.notReadyReason()?.includes('the schema registry is away') === true, 'it says so');
    expect(streams.notReadyReason()).toMatch(/tasks 0_0 wait for it: .*(HTTP 503: .*there is no leader|no answer)/);
    // It goes on to ask, and the thread's other task goes on with its work.
    const { asked } = registry;
    await publish(topics.plain, Buffer.from('p'));
    await until(async () => (await read(topics.output)).includes('p'), 'the other task writes');
    await until(() => registry.asked > asked, 'it is asked again');
    expect(await read(topics.output)).toEqual(['p']);
    expect(await read(topics.deadLetters)).toEqual([]);
    await until(() => streams.state === 'RUNNING', 'the application goes on');

    registry.away = false;
    const unknown = Buffer.from('00000000090261', 'hex');
    await publish(topics.avro, unknown, Buffer.from('00000000010262', 'hex'));
    await until(async () => (await read(topics.output)).length === 3, 'the records that waited');
    expect(await read(topics.output)).toEqual(['p', 'a', 'b']);
    expect(await read(topics.deadLetters)).toEqual([String(unknown)]);
    await until(() => streams.notReadyReason() === null, 'it is ready');
  } finally {
    await streams.close();
    registry.server.close();
    await broker.leave();
    await rm(stateDir, { recursive: true, force: true });
  }
});
