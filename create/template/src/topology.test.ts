import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { MINUTE_MS, VIEWS_TOPIC } from './names.ts';
import { buildTopology } from './topology.ts';

const view = (page: string, user: string, minute = 0) => ({
  key: user,
  value: JSON.stringify({ page, user }),
  timestampMs: Date.UTC(2026, 0, 1) + minute * MINUTE_MS,
});

test('views are counted by page, and by page and minute', async () => {
  const driver = new TopologyTestDriver(buildTopology());
  await driver.pipe(VIEWS_TOPIC, view('/', 'ann'), view('/', 'bob'), view('/docs', 'ann'), view('/', 'cleo', 1));
  assert.deepEqual(
    driver.rows('pages').map(({ key, value }) => [key, value]),
    [
      ['/', { views: 3, lastUser: 'cleo' }],
      ['/docs', { views: 1, lastUser: 'ann' }],
    ],
  );
  // By key, then by minute.
  assert.deepEqual(
    driver.rows('page-minutes').map(({ key, value }) => [key, value]),
    [
      ['/', { views: 2 }],
      ['/', { views: 1 }],
      ['/docs', { views: 1 }],
    ],
  );
});

test('what is no view is a dead letter', async () => {
  const driver = new TopologyTestDriver(buildTopology());
  await driver.pipe(VIEWS_TOPIC, { key: 'ann', value: 'no JSON' }, view('/', 'ann'));
  assert.equal(driver.output(`${VIEWS_TOPIC}-dlq`).length, 1);
  assert.equal(driver.rows('pages').length, 1);
});
