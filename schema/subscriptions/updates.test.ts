import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { UNATTRIBUTED } from '../../processor/logins/names.ts';
import { STATE_CODES } from '../../processor/logins/states.ts';
import type { TableChange } from '../../processor/streams/table/global-table-types.ts';
import { type HandFedModel, handFedModel, HandFedResults, type TestCounts } from '../../tests/support/hand-fed-results.ts';
import { stateAnswer, totalsAnswer } from '../answers/state-answers.ts';
import { seriesPoints } from '../answers/time-series-answers.ts';
import type { State, StatesUpdate, TimeSeriesPoint, TimeSeriesUpdate } from '../generated/resolver-types.ts';
import { StatesUpdates } from './states-updates.ts';
import { TimeSeriesUpdates, type TimeSeriesSubject } from './time-series-updates.ts';

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 0, 2, 12);
const CODES = ['CA', 'TX', 'WY', UNATTRIBUTED] as const;

/** What a client does with updates: a snapshot replaces, a delta is merged by key. */
class StatesClient {
  states = new Map<string, State>();
  last: StatesUpdate | null = null;

  receive(update: StatesUpdate | null): void {
    if (update === null) return;
    if (update.kind === 'SNAPSHOT') this.states.clear();
    for (const state of update.states) this.states.set(state.code, state);
    this.last = update;
  }
}

class SeriesClient {
  points = new Map<number, TimeSeriesPoint>();
  last: TimeSeriesUpdate | null = null;

  receive(update: TimeSeriesUpdate | null): void {
    if (update === null) return;
    if (update.kind === 'SNAPSHOT') this.points.clear();
    for (const point of update.points) this.points.set(point.start, point);
    this.last = update;
  }

  newest(count: number): TimeSeriesPoint[] {
    return [...this.points.values()].sort((a, b) => a.start - b.start).slice(-count);
  }
}

type Change = { readonly feed: 'state' | 'minute'; readonly key: (typeof CODES)[number]; readonly minutes: number; readonly counts: TestCounts; readonly gone: boolean };

const change: fc.Arbitrary<Change> = fc.record({
  feed: fc.constantFrom('state', 'minute', 'minute'),
  key: fc.constantFrom(...CODES),
  // Mostly near now, some late, some jumping ahead so that others expire.
  minutes: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 90 }) }, { weight: 1, arbitrary: fc.integer({ min: -1_450, max: 0 }) }, { weight: 1, arbitrary: fc.integer({ min: 90, max: 1_600 }) }),
  counts: fc.record({ ios: fc.nat({ max: 9 }), android: fc.nat({ max: 9 }), other: fc.nat({ max: 9 }) }),
  gone: fc.boolean().map((roll) => roll),
});

function write(results: HandFedResults, { feed, key, minutes, counts, gone }: Change): TableChange {
  if (feed === 'state') return results.state(key, { ...counts, lastLoginAtMs: NOON + minutes * MINUTE });
  // Tombstones come for old windows only, as the processor writes them.
  return results.minute(NOON + minutes * MINUTE, key, gone && minutes < -1_300 ? null : counts);
}

function expectSameStates(client: StatesClient, { model }: HandFedModel): void {
  const all = STATE_CODES.map((code) => stateAnswer(model, code));
  expect(JSON.stringify(STATE_CODES.map((code) => client.states.get(code)))).toBe(JSON.stringify(all));
  expect(client.last).toMatchObject(totalsAnswer(model));
}

function expectSameSeries(client: SeriesClient, { model }: HandFedModel, { windows, filter }: TimeSeriesSubject): void {
  const newestMs = model.minutes.newestStartMs;
  if (newestMs === null) return;
  const points = seriesPoints(model.minutes, newestMs + MINUTE - windows * MINUTE, newestMs + MINUTE, filter);
  // Compared as text: a matcher takes its time over 1,500 points.
  const text = (all: readonly TimeSeriesPoint[]) => all.map(({ start, devices }) => `${start} ${devices.ios} ${devices.android} ${devices.other}`).join('\n');
  expect(text(client.newest(windows))).toBe(text(points));
}

const subjects = fc.record({
  resolution: fc.constant('MINUTE' as const),
  windows: fc.constantFrom(1, 60, 1_500),
  filter: fc.constantFrom(null, ['CA', 'WY'] as const),
});

/** Batches of changes; `reconnect` drops the subscription and resumes it with the last cursor, there or elsewhere. */
const runs = fc.array(fc.record({ changes: fc.array(change, { maxLength: 6 }), skip: fc.boolean(), reconnect: fc.constantFrom('no', 'no', 'here', 'elsewhere') }), { maxLength: 25 });

/** Another instance, started just now: it read what compaction has left. */
function anotherInstance(results: HandFedResults): HandFedModel {
  const other = handFedModel({ results });
  other.model.apply(results.compacted());
  return other;
}

describe('snapshot and deltas replayed give what a query gives', () => {
  test('states', () => {
    fc.assert(
      fc.property(runs, (steps) => {
        const results = new HandFedResults();
        let fed = handFedModel({ results });
        const client = new StatesClient();
        let updates = new StatesUpdates(fed.model, null);
        client.receive(updates.take());
        for (const { changes, skip, reconnect } of steps) {
          fed.feed(...changes.map((one) => write(results, one)));
          if (skip) continue;
          if (reconnect === 'elsewhere') fed = anotherInstance(results);
          if (reconnect !== 'no') {
            updates = new StatesUpdates(fed.model, client.last?.cursor);
            const update = updates.take();
            expect(update?.kind).toBe('DELTA');
            client.receive(update);
          } else {
            client.receive(updates.take());
          }
          expectSameStates(client, fed);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('timeSeries, late and expired windows among them', () => {
    fc.assert(
      fc.property(subjects, runs, (subject, steps) => {
        const results = new HandFedResults();
        let fed = handFedModel({ results });
        const client = new SeriesClient();
        let updates = new TimeSeriesUpdates(fed.model, subject, null);
        client.receive(updates.take());
        for (const { changes, skip, reconnect } of steps) {
          fed.feed(...changes.map((one) => write(results, one)));
          if (skip) continue;
          if (reconnect === 'elsewhere') fed = anotherInstance(results);
          if (reconnect !== 'no') updates = new TimeSeriesUpdates(fed.model, subject, client.last?.cursor);
          client.receive(updates.take());
          expectSameSeries(client, fed, subject);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('deltas hold what changed and no more', () => {
  test('states', () => {
    const fed = handFedModel();
    const updates = new StatesUpdates(fed.model, null);
    expect(updates.take()).toMatchObject({ kind: 'SNAPSHOT', states: { length: 51 } });
    fed.feed(fed.results.state('CA', { ios: 1 }), fed.results.state('TX', { ios: 2 }));
    fed.feed(fed.results.state('CA', { ios: 5 }));
    expect(updates.take()).toMatchObject({ kind: 'DELTA', states: [{ code: 'CA', devices: { ios: 5 } }, { code: 'TX' }], totals: { ios: 7 } });
    expect(updates.take()).toBeNull();
    fed.feed(fed.results.state(UNATTRIBUTED, { other: 3 }));
    expect(updates.take()).toMatchObject({ kind: 'DELTA', states: [], unattributed: { other: 3 }, totals: { total: 10 } });
  });

  test('timeSeries: late windows however old, new windows with the empty ones between, nothing of other states', () => {
    const fed = handFedModel();
    const { results } = fed;
    const startsOf = (update: TimeSeriesUpdate | null) => update?.points.map(({ start }) => (start - NOON) / MINUTE);
    fed.feed(results.minute(NOON, 'CA', { ios: 1 }));
    const all = new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 5, filter: null }, null);
    const texas = new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 5, filter: ['TX'] }, null);
    expect(startsOf(all.take())).toEqual([-4, -3, -2, -1, 0]);
    texas.take();
    fed.feed(results.minute(NOON - 120 * MINUTE, 'CA', { ios: 1 }), results.minute(NOON, 'CA', { ios: 2 }));
    expect(startsOf(all.take())).toEqual([-120, 0]);
    expect(texas.take()).toBeNull();
    fed.feed(results.minute(NOON + 3 * MINUTE, 'CA', { ios: 1 }));
    expect(startsOf(all.take())).toEqual([1, 2, 3]);
    expect(startsOf(texas.take())).toEqual([1, 2, 3]);
    fed.feed(results.minute(NOON + 100 * MINUTE, 'CA', { ios: 1 }));
    expect(startsOf(all.take())).toEqual([96, 97, 98, 99, 100]);
  });

  test('the first login after nothing gives a new snapshot: the old range hung on the clock', () => {
    const fed = handFedModel();
    const updates = new TimeSeriesUpdates(fed.model, { resolution: 'HOUR', windows: 3, filter: null }, null);
    const first = updates.take();
    expect(first).toMatchObject({ kind: 'SNAPSHOT', points: { length: 3 } });
    fed.feed(fed.results.hour(Date.UTC(2024, 5, 1), 'CA', { ios: 1 }));
    expect(updates.take()).toMatchObject({ kind: 'SNAPSHOT', points: [{}, {}, { start: Date.UTC(2024, 5, 1), devices: { ios: 1 } }] });
    expect(new TimeSeriesUpdates(fed.model, { resolution: 'HOUR', windows: 3, filter: null }, first?.cursor).take()).toMatchObject({ kind: 'SNAPSHOT' });
  });

  test('a copy that stays incomplete is told, and one that only wavers is not', () => {
    const fed = handFedModel();
    const updates = new StatesUpdates(fed.model, null);
    updates.take();
    fed.nowMs += 5_000;
    fed.model.tick();
    fed.model.setTableState({ caughtUpOnce: true, complete: false, reason: 'catching up' });
    fed.model.tick();
    expect(updates.take()).toBeNull();
    fed.nowMs += 5_000;
    fed.model.tick();
    expect(updates.take()).toMatchObject({ kind: 'DELTA', states: [], freshness: { complete: false } });
    expect(updates.take()).toBeNull();
  });
});

describe('a recreated topic', () => {
  test('gives running subscribers a snapshot', () => {
    const fed = handFedModel();
    const change = fed.results.state('CA', { ios: 5 });
    fed.feed(change);
    const updates = new StatesUpdates(fed.model, null);
    updates.take();
    fed.model.reset(change.topic, change.partition);
    expect(updates.take()).toMatchObject({ kind: 'SNAPSHOT', totals: { total: 0 } });
  });
});
