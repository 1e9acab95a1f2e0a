import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { HandFedResults, handFedModel } from '../../../tests/support/hand-fed-results.ts';
import type { StatesUpdate, TimeSeriesUpdate } from '../generated/resolver-types.ts';
import { ConflatingIterator, decodeCursor } from '@tributary/graphql';
import { statesUpdates } from './states-updates.ts';
import { TimeSeriesUpdates } from './time-series-updates.ts';
import { stays } from '../../../tests/support/until.ts';

afterEach(() => void jest.useRealTimers());

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 0, 2, 12);
const MINUTES = { resolution: 'MINUTE', windows: 60, filter: null } as const;

function statesCursor(results: HandFedResults): string {
  const fed = handFedModel({ results });
  fed.model.apply(results.records);
  return (statesUpdates(fed.model, null).nextUpdate() as StatesUpdate).cursor;
}

describe('a cursor that cannot be resumed gives a snapshot', () => {
  const results = new HandFedResults();
  results.state('CA', { ios: 1 });
  results.minute(NOON, 'CA', { ios: 1 });
  const fed = handFedModel({ results });
  fed.model.apply(results.records);
  const valid = statesCursor(results);
  const series = (new TimeSeriesUpdates(fed.model, MINUTES, null).nextUpdate() as TimeSeriesUpdate).cursor;
  const forged = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const good = JSON.parse(Buffer.from(valid, 'base64url').toString()) as Record<string, unknown>;

  test.each([
    ['empty', ''],
    ['no base64', '%%%'],
    ['no JSON', Buffer.from('hello').toString('base64url')],
    ['JSON of something else', forged([1, 2])],
    ['of another format', forged({ ...good, f: 2 })],
    ['of another application', forged({ ...good, a: 'other' })],
    ['with a position that is none', forged({ ...good, p: { 0: -1 } })],
    ['with a partition that is none', forged({ ...good, p: { __proto__x: 1 } })],
    ['of another subscription', series],
    [
      'of partitions that are not there',
      forged({ ...good, p: Object.fromEntries(Array.from({ length: 1_351 }, (_, partition) => [partition, 1])) }),
    ],
    ['endless', 'A'.repeat(100_000)],
  ])('%s', (_, cursor) => {
    const updates = statesUpdates(fed.model, cursor);
    expect(updates.ready()).toBe(true);
    expect(updates.nextUpdate()).toMatchObject({ kind: 'SNAPSHOT', states: { length: 51 } });
  });

  test('of the same series with other arguments', () => {
    for (const other of [
      { ...MINUTES, windows: 61 },
      { ...MINUTES, resolution: 'HOUR' as const },
      { ...MINUTES, filter: ['CA'] as const },
    ]) {
      expect(new TimeSeriesUpdates(fed.model, other, series).nextUpdate()).toMatchObject({ kind: 'SNAPSHOT' });
    }
    expect(new TimeSeriesUpdates(fed.model, MINUTES, series).nextUpdate()).toMatchObject({ kind: 'DELTA', points: [] });
  });

  test('of a series whose newest window begins where none does', () => {
    const fed = handFedModel({ results });
    fed.model.apply([...results.records, results.minute(NOON + 2 * MINUTE, 'CA', { ios: 1 })]);
    const content = JSON.parse(Buffer.from(series, 'base64url').toString()) as Record<string, unknown>;
    const update = new TimeSeriesUpdates(
      fed.model,
      MINUTES,
      forged({ ...content, n: NOON + 1 }),
    ).nextUpdate() as TimeSeriesUpdate;
    expect([update.kind, update.points.filter(({ start }) => Number(start) % MINUTE !== 0)]).toEqual(['SNAPSHOT', []]);
  });

  test('but a valid one does not', () => {
    expect(statesUpdates(fed.model, valid).nextUpdate()).toMatchObject({ kind: 'DELTA', states: [] });
  });
});

describe('on another instance', () => {
  test('an update since the cursor is a delta of just that', () => {
    const results = new HandFedResults();
    for (const code of ['CA', 'TX', 'WY', 'NY']) results.state(code, { ios: 1 });
    const cursor = statesCursor(results);
    results.state('TX', { ios: 2 });
    const other = handFedModel({ results });
    other.model.apply(results.compacted());
    expect(statesUpdates(other.model, cursor).nextUpdate()).toMatchObject({
      kind: 'DELTA',
      states: [{ code: 'TX', devices: { ios: 2 } }],
      totals: { ios: 5 },
    });
  });

  test.each(['there', 'elsewhere'])('windows that expired since the cursor are sent as zeros: resumed %s', (where) => {
    const results = new HandFedResults();
    const fed = handFedModel({ results });
    const wanted = { resolution: 'MINUTE', windows: 1_500, filter: null } as const;
    const old = NOON - 1_390 * MINUTE;
    fed.feed(results.minute(NOON, 'NY', { ios: 1 }), results.minute(old, 'CA', { ios: 7 }));
    const { cursor } = new TimeSeriesUpdates(fed.model, wanted, null).nextUpdate() as TimeSeriesUpdate;
    fed.feed(results.minute(NOON + 60 * MINUTE, 'NY', { ios: 1 }));
    let model = fed.model;
    if (where === 'elsewhere') {
      model = handFedModel({ results }).model;
      // New York's partition first: the expired window is out of date before it is read.
      for (const record of results.compacted().sort((a, b) => b.partition - a.partition)) model.apply([record]);
    }
    const update = new TimeSeriesUpdates(model, wanted, cursor).nextUpdate();
    expect(update?.kind).toBe('DELTA');
    expect(update?.points.find(({ start }) => start === old)).toMatchObject({ devices: { total: 0 } });
  });

  test('a window that expired, and of which compaction has left a tombstone or nothing, is sent as zero', () => {
    for (const left of ['tombstone', 'nothing']) {
      const results = new HandFedResults();
      const fed = handFedModel({ results });
      const wanted = { resolution: 'MINUTE', windows: 1_500, filter: null } as const;
      const old = NOON - 253 * MINUTE;
      fed.feed(results.minute(old, 'CA', { ios: 7 }), results.minute(NOON, 'NY', { ios: 1 }));
      const { cursor } = new TimeSeriesUpdates(fed.model, wanted, null).nextUpdate() as TimeSeriesUpdate;
      results.minute(NOON + 1_188 * MINUTE, 'NY', { ios: 1 });
      results.minute(old, 'CA', null);
      const other = handFedModel({ results });
      other.model.apply(results.compacted().filter(({ value }) => left === 'tombstone' || value !== null));
      other.model.followPositions(
        () => new Map(results.records.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset + 2])),
      );
      const update = new TimeSeriesUpdates(other.model, wanted, cursor).nextUpdate();
      expect([left, update?.kind, update?.points.find(({ start }) => start === old)?.devices.total]).toEqual([
        left,
        'DELTA',
        0,
      ]);
    }
  });

  test('a recreated topic is noticed, although its offsets look known: a snapshot', () => {
    const results = new HandFedResults();
    results.state('CA', { ios: 1 });
    results.state('CA', { ios: 2 });
    results.state('CA', { ios: 3 });
    const cursor = statesCursor(results);
    const other = handFedModel();
    // The new topic's record lies at offset 0, before the cursor's position, and is younger than all that it stands
    // for.
    other.model.apply([{ ...(results.records[0] as (typeof results.records)[0]), timestampMs: Date.UTC(2026, 0, 3) }]);
    other.model.followPositions(
      () => new Map([[`${other.model.changelogOf('states')}-${results.records[0]?.partition}`, 100]]),
    );
    expect(statesUpdates(other.model, cursor).nextUpdate()).toMatchObject({ kind: 'SNAPSHOT' });
  });
});

describe('a cursor from ahead of this instance', () => {
  const results = new HandFedResults();
  const first = results.state('CA', { ios: 1 });
  const second = results.state('CA', { ios: 2 });
  const cursor = statesCursor(results);

  test('waits, and steps forward when the instance has caught up', async () => {
    const fed = handFedModel({ results });
    fed.feed(first);
    const iterator = new ConflatingIterator(fed.model.hub, ['states'], statesUpdates(fed.model, cursor), 50);
    const next = iterator.next();
    let told = false;
    void next.finally(() => (told = true));
    await stays(() => !told, 'it waits', 200);
    fed.feed(second);
    expect((await next).value).toMatchObject({ kind: 'DELTA', states: [], totals: { ios: 2 } });
    await iterator.return();
  });

  test('an instance that has read past it without seeing the record, for it was compacted away, has caught up', () => {
    const fed = handFedModel({ results });
    fed.feed(first);
    fed.model.followPositions(() => new Map([[`${first.topic}-${first.partition}`, second.offset + 2]]));
    const updates = statesUpdates(fed.model, cursor);
    expect(updates.ready()).toBe(true);
    expect(updates.nextUpdate()).toMatchObject({ kind: 'DELTA' });
  });

  test('after five seconds of waiting it is a snapshot', async () => {
    jest.useFakeTimers();
    const fed = handFedModel({ results });
    fed.feed(first);
    const iterator = new ConflatingIterator(fed.model.hub, ['states'], statesUpdates(fed.model, cursor), 50);
    let told = false;
    const next = iterator.next().finally(() => (told = true));
    await jest.advanceTimersByTimeAsync(4_900);
    expect(told).toBe(false);
    await jest.advanceTimersByTimeAsync(3_100);
    expect((await next).value).toMatchObject({ kind: 'SNAPSHOT' });
    await iterator.return();
  });
});

test('a cursor tells nothing of the logins', () => {
  const results = new HandFedResults();
  results.state('CA', { ios: 123_456 });
  const content = decodeCursor(statesCursor(results), 'test-logins', 'states');
  expect(Object.keys(content ?? {}).sort()).toEqual([
    'applicationId',
    'newestStartMs',
    'newestWrittenAtMs',
    'positions',
    'subject',
  ]);
});
