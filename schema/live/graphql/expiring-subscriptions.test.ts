import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { endingAt } from './expiring-subscriptions.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Gives what is sent to it; its own end waits for nothing. */
class Source implements AsyncIterableIterator<string> {
  freed = 0;
  #waiting = Promise.withResolvers<IteratorResult<string>>();

  send(value: string): void {
    this.#waiting.resolve({ done: false, value });
  }

  fail(error: Error): void {
    this.#waiting.reject(error);
  }

  async next(): Promise<IteratorResult<string>> {
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  async return(): Promise<IteratorResult<string>> {
    this.freed += 1;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const LIFE_MS = 1_000;
const ended = { done: true, value: undefined };
const endingSource = () => {
  const source = new Source();
  return { source, results: endingAt(source, Date.now() + LIFE_MS, () => 'last') };
};

test('gives what comes, then the last, then no more; the source is freed at that time, whoever reads', async () => {
  const { source, results } = endingSource();
  const first = results.next();
  source.send('a');
  expect(await first).toEqual({ done: false, value: 'a' });
  jest.advanceTimersByTime(LIFE_MS);
  expect(source.freed).toBe(1);
  expect([await results.next(), await results.next()]).toEqual([{ done: false, value: 'last' }, ended]);
  expect(jest.getTimerCount()).toBe(0);
});

test('gives nothing more by the clock where the alarm is late', async () => {
  const { source, results } = endingSource();
  const waiting = results.next();
  jest.setSystemTime(Date.now() + LIFE_MS);
  source.send('too late');
  expect(await waiting).toEqual({ done: false, value: 'last' });
  expect([source.freed, await results.next()]).toEqual([1, ended]);
});

test('one that waits is told; what comes in the same moment is not', async () => {
  const { source, results } = endingSource();
  const waiting = results.next();
  jest.advanceTimersByTime(LIFE_MS);
  source.send('too late');
  expect(await waiting).toEqual({ done: false, value: 'last' });
  expect(await results.next()).toEqual(ended);
});

test('a source that fails before it is as it was; after it, nobody is told', async () => {
  const before = endingSource();
  const failing = before.results.next();
  before.source.fail(new Error('before'));
  await expect(failing).rejects.toThrow('before');
  expect([await before.results.next(), jest.getTimerCount()]).toEqual([ended, 0]);
  const after = endingSource();
  const waiting = after.results.next();
  jest.advanceTimersByTime(LIFE_MS);
  after.source.fail(new Error('after'));
  expect(await waiting).toEqual({ done: false, value: 'last' });
});

test('one that leaves first frees source and timer, and is told no last one', async () => {
  const { source, results } = endingSource();
  await results.return?.();
  expect([source.freed, jest.getTimerCount(), await results.next()]).toEqual([1, 0, ended]);
});
