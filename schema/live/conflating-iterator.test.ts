import { afterEach, describe, expect, test } from '@jest/globals';

import { ChangeHub } from './change-hub.ts';
import { ConflatingIterator, UNOBSERVED } from './conflating-iterator.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let hub = new ChangeHub();
afterEach(() => {
  hub.close();
  hub = new ChangeHub();
});

/** A value that changes, and a subscriber to it that is only told of values it has not seen. */
function subject(intervalMs: number) {
  let value = 0;
  let seen = -1;
  let taken = 0;
  const source = {
    take: () => {
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
    const startedAt = performance.now();
    expect(await iterator.next()).toEqual({ done: false, value: 0 });
    expect(performance.now() - startedAt).toBeLessThan(700);
    await sleep(1_050);
    const next = iterator.next();
    const changedAt = performance.now();
    set(7);
    expect(await next).toEqual({ done: false, value: 7 });
    expect(performance.now() - changedAt).toBeLessThan(700);
    await iterator.return();
  });

  test('under steady change at most one update an interval, conflated, ending on the newest', async () => {
    const { iterator, set } = subject(100);
    const startedAt = performance.now();
    const received: number[] = [];
    const reading = (async () => {
      for await (const value of iterator) {
        received.push(value);
        if (value === 60) return;
      }
    })();
    for (let value = 1; value <= 60; value++) {
      set(value);
      await sleep(7);
    }
    await reading;
    expect(received.length).toBeLessThanOrEqual((performance.now() - startedAt) / 95 + 1);
    expect(received).toEqual([...received].sort((a, b) => a - b));
  });

  test('what changed back before it could be told is not told', async () => {
    const { iterator, set } = subject(50);
    await iterator.next();
    const next = iterator.next();
    set(0);
    const outcome = await Promise.race([next.then(() => 'told'), sleep(150).then(() => 'not told')]);
    expect(outcome).toBe('not told');
    set(3);
    expect(await next).toEqual({ done: false, value: 3 });
    await iterator.return();
  });

  test('a subscriber that does not ask costs nothing but its place, however much changes', async () => {
    const { iterator, set, taken } = subject(50);
    await iterator.next();
    for (let value = 1; value <= 10_000; value++) set(value);
    await sleep(60);
    expect(taken()).toBe(1);
    expect(await iterator.next()).toEqual({ done: false, value: 10_000 });
    await iterator.return();
  });
});

describe('leaving', () => {
  test('return() ends a subscriber that waits in a quiet hour, at once', async () => {
    const { iterator } = subject(60_000);
    await iterator.next();
    const pending = iterator.next();
    expect(hub.listenerCount).toBe(1);
    await iterator.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(hub.listenerCount).toBe(0);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('tells once that it was closed, however often it is', async () => {
    let closed = 0;
    const iterator = new ConflatingIterator(hub, ['states'], { take: () => 1 }, 50, { ...UNOBSERVED, closed: () => (closed += 1) });
    await iterator.return();
    await iterator.return();
    await expect(iterator.throw(new Error('gone'))).rejects.toThrow('gone');
    expect(closed).toBe(1);
  });

  test('a source that fails ends the subscription with its error', async () => {
    const iterator = new ConflatingIterator(hub, ['states'], { take: (): number => { throw new Error('broken'); } }, 50);
    await expect(iterator.next()).rejects.toThrow('broken');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(hub.listenerCount).toBe(0);
  });
});

test('a source that is not ready yet is waited for', async () => {
  let ready = false;
  const iterator = new ConflatingIterator(hub, ['states'], { ready: () => ready, take: () => 'update' }, 50);
  const first = iterator.next();
  expect(await Promise.race([first, sleep(80)])).toBeUndefined();
  ready = true;
  expect(await first).toEqual({ done: false, value: 'update' });
  await iterator.return();
});

test('changes of one turn of the event loop wake a subscriber once, and only for its topics', async () => {
  let woken = 0;
  hub.listen(['minutes', 'completeness'], () => (woken += 1));
  hub.notify('states');
  await sleep(5);
  expect(woken).toBe(0);
  hub.notify('minutes');
  hub.notify('states');
  hub.notify('completeness');
  await sleep(5);
  expect(woken).toBe(1);
});
