import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaStreams } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { until } from '../../../../tests/support/until.ts';

/*
 * A release goes on where the one before it stopped: with what it had, and with what is new.
 */

const PREFIX = 'upgraded';
const APPLICATION = 'upgraded-app';
const PARTITIONS = 2;
let broker: SharedBroker;
let directory: string;

beforeAll(async () => {
  broker = await sharedBroker();
  directory = await mkdtemp(join(tmpdir(), 'tributary-upgrade-'));
  await broker.createTopics(
    ...['words', 'counts', 'clicks', 'upper'].map((name) => ({ topic: `${PREFIX}-${name}`, partitions: PARTITIONS })),
  );
});
afterAll(async () => {
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

const publish = (topic: string, ...words: readonly string[]): Promise<void> =>
  publishOnce(broker.connection, {
    topic: `${PREFIX}-${topic}`,
    messages: words.map((value) => ({ key: value, value })),
  });

async function running(release: 'first' | 'next', work: (streams: KafkaStreams) => Promise<void>): Promise<void> {
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/released-topology.ts', import.meta.url),
    topologyOptions: { release, prefix: PREFIX },
    connection: broker.connection,
    config: { applicationId: APPLICATION, stateDir: directory, statusIntervalMs: 100 },
    logger: quietLogger,
  });
  try {
    await streams.start();
    await work(streams);
  } finally {
    await streams.close();
  }
}

/** All rows of a store, once their sum is this. */
async function rowsOf(streams: KafkaStreams, store: string, sum: number): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  await until(
    async () => {
      if (streams.failure !== undefined) throw streams.failure;
      for (const key of Object.keys(rows)) delete rows[key];
      try {
        for await (const [key, value] of streams.store<number>(store).all()) rows[key] = value;
      } catch {
        return false;
      }
      return Object.values(rows).reduce((all, value) => all + value, 0) === sum;
    },
    `the rows of ${store} come to ${String(sum)}`,
  );
  return rows;
}

test('a release in another order, with more stores, sources, steps and outputs', async () => {
  await publish('words', 'a', 'b', 'a', '');
  await running('first', async (streams) => {
    expect(await rowsOf(streams, 'counts', 4)).toEqual({ a: 2, b: 1, '': 1 });
    expect(await rowsOf(streams, 'by-key', 4)).toEqual({ a: 2, b: 1, '': 1 });
  });
  await publish('words', 'a', 'c', '');
  await publish('clicks', 'x', 'x');
  await running('next', async (streams) => {
    expect(await rowsOf(streams, 'counts', 6)).toEqual({ a: 3, b: 1, '': 1, c: 1 });
    expect(await rowsOf(streams, 'by-key', 7)).toEqual({ a: 3, b: 1, '': 2, c: 1 });
    // What is new begins where the release does; a new source at the beginning of its topic.
    expect(await rowsOf(streams, 'since-the-release', 2)).toEqual({ a: 1, c: 1 });
    expect(await rowsOf(streams, 'clicks', 2)).toEqual({ x: 2 });
  });
  const upper = await readTopic(broker.connection, `${PREFIX}-upper`);
  expect(
    upper.partitions
      .flat()
      .map(({ value }) => String(value))
      .sort(),
  ).toEqual(['', 'A', 'C']);
  // The release before would leave the new stores behind: it is refused, and says why.
  await expect(running('first', async () => undefined)).rejects.toMatchObject({
    code: 'TOPOLOGY_CHANGED',
    message: expect.stringContaining('before, none now') as unknown,
  });
});
