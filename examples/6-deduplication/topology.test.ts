import { expect, test } from '@jest/globals';
import { stringSerde } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { buildTopology } from './topology.ts';

const HOUR_MS = 3_600_000;

function driven() {
  const topology = buildTopology({ input: 'events', output: 'once', rememberedMs: HOUR_MS });
  const driver = new TopologyTestDriver(topology, { partitions: { events: 2, once: 2 } });
  const events = driver.inputTopic('events', { value: stringSerde });
  const once = driver.outputTopic('once', { value: stringSerde });
  const send = (id: string, value: string, timestampMs: number) => events.pipe({ key: id, value, timestampMs });
  return { driver, send, passed: () => once.read().map(({ key, value }) => `${String(key)} ${String(value)}`) };
}

test('an event that comes again within the time is left out, also one that is out of order', async () => {
  const { send, passed } = driven();
  await send('a', 'first', HOUR_MS);
  await send('a', 'again', HOUR_MS + 5);
  await send('a', 'before it', HOUR_MS - 5);
  await send('b', 'another', HOUR_MS);
  await send('a', 'much later', 2 * HOUR_MS + 1);
  expect(passed()).toEqual(['a first', 'b another', 'a much later']);
});

test('ids are forgotten, so that the store does not grow for ever', async () => {
  const { driver, send } = driven();
  await send('a', '', 0);
  await send('a', '', 10 * HOUR_MS);
  expect(driver.rows('passed')).toMatchObject([{ key: 'a', startMs: 10 * HOUR_MS }]);
});
