import { expect, test } from '@jest/globals';
import { statusOf } from './connection.ts';
import type { StatusInput } from './connection.ts';

const live: StatusInput = {
  link: { phase: 'live', transport: 'websocket' },
  browserOnline: true,
  now: 10_000,
  paused: false,
  held: 0,
  complete: true,
  lag: 0,
  recordsPerSecond: 20,
  restoring: null,
  asOf: '2026-01-01T00:00:00.000Z',
  processors: 1,
};

test('live, paused with what is held, and no processor', () => {
  expect(statusOf(live)).toEqual({ kind: 'live' });
  expect(statusOf({ ...live, paused: true, held: 7 })).toEqual({ kind: 'paused', held: 7 });
  expect(statusOf({ ...live, processors: 0 })).toEqual({ kind: 'no-processor' });
  expect(statusOf({ ...live, processors: null })).toEqual({ kind: 'live' });
});

test(
  'reconnecting counts down; from the fourth try, or with the browser offline, it is ' +
    'offline with the age of the data',
  () => {
    const waiting = { phase: 'waiting', attempt: 2, retryAt: 12_400, detail: '' } as const;
    expect(statusOf({ ...live, link: waiting })).toEqual({ kind: 'reconnecting', attempt: 2, inSeconds: 3 });
    expect(statusOf({ ...live, link: { phase: 'connecting', attempt: 2 } })).toEqual({
      kind: 'reconnecting',
      attempt: 2,
      inSeconds: null,
    });
    expect(statusOf({ ...live, link: { ...waiting, attempt: 4 } })).toMatchObject({ kind: 'offline', asOf: live.asOf });
    expect(statusOf({ ...live, link: waiting, browserOnline: false })).toMatchObject({ kind: 'offline' });
  },
);

test('an outage shows through a pause', () => {
  const link = { phase: 'waiting', attempt: 1, retryAt: 11_000, detail: '' } as const;
  expect(statusOf({ ...live, link, paused: true, held: 3 })).toMatchObject({ kind: 'reconnecting' });
  expect(statusOf({ ...live, link: { phase: 'unauthorised' }, paused: true })).toEqual({ kind: 'unauthorised' });
});

test('catching up: an incomplete copy, a restore, or a backlog of more than three seconds of work', () => {
  expect(statusOf({ ...live, complete: false, lag: 12 })).toEqual({ kind: 'catching-up', restoring: null, lag: 12 });
  expect(statusOf({ ...live, restoring: { done: 2, of: 4 } })).toEqual({
    kind: 'catching-up',
    restoring: { done: 2, of: 4 },
    lag: 0,
  });
  expect(statusOf({ ...live, lag: 1_001 }).kind).toBe('catching-up');
  expect(statusOf({ ...live, lag: 1_000 }).kind).toBe('live');
  expect(statusOf({ ...live, lag: 5_000, recordsPerSecond: 10_000 }).kind).toBe('live');
  expect(statusOf({ ...live, lag: null })).toEqual({ kind: 'catching-up', restoring: null, lag: null });
  expect(statusOf({ ...live, lag: null, processors: 0 }).kind).toBe('no-processor');
  expect(statusOf({ ...live, lag: null, processors: null }).kind).toBe('live');
});

test('a page that is just opening does not call itself broken', () => {
  expect(statusOf({ ...live, link: { phase: 'connecting', attempt: 0 } })).toEqual({ kind: 'opening' });
  expect(statusOf({ ...live, complete: null })).toEqual({ kind: 'opening' });
});
