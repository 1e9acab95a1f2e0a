import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { TIMER_STEP_MS } from './shared-timers.ts';
import { ChangeHub } from './change-hub.ts';
import { ConflatingIterator, UNOBSERVED } from './conflating-iterator.ts';

// Time is the test's own: what is due at which moment is exact, on however slow a machine.
let hub: ChangeHub;
beforeEach(() => {
  jest.useFakeTimers();
  hub = new ChangeHub();
});
afterEach(() => {
  hub.close();
  jest.useRealTimers();
});

const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

/** Whether it is told within so much time. */
async function toldWithin(update: Promise<unknown>, ms: number): Promise<boolean> {
  let told = false;
  void update.finally(() => (told = true));
  await pass(ms);
  return told;
}

/** A value that changes, and a subscriber to it that is only told of values it has not seen. */
function subject(intervalMs: number) {
  let value = 0;
  let seen = -1;
  let taken = 0;
  const source = {
    nextUpdate: () => {
      taken += 1;
      if (value === seen) return null;
      return (seen = value);
    },
  };
  return {
    iterator: new ConflatingIterator(hub, ['states'], source, intervalMs),
    set(next: number) {
      value = next;
      hub.notify('states');
    },
    taken: () => taken,
  };
}

describe('pace', () => {
  test('the first update comes at once, and so does a change after a quiet spell', async () => {
    const { iterator, set } = subject(1_000);
    const first = iterator.next();
    expect(await toldWithin(first, 2 * TIMER_STEP_MS)).toBe(true);
    expect(await first).toEqual({ done: false, value: 0 });
    await pass(1_050);
    const next = iterator.next();
    set(7);
    expect(await toldWithin(next, 2 * TIMER_STEP_MS)).toBe(true);
    expect(await next).toEqual({ done: false, value: 7 });
    await iterator.return();
  });

  test('under steady change at most one update an interval, conflated, ending on the newest', async () => {
    const { iterator, set } = subject(100);
    const received: number[] = [];
    const reading = (async () => {
      for await (const value of iterator) {
        received.push(value);
        if (value === 60) return;
      }
    })();
    for (let value = 1; value <= 60; value++) {
      set(value);
      await pass(7);
    }
    await pass(100);
    await reading;
    // One at once, then one each 100 ms of 420, and the newest.
    expect(received.length).toBeLessThanOrEqual(6);
    expect(received).toEqual([...received].sort((a, b) => a - b));
  });

  test('what changed back before it could be told is not told', async () => {
    const { iterator, set } = subject(50);
    const first = iterator.next();
    expect(await toldWithin(first, 2 * TIMER_STEP_MS)).toBe(true);
    const next = iterator.next();
    set(0);
    expect(await toldWithin(next, 150)).toBe(false);
    set(3);
    await pass(2 * TIMER_STEP_MS);
    expect(await next).toEqual({ done: false, value: 3 });
    await iterator.return();
  });

  test('a subscriber that does not ask costs nothing but its place, however much changes', async () => {
    const { iterator, set, taken } = subject(50);
    await Promise.all([iterator.next(), pass(2 * TIMER_STEP_MS)]);
    for (let value = 1; value <= 10_000; value++) set(value);
    await pass(60);
    expect(taken()).toBe(1);
    const next = iterator.next();
    await pass(60);
    expect(await next).toEqual({ done: false, value: 10_000 });
    await iterator.return();
  });
});

describe('leaving', () => {
  test('return() ends a subscriber that waits in a quiet hour, at once', async () => {
    const { iterator } = subject(60_000);
    await Promise.all([iterator.next(), pass(2 * TIMER_STEP_MS)]);
    const pending = iterator.next();
    expect(hub.listenerCount).toBe(1);
    await iterator.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(hub.listenerCount).toBe(0);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('tells once that it was closed, however often it is', async () => {
    let closed = 0;
    const iterator = new ConflatingIterator(hub, ['states'], { nextUpdate: () => 1 }, 50, {
      ...UNOBSERVED,
      closed: () => (closed += 1),
    });
    await iterator.return();
    await iterator.return();
    await expect(iterator.throw(new Error('gone'))).rejects.toThrow('gone');
    expect(closed).toBe(1);
  });

  test('a source that fails ends the subscription with its error', async () => {
    const iterator = new ConflatingIterator(
      hub,
      ['states'],
      {
        nextUpdate: (): number => {
          throw new Error('broken');
        },
      },
      50,
    );
    await expect(iterator.next()).rejects.toThrow('broken');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(hub.listenerCount).toBe(0);
  });
});

test('a source that is not ready yet is waited for', async () => {
  let ready = false;
  const iterator = new ConflatingIterator(hub, ['states'], { ready: () => ready, nextUpdate: () => 'update' }, 50);
  const first = iterator.next();
  expect(await toldWithin(first, 80)).toBe(false);
  ready = true;
  hub.notify('progress');
  await pass(100);
  expect(await first).toEqual({ done: false, value: 'update' });
  await iterator.return();
});

test('a source that is not ready is asked again after a change and at its deadline, and not in between', async () => {
  let asked = 0;
  const source = (readyByMs: number) => ({
    readyByMs,
    ready: () => {
      asked += 1;
      return performance.now() >= readyByMs;
    },
    nextUpdate: () => 'update',
  });
  const iterator = new ConflatingIterator(hub, ['states'], source(performance.now() + 5_000), 50);
  const first = iterator.next();
  await pass(1_000);
  expect(asked).toBe(1);
  hub.notify('minutes');
  await pass(1_000);
  expect(asked).toBe(1);
  hub.notify('states');
  hub.notify('progress');
  expect(await toldWithin(first, 2_900)).toBe(false);
  const askedBefore = asked;
  expect(askedBefore).toBeLessThanOrEqual(2);
  expect(await toldWithin(first, 200)).toBe(true);
  expect(asked).toBe(askedBefore + 1);
  await iterator.return();

  const leaving = new ConflatingIterator(hub, ['states'], source(performance.now() + 60_000), 50);
  const never = leaving.next();
  expect(hub.listenerCount).toBe(2);
  await leaving.return();
  expect([await never, hub.listenerCount]).toEqual([{ done: true, value: undefined }, 0]);
});

test('many subscribers that take long are woken in several turns, each once', async () => {
  const woken: number[] = [];
  let clockMs = performance.now();
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => clockMs);
  for (let index = 0; index < 40; index++) {
    hub.listen(['states'], () => {
      clockMs += 2;
      woken.push(index);
    });
  }
  hub.notify('states');
  const seen: number[] = [];
  setImmediate(() => seen.push(woken.length));
  while (woken.length < 40) await pass(1);
  clock.mockRestore();
  expect(seen[0]).toBeLessThan(10);
  expect(woken).toEqual(Array.from({ length: 40 }, (_, index) => index));
});

test('changes of one turn of the event loop wake a subscriber once, and only for its topics', async () => {
  let woken = 0;
  hub.listen(['minutes', 'completeness'], () => (woken += 1));
  hub.notify('states');
  await pass(5);
  expect(woken).toBe(0);
  hub.notify('minutes');
  hub.notify('states');
  hub.notify('completeness');
  await pass(5);
  expect(woken).toBe(1);
});
