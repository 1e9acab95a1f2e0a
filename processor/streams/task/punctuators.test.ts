import { expect, test } from '@jest/globals';
import { Punctuators } from './punctuators.ts';

/** apache/kafka PunctuationQueueTest and StreamTaskTest: the figures of streams.md. */
test('stream time is aligned to 0, a jump calls once, and nothing is made up for', () => {
  const punctuators = new Punctuators();
  const called: number[] = [];
  punctuators.schedule({ everyMs: 10, clock: 'stream-time' }, 0, (timeMs) => called.push(timeMs));
  for (const timeMs of [42, 42, 51, 52, 61]) punctuators.advance('stream-time', timeMs);
  expect(called).toEqual([42, 51, 61]);
});

test('the wall clock counts from the moment of scheduling, at most one call an advance', () => {
  const punctuators = new Punctuators();
  const called: number[] = [];
  punctuators.schedule({ everyMs: 10, clock: 'wall-clock' }, 0, (timeMs) => called.push(timeMs));
  for (const timeMs of [9, 10, 20, 55, 59, 60]) punctuators.advance('wall-clock', timeMs);
  expect(called).toEqual([10, 20, 55, 60]);
});

test('several are called in the order in which they are due; one may cancel another, or itself', () => {
  const punctuators = new Punctuators();
  const called: string[] = [];
  punctuators.schedule({ everyMs: 20, clock: 'wall-clock' }, 0, () => called.push('slow'));
  const quick = punctuators.schedule({ everyMs: 10, clock: 'wall-clock' }, 0, () => {
    called.push('quick');
    quick.cancel();
    other.cancel();
  });
  const other = punctuators.schedule({ everyMs: 15, clock: 'wall-clock' }, 0, () => called.push('other'));
  punctuators.advance('wall-clock', 30);
  punctuators.advance('wall-clock', 60);
  expect(called).toEqual(['quick', 'slow', 'slow']);
});

test('what was called is to be committed', () => {
  const punctuators = new Punctuators();
  punctuators.schedule({ everyMs: 10, clock: 'stream-time' }, 0, () => undefined);
  punctuators.advance('stream-time', 5);
  expect(punctuators.hasUncommitted).toBe(true);
  punctuators.committed();
  expect(punctuators.hasUncommitted).toBe(false);
});

test.each([
  [{ everyMs: 0, clock: 'stream-time' }, 'everyMs'],
  [{ everyMs: 1.5, clock: 'stream-time' }, 'everyMs'],
  [{ everyMs: 10, clock: 'moon' }, "'stream-time' or 'wall-clock', not moon"],
])('%j is refused', (schedule, message) => {
  expect(() => new Punctuators().schedule(schedule as never, 0, () => undefined)).toThrow(message);
});
