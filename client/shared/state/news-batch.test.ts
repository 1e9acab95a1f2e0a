import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { NewsBatch } from './news-batch.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function collecting(): { batch: NewsBatch<string>; shown: string[] } {
  const shown: string[] = [''];
  return { batch: new NewsBatch<string>(200, (change) => shown.push(change(shown.at(-1) ?? ''))), shown };
}

const append = (letter: string) => (text: string) => text + letter;

test('the first is applied at once, those that follow together and in order', () => {
  const { batch, shown } = collecting();
  for (const letter of 'abc') batch.add(append(letter));
  expect(shown).toEqual(['', 'a']);
  jest.advanceTimersByTime(200);
  expect(shown).toEqual(['', 'a', 'abc']);
  batch.add(append('d'));
  jest.advanceTimersByTime(199);
  expect(shown.at(-1)).toBe('abc');
  jest.advanceTimersByTime(1);
  expect(shown.at(-1)).toBe('abcd');
});

test('after a quiet spell the next is applied at once again', () => {
  const { batch, shown } = collecting();
  batch.add(append('a'));
  jest.advanceTimersByTime(400);
  batch.add(append('b'));
  expect(shown.at(-1)).toBe('ab');
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(200);
  expect(jest.getTimerCount()).toBe(0);
});

test('where timers stand still, what waits stays bounded', () => {
  const { batch, shown } = collecting();
  for (let index = 0; index < 1_000; index += 1) batch.add(append('x'));
  expect(1_000 - (shown.at(-1) ?? '').length).toBeLessThan(64);
});
