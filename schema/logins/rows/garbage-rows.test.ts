import { expect, test } from '@jest/globals';

import { COUNTS_BY_STATE, COUNTS_BY_STATE_MINUTE, DATA_QUALITY, QUALITY_KEY } from '../../../processor/logins/names.ts';
import { encodeWindowKey, type InstanceStatus } from '@tributary/streams';
import { handFedModel } from '../../../tests/support/hand-fed-results.ts';
import { dataQualityResult } from '../results/data-quality-result.ts';
import { totalsResult } from '../results/states-result.ts';
import { timeSeriesResult } from '../results/time-series-result.ts';

const MINUTE = 60_000;
/** On a bound of minutes, behind every clock. */
const NOON = Date.parse('2024-07-10T12:00:00Z');
const LAST = Number.MAX_SAFE_INTEGER;
const counts = (more: object): string => JSON.stringify({ ios: 1, android: 0, other: 0, lastLoginAtMs: null, ...more });

test.each<[string, number, string]>([
  ['no JSON', NOON, 'garbage'],
  ['cut off', NOON, counts({}).slice(0, -3)],
  ['null', NOON, 'null'],
  ['a list', NOON, '[1,2]'],
  ['half a login', NOON, counts({ ios: 0.5 })],
  ['less than none', NOON, counts({ android: -1 })],
  ['more than can be summed up', NOON, counts({ ios: LAST })],
  ['1e308', NOON, '{"ios":1e308,"android":0,"other":0,"lastLoginAtMs":null}'],
  ['a login at the end of time', NOON, counts({ lastLoginAtMs: LAST })],
  ['a login of another window', NOON, counts({ lastLoginAtMs: NOON + MINUTE })],
  [
    'a window of the year 9000',
    Date.parse('9000-01-01T00:00:00Z'),
    counts({ lastLoginAtMs: Date.parse('9000-01-01T00:00:01Z') }),
  ],
  ['a window that begins within one', NOON + 1, counts({ lastLoginAtMs: NOON + 2 })],
])(
  'a row of a window that the processor cannot have written, %s, is passed over and counted; the series stays',
  (_, startMs, value) => {
    const fed = handFedModel();
    fed.feed(fed.results.minute(NOON, 'CA', { ios: 3 }));
    fed.feed(fed.results.raw(COUNTS_BY_STATE_MINUTE, 0, encodeWindowKey(startMs, 'CA'), Buffer.from(value)));
    const { points } = timeSeriesResult(fed.model, { from: NOON, to: NOON + MINUTE });
    expect([
      points.map(({ devices }) => devices.total),
      fed.model.tables.minutes.newestStartMs,
      fed.model.unreadable,
    ]).toEqual([[3], NOON, 1]);
  },
);

test('numbers that no sum of GraphQL could hold are passed over: totals, quality, reports', () => {
  const fed = handFedModel();
  const { results, model } = fed;
  fed.feed(
    results.state('CA', { ios: 3 }),
    results.quality(0, { missing: {}, invalid: {}, deadLettered: { NOT_JSON: 2 }, late: 1 }),
  );
  for (const state of ['CA', 'NY'])
    fed.feed(results.raw(COUNTS_BY_STATE, 1, Buffer.from(state), Buffer.from(counts({ ios: LAST }))));
  fed.feed(
    results.raw(
      DATA_QUALITY,
      0,
      Buffer.from(QUALITY_KEY),
      Buffer.from(`{"missing":{},"invalid":{},"deadLettered":{"NOT_JSON":${LAST}},"late":0}`),
    ),
  );
  const status: InstanceStatus = {
    id: 'p1',
    applicationId: 'a',
    guarantee: 'exactly_once',
    topology: '',
    host: 'h',
    startedAtMs: NOON,
    reportedAtMs: NOON,
    threads: 1,
    recordsPerSecond: 1,
    tasks: [],
  };
  for (const more of [{ threads: 1e308 }, { startedAtMs: 1e308 }, { reportedAtMs: LAST }])
    fed.feed(results.status({ ...status, ...more }));
  expect([totalsResult(model).totals.total, dataQualityResult(model).deadLettered, model.unreadable]).toEqual([
    3, 2, 6,
  ]);
});

test('numbers that each could be, and whose sum is none', () => {
  const fed = handFedModel();
  const { results, model } = fed;
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`R${index}`, 50_000_000_000_000]));
  fed.feed(
    results.quality(0, { missing: {}, invalid: {}, deadLettered: { NOT_JSON: 2 }, late: 1 }),
    results.quality(0, { missing: {}, invalid: {}, deadLettered: many, late: 0 }),
  );
  const tasks = Array.from({ length: 300 }, (_, index) => ({
    id: `0_${index}`,
    role: 'ACTIVE' as const,
    state: 'RUNNING' as const,
    inputs: [],
    lag: 50_000_000_000_000,
  }));
  fed.feed(
    results.status({
      id: 'p1',
      applicationId: 'a',
      guarantee: 'exactly_once',
      topology: '',
      host: 'h',
      startedAtMs: Date.now(),
      reportedAtMs: Date.now(),
      threads: 1,
      recordsPerSecond: 1,
      tasks,
    }),
  );
  expect([dataQualityResult(model).deadLettered, model.lag(), model.unreadable]).toEqual([2, null, 2]);
});

test('a tombstone undoes what its row did: windows that were too old for it are counted again', () => {
  const fed = handFedModel();
  const { results } = fed;
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const old = now - 1_440 * MINUTE;
  fed.feed(results.minute(now, 'CA', { ios: 1 }), results.minute(now + 100 * MINUTE, 'TX', { ios: 1 }));
  fed.feed(results.minute(old, 'CA', { ios: 7 }));
  expect(fed.model.tables.minutes.get(old)?.sum.ios ?? 0).toBe(0);
  fed.feed(results.minute(now + 100 * MINUTE, 'TX', null), results.minute(old, 'CA', { ios: 7 }));
  expect(fed.model.tables.minutes.get(old)?.sum.ios).toBe(7);
});
