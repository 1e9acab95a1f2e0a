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

test.each(['stream-time', 'wall-clock'] as const)('by %s, what a call schedules goes in the same round', (clock) => {
  const punctuators = new Punctuators();
  const called: string[] = [];
  punctuators.schedule({ everyMs: 30, clock }, 0, (timeMs) => {
    called.push(`a ${String(timeMs)}`);
    // Of before, by the wall clock as well: it is due.
    punctuators.schedule({ everyMs: 10, clock }, 5, () => called.push('b'));
  });
  punctuators.schedule({ everyMs: 40, clock }, 0, () => called.push('c'));
  punctuators.advance(clock, 51);
  // By stream time all three are due since 0, by the wall clock the new one since 15.
  expect(called).toEqual(clock === 'stream-time' ? ['a 51', 'c', 'b'] : ['a 51', 'b', 'c']);
  punctuators.advance(clock, 51);
  expect(called).toHaveLength(3);
});

test('calls that schedule others without end are an error, in the words of the one that goes too far', () => {
  const punctuators = new Punctuators();
  let calls = 0;
  const again = (): void => {
    calls += 1;
    if (calls > 20_000) return;
    punctuators.schedule({ everyMs: 10, clock: 'stream-time' }, 0, again);
  };
  punctuators.schedule({ everyMs: 10, clock: 'stream-time' }, 0, again);
  expect(() => punctuators.advance('stream-time', 5)).toThrow('schedule: punctuators schedule each other without end');
  expect(calls).toBeLessThan(20_000);
  // What is scheduled outside of a call is not counted with them.
  expect(() => punctuators.schedule({ everyMs: 10, clock: 'stream-time' }, 0, () => undefined)).not.toThrow();
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
