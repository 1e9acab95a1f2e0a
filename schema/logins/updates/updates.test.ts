import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';

import { MINUTE_WINDOWS, UNATTRIBUTED } from '../../../processor/logins/names.ts';
import { STATE_CODES } from '../../../processor/logins/states.ts';
import type { TableChange } from '@tributary/streams';
import {
  type HandFedModel,
  handFedModel,
  HandFedResults,
  type TestCounts,
} from '../../../tests/support/hand-fed-results.ts';
import { stateResult, totalsResult } from '../results/states-result.ts';
import { defaultEndMs, seriesPoints, timeSeriesResult } from '../results/time-series-result.ts';
import type { State, StatesUpdate, TimeSeriesPoint, TimeSeriesUpdate } from '../generated/resolver-types.ts';
import { statesUpdates } from './states-updates.ts';
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
    // Logins are only ever added: what becomes less is a step back.
    for (const { code, devices } of update.states)
      expect(devices.total).toBeGreaterThanOrEqual(this.states.get(code)?.devices.total ?? 0);
    expect(new Set(update.states.map(({ code }) => code)).size).toBe(update.states.length);
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

/** When, in minutes from noon: mostly near now, some late, some so far ahead that others expire. */
const minutes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 90 }) },
  { weight: 1, arbitrary: fc.integer({ min: -1_450, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: 90, max: 1_600 }) },
);
const login = fc.record({
  key: fc.constantFrom(...CODES),
  minutes,
  device: fc.constantFrom('ios' as const, 'android' as const, 'other' as const),
  times: fc.constantFrom(1, 1, 1, 2),
});
type TestLogin = typeof login extends fc.Arbitrary<infer T> ? T : never;

/**
 * The processor's part: adds logins up and writes rows with absolute values, late ones too, and tombstones for what
 * expired.
 */
class Processor {
  readonly results: HandFedResults;
  readonly #rows = new Map<string, { ios: number; android: number; other: number; lastLoginAtMs: number }>();
  readonly #kept = new Map<number, Set<string>>();
  #newestMs = 0;

  constructor(results: HandFedResults) {
    this.results = results;
  }

  count({ key, minutes: at, device, times }: TestLogin): TableChange[] {
    const atMs = NOON + at * MINUTE;
    // What is delivered twice is counted twice: each record is a login of its own.
    const add = (name: string): TestCounts => {
      const row = this.#rows.get(name) ?? { ios: 0, android: 0, other: 0, lastLoginAtMs: 0 };
      row[device] += times;
      row.lastLoginAtMs = Math.max(row.lastLoginAtMs, atMs);
      this.#rows.set(name, row);
      return { ...row };
    };
    this.#newestMs = Math.max(this.#newestMs, atMs);
    const written = [this.results.state(key, add(key))];
    if (atMs + MINUTE > this.#newestMs - MINUTE_WINDOWS.retentionMs) {
      written.push(this.results.minute(atMs, key, add(`${atMs} ${key}`)));
      this.#kept.set(atMs, (this.#kept.get(atMs) ?? new Set()).add(key));
    }
    return written;
  }

  /** Tombstones of the windows that are behind the retention. */
  expire(): TableChange[] {
    return [...this.#kept]
      .filter(([startMs]) => startMs + MINUTE <= this.#newestMs - MINUTE_WINDOWS.retentionMs)
      .flatMap(([startMs, keys]) => {
        this.#kept.delete(startMs);
        return [...keys].map((key) => this.results.minute(startMs, key, null));
      });
  }
}

function expectSameStates(client: StatesClient, { model }: HandFedModel): void {
  const all = STATE_CODES.map((code) => stateResult(model, code));
  expect(JSON.stringify(STATE_CODES.map((code) => client.states.get(code)))).toBe(JSON.stringify(all));
  expect(client.last).toMatchObject(totalsResult(model));
}

function expectSameSeries(client: SeriesClient, { model }: HandFedModel, { windows, filter }: TimeSeriesSubject): void {
  const newestMs = model.tables.minutes.newestStartMs;
  if (newestMs === null) return;
  const points = seriesPoints(model.tables.minutes, newestMs + MINUTE - windows * MINUTE, newestMs + MINUTE, filter);
  // Compared as text: a matcher takes its time over 1,500 points.
  const text = (all: readonly TimeSeriesPoint[]) =>
    all.map(({ start, devices }) => `${start} ${devices.ios} ${devices.android} ${devices.other}`).join('\n');
  expect(text(client.newest(windows))).toBe(text(points));
}

const subjects = fc.record({
  resolution: fc.constant('MINUTE' as const),
  windows: fc.constantFrom(1, 60, 1_500),
  filter: fc.constantFrom(null, ['CA', 'WY'] as const),
});

/**
 * Batches of logins. `reconnect` resumes with the last cursor: on the same instance, on one that starts now and reads
 * what compaction has left, or on one that is behind and catches up while it is asked.
 */
const runs = fc.array(
  fc.record({
    logins: fc.array(login, { maxLength: 6 }),
    expire: fc.boolean(),
    skip: fc.boolean(),
    reconnect: fc.constantFrom('no', 'no', 'here', 'restarted', 'behind'),
  }),
  { maxLength: 25 },
);
const RUNS = 500;

/** The clock has passed every login: none is dated ahead. */
function afterAllLogins(results?: HandFedResults): HandFedModel {
  const fed = handFedModel(results === undefined ? {} : { results });
  fed.nowMs = NOON + 1_700 * MINUTE;
  return fed;
}

/**
 * Follows `steps` with a client that gets its updates from `subscribe`, and calls `compare` whenever it is up to date.
 */
function follow<U>(
  steps: typeof runs extends fc.Arbitrary<infer T> ? T : never,
  client: { receive(update: U | null): void; readonly last: { readonly cursor: string } | null },
  subscribe: (fed: HandFedModel, after: string | undefined) => { nextUpdate(): U | null; ready(): boolean },
  compare: (fed: HandFedModel) => void,
): void {
  const results = new HandFedResults();
  const processor = new Processor(results);
  let fed = afterAllLogins(results);
  let updates = subscribe(fed, undefined);
  client.receive(updates.nextUpdate());
  for (const { logins, expire, skip, reconnect } of steps) {
    const known = results.records.length;
    const changes = [...logins.flatMap((one) => processor.count(one)), ...(expire ? processor.expire() : [])];
    fed.feed(...changes);
    if (skip) continue;
    if (reconnect === 'restarted') {
      fed = afterAllLogins(results);
      fed.model.apply(results.compacted());
    }
    if (reconnect === 'behind') {
      // The client saw the newest elsewhere, this instance has not read it yet.
      client.receive(updates.nextUpdate());
      fed = afterAllLogins(results);
      fed.model.apply(results.records.slice(0, known));
    }
    if (reconnect !== 'no') updates = subscribe(fed, client.last?.cursor);
    if (reconnect === 'behind') {
      if (!updates.ready()) fed.feed(...changes);
      else if (changes.length > 0) fed.feed(...changes);
      expect(updates.ready()).toBe(true);
    }
    client.receive(updates.nextUpdate());
    compare(fed);
  }
}

describe('a change of a series costs its own rows', () => {
  test('no other window is looked at', () => {
    const fed = handFedModel();
    fed.feed(
      ...Array.from({ length: 1_400 }, (_, index) =>
        fed.results.minute(NOON - index * 60_000, index % 2 === 0 ? 'CA' : 'TX', { ios: 1 }),
      ),
    );
    const { minutes } = fed.model.tables;
    const all = new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 1_500, filter: null }, null);
    const some = new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 1_500, filter: ['CA', 'NY'] }, null);
    for (const updates of [all, some]) updates.nextUpdate();
    fed.feed(fed.results.minute(NOON, 'CA', { ios: 2 }));
    const windows = jest.spyOn(minutes, 'windows');
    const get = jest.spyOn(minutes, 'get');
    for (const updates of [all, some])
      expect(updates.nextUpdate()).toMatchObject({
        kind: 'DELTA',
        points: [{ start: NOON, devices: { ios: 2 } }],
        freshness: { asOf: NOON },
      });
    expect([windows.mock.calls.length, get.mock.calls.length <= 4]).toEqual([0, true]);
  });

  test('and says what looking at all of them would say: 400 changes, of rows, tombstones and time', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const codes = ['CA', 'TX', 'NY'] as const;
    const fed = handFedModel();
    const { minutes } = fed.model.tables;
    const followed = ([null, ['CA'], ['TX', 'NY']] as const).map((filter) => ({
      filter,
      points: new Map<number, number>(),
      updates: new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 90, filter }, null),
    }));
    let latest = NOON;
    for (let step = 0; step < 400; step++) {
      if (random(5) === 0) latest += random(20) * 60_000;
      if (random(100) === 0) latest += 1_600 * 60_000;
      // No login is dated ahead.
      fed.nowMs = latest;
      const startMs = latest - random(80) * 60_000;
      const code = codes[random(3)] as (typeof codes)[number];
      fed.feed(fed.results.minute(startMs, code, random(6) === 0 ? null : { ios: 1 + random(9) }));
      for (const { filter, points, updates } of followed) {
        const update = updates.nextUpdate();
        if (update === null) continue;
        if (update.kind === 'SNAPSHOT') points.clear();
        for (const { start, devices } of update.points) points.set(Number(start), Number(devices.total));
        const toMs = defaultEndMs(fed.model, minutes);
        const counted = (start: number): number =>
          (filter ?? codes).reduce((sum, one) => sum + (minutes.get(start)?.rows.get(one)?.ios ?? 0), 0);
        let newestMs = 0;
        for (let start = toMs - 90 * 60_000; start < toMs; start += 60_000) {
          if ((points.get(start) ?? 0) !== counted(start))
            throw new Error(
              `step ${step}: ${new Date(start).toISOString()} is told as ${points.get(start) ?? 0} and is ` +
                `${counted(start)}`,
            );
          for (const one of filter ?? codes)
            newestMs = Math.max(newestMs, minutes.get(start)?.rows.get(one)?.newestEventMs ?? 0);
        }
        expect([step, update.freshness.asOf ?? 0]).toEqual([step, newestMs]);
      }
    }
  });
});

describe('snapshot and deltas replayed give what a query gives', () => {
  test('states', () => {
    fc.assert(
      fc.property(runs, (steps) => {
        const client = new StatesClient();
        follow(
          steps,
          client,
          (fed, after) => statesUpdates(fed.model, after),
          (fed) => expectSameStates(client, fed),
        );
      }),
      { numRuns: RUNS },
    );
  });

  test('timeSeries, late and expired windows among them', () => {
    fc.assert(
      fc.property(subjects, runs, (subject, steps) => {
        const client = new SeriesClient();
        follow(
          steps,
          client,
          (fed, after) => new TimeSeriesUpdates(fed.model, subject, after),
          (fed) => expectSameSeries(client, fed, subject),
        );
      }),
      { numRuns: RUNS },
    );
  });
});

describe('deltas hold what changed and no more', () => {
  test('states', () => {
    const fed = handFedModel();
    const updates = statesUpdates(fed.model, null);
    expect(updates.nextUpdate()).toMatchObject({ kind: 'SNAPSHOT', states: { length: 51 } });
    fed.feed(fed.results.state('CA', { ios: 1 }), fed.results.state('TX', { ios: 2 }));
    fed.feed(fed.results.state('CA', { ios: 5 }));
    expect(updates.nextUpdate()).toMatchObject({
      kind: 'DELTA',
      states: [{ code: 'CA', devices: { ios: 5 } }, { code: 'TX' }],
      totals: { ios: 7 },
    });
    expect(updates.nextUpdate()).toBeNull();
    fed.feed(fed.results.state(UNATTRIBUTED, { other: 3 }));
    expect(updates.nextUpdate()).toMatchObject({
      kind: 'DELTA',
      states: [],
      unattributed: { other: 3 },
      totals: { total: 10 },
    });
  });

  test('timeSeries: late windows however old, new windows with the empty ones between, nothing of other states', () => {
    const fed = afterAllLogins();
    const { results } = fed;
    const startsOf = (update: TimeSeriesUpdate | null) => update?.points.map(({ start }) => (start - NOON) / MINUTE);
    fed.feed(results.minute(NOON, 'CA', { ios: 1 }));
    const all = new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 5, filter: null }, null);
    const texas = new TimeSeriesUpdates(fed.model, { resolution: 'MINUTE', windows: 5, filter: ['TX'] }, null);
    expect(startsOf(all.nextUpdate())).toEqual([-4, -3, -2, -1, 0]);
    texas.nextUpdate();
    fed.feed(results.minute(NOON - 120 * MINUTE, 'CA', { ios: 1 }), results.minute(NOON, 'CA', { ios: 2 }));
    expect(startsOf(all.nextUpdate())).toEqual([-120, 0]);
    expect(texas.nextUpdate()).toBeNull();
    fed.feed(results.minute(NOON + 3 * MINUTE, 'CA', { ios: 1 }));
    expect(startsOf(all.nextUpdate())).toEqual([1, 2, 3]);
    expect(startsOf(texas.nextUpdate())).toEqual([1, 2, 3]);
    fed.feed(results.minute(NOON + 100 * MINUTE, 'CA', { ios: 1 }));
    expect(startsOf(all.nextUpdate())).toEqual([96, 97, 98, 99, 100]);
  });

  test(
    'timeSeries: a login that is dated ahead is told, and empties no range; the windows up ' +
      'to it come with the clock',
    () => {
      const fed = handFedModel();
      const { results } = fed;
      const startsOf = (update: TimeSeriesUpdate | null) => update?.points.map(({ start }) => (start - NOON) / MINUTE);
      const subject = { resolution: 'MINUTE', windows: 3, filter: null } as const;
      fed.feed(
        results.minute(NOON - MINUTE, 'CA', { ios: 1 }),
        results.minute(NOON, 'CA', { ios: 1 }),
        results.minute(NOON + 59 * MINUTE, 'TX', { ios: 1 }),
      );
      const before = timeSeriesResult(fed.model, {});
      expect([before.to - NOON, before.points.at(-1)?.devices.ios]).toEqual([MINUTE, 1]);
      const updates = new TimeSeriesUpdates(fed.model, subject, null);
      const first = updates.nextUpdate();
      expect(startsOf(first)).toEqual([-2, -1, 0]);
      fed.feed(results.minute(NOON + 58 * MINUTE, 'TX', { ios: 1 }));
      expect(startsOf(updates.nextUpdate())).toEqual([58]);
      fed.nowMs += 2 * MINUTE;
      expect(startsOf(updates.nextUpdate())).toEqual([1, 2]);
      // What the first answer left out is told when its time has come, also to one that resumes.
      fed.nowMs += 57 * MINUTE;
      const resumed = new TimeSeriesUpdates(fed.model, subject, first?.cursor);
      expect(startsOf(resumed.nextUpdate())?.filter((minute) => minute >= 0)).toEqual([57, 58, 59]);
      expect(updates.nextUpdate()?.points.at(-1)).toMatchObject({ start: NOON + 59 * MINUTE, devices: { ios: 1 } });
    },
  );

  test('the first login after nothing gives a new snapshot: the old range hung on the clock', () => {
    const fed = handFedModel();
    const updates = new TimeSeriesUpdates(fed.model, { resolution: 'HOUR', windows: 3, filter: null }, null);
    const first = updates.nextUpdate();
    expect(first).toMatchObject({ kind: 'SNAPSHOT', points: { length: 3 } });
    fed.feed(fed.results.hour(Date.UTC(2024, 5, 1), 'CA', { ios: 1 }));
    expect(updates.nextUpdate()).toMatchObject({
      kind: 'SNAPSHOT',
      points: [{}, {}, { start: Date.UTC(2024, 5, 1), devices: { ios: 1 } }],
    });
    expect(
      new TimeSeriesUpdates(fed.model, { resolution: 'HOUR', windows: 3, filter: null }, first?.cursor).nextUpdate(),
    ).toMatchObject({ kind: 'SNAPSHOT' });
  });

  test('a copy that stays incomplete is told, and one that only wavers is not', () => {
    const fed = handFedModel();
    const updates = statesUpdates(fed.model, null);
    updates.nextUpdate();
    fed.nowMs += 5_000;
    fed.model.tick();
    fed.model.setTableState({ caughtUpOnce: true, complete: false, reason: 'catching up' });
    fed.model.tick();
    expect(updates.nextUpdate()).toBeNull();
    fed.nowMs += 5_000;
    fed.model.tick();
    expect(updates.nextUpdate()).toMatchObject({ kind: 'DELTA', states: [], freshness: { complete: false } });
    expect(updates.nextUpdate()).toBeNull();
  });
});

describe('a recreated topic', () => {
  test('gives running subscribers a snapshot', () => {
    const fed = handFedModel();
    const change = fed.results.state('CA', { ios: 5 });
    fed.feed(change);
    const updates = statesUpdates(fed.model, null);
    updates.nextUpdate();
    fed.model.reset(change.topic, change.partition);
    expect(updates.nextUpdate()).toMatchObject({ kind: 'SNAPSHOT', totals: { total: 0 } });
  });
});
