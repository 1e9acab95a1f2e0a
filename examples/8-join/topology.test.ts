import { expect, test } from '@jest/globals';
import { jsonSerde } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { buildTopology, type Click, type Showing, type ShowingOutcome, type User } from './topology.ts';

const TOPICS = { shown: 'shown', clicks: 'clicks', users: 'users', output: 'outcomes' };

function driven() {
  const driver = new TopologyTestDriver(buildTopology(TOPICS), { partitions: { shown: 3, clicks: 3, users: 2 } });
  const outcomes = driver.outputTopic('outcomes', { value: jsonSerde<ShowingOutcome>() });
  return {
    driver,
    showings: driver.inputTopic('shown', { value: jsonSerde<Showing>() }),
    clicks: driver.inputTopic('clicks', { value: jsonSerde<Click>() }),
    users: driver.inputTopic('users', { value: jsonSerde<User>() }),
    outcomes: () => outcomes.read().map(({ key, value, timestampMs }) => ({ key, ...value, timestampMs })),
  };
}

test('a click within the minute is joined at once, with the country that the user has then', async () => {
  const { showings, clicks, users, outcomes } = driven();
  await users.pipe({ key: 'ann', value: { country: 'NL' }, timestampMs: 0 });
  await showings.pipe({ key: 's1', value: { ad: 'shoes', user: 'ann' }, timestampMs: 1_000 });
  expect(outcomes()).toEqual([]);
  await clicks.pipe({ key: 's1', value: { x: 1, y: 2 }, timestampMs: 61_000 });
  expect(outcomes()).toEqual([{ key: 'ann', ad: 'shoes', clicked: true, country: 'NL', timestampMs: 61_000 }]);
});

test('a showing without a click is told once its minute and the grace are over', async () => {
  const { showings, clicks, outcomes } = driven();
  await showings.pipe({ key: 's1', value: { ad: 'shoes', user: 'bob' }, timestampMs: 1_000 });
  await clicks.pipe({ key: 's1', value: { x: 1, y: 2 }, timestampMs: 61_001 });
  expect(outcomes()).toEqual([]);
  // Another showing in the same partition moves time past 1,000 + 60,000 + 5,000.
  await showings.pipe({ key: 's1', value: { ad: 'hats', user: 'bob' }, timestampMs: 66_001 });
  expect(outcomes()).toEqual([{ key: 'bob', ad: 'shoes', clicked: false, country: 'unknown', timestampMs: 1_000 }]);
});

test('showings and clicks meet by their key: their topics have as many partitions', () => {
  expect(() => new TopologyTestDriver(buildTopology(TOPICS), { partitions: { shown: 3, clicks: 2 } })).toThrow('shown');
});
