import { expect, test } from '@jest/globals';
import { KafkaStreams, serveProcessorHealth, StreamsError } from '@tributary/streams';
import { Registry, type Metric } from 'prom-client';
import { countOf, wordsWith } from '../../examples/4-store-reads/lookup.ts';
import { quietLogger } from '../support/quiet-logger.ts';

/* The code of docs/streams/running.md that needs no broker. */

function notStarted(): KafkaStreams {
  return new KafkaStreams({
    topologyModule: new URL('../../examples/1-word-count/topology.ts', import.meta.url),
    topologyOptions: { input: 'lines', output: 'counts' },
    connection: { brokers: ['127.0.0.1:9092'], clientId: 'word-count' },
    config: { applicationId: 'word-count', stateDir: '.data/examples' },
    logger: quietLogger,
  });
}

test('metrics in a registry of prom-client', async () => {
  const streams = notStarted();
  const registry = new Registry();
  for (const metric of streams.metrics()) {
    registry.registerMetric(metric as unknown as Metric);
  }
  expect(await registry.metrics()).toContain('tributary_ready 0');
});

test('probes of an instance', async () => {
  const streams = notStarted();
  const console = { log: (line: string): void => expect(line).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ready$/) };
  const health = await serveProcessorHealth(streams, { port: 0 });
  console.log(`${health.url}/ready`);
  expect((await fetch(`${health.url}/ready`)).status).toBe(503);
  await health.close();
});

test('a pause before the start, and who listens to restores', () => {
  const streams = notStarted();
  streams.pause();
  expect(streams.isPaused).toBe(true);
  streams.resume();
  expect(streams.isPaused).toBe(false);
  const restored = new Map<string, number>();
  const stopListening = streams.onRestore({
    progress: (event) => restored.set(event.store, event.restored),
  });
  stopListening();
  expect(() => streams.onRestore({ done: () => undefined } as never)).toThrow('done');
});

/** An instance that has the words with these counts, and knows that "there" has all others. */
function instanceWith(counts: ReadonlyMap<string, number>): Pick<KafkaStreams, 'store' | 'queryMetadata'> {
  const view = {
    get: async (word: string) => {
      if (counts.has(word)) return counts.get(word);
      throw new StreamsError('STORE_NOT_HERE', 'the instance there has it');
    },
    prefix: async function* (letters: string) {
      for (const row of counts) if (row[0].startsWith(letters)) yield row;
    },
  };
  return {
    store: () => view as never,
    queryMetadata: () => ({ partition: 0, active: 'there', standbys: [] }),
  };
}

test('a read of a store, or the instance that has the row', async () => {
  const here = instanceWith(
    new Map([
      ['kafka', 2],
      ['kant', 1],
      ['zeno', 1],
    ]),
  );
  expect(await countOf(here, 'kafka')).toEqual({ count: 2 });
  expect(await countOf(here, 'hegel')).toEqual({ askInstance: 'there' });
  expect(await wordsWith(here, 'ka', 1)).toEqual({ kafka: 2 });
  await expect(countOf(notStarted(), 'kafka')).rejects.toMatchObject({ code: 'STORE_NOT_HERE' });
});
