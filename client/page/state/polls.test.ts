import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Polls } from './polls.ts';

let asked: string[];
let polls: Polls;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  asked = [];
  polls = new Polls(5_000);
});
afterEach(() => {
  jest.useRealTimers();
});

const note = (name: string) => () => Promise.resolve(void asked.push(name));

/** Lets the clock of the page tick to that second, once a second. */
async function until(second: number): Promise<void> {
  while (Date.now() < second * 1_000) {
    await jest.advanceTimersByTimeAsync(1_000);
    polls.run(Date.now());
    await jest.advanceTimersByTimeAsync(0);
  }
}

test('a question is asked at once, and again some time after its answer', async () => {
  polls.set('page', 'a', note('a'));
  polls.run(0);
  await until(12);
  expect(asked).toEqual(['a', 'a', 'a']);
});

test('one of another key takes its place at once; null ends it', async () => {
  polls.set('page', 'a', note('a'));
  polls.run(0);
  await until(1);
  polls.set('page', 'b', note('b'));
  polls.set('page', 'b', note('never'));
  await until(2);
  polls.set('page', null, note('never'));
  await until(20);
  expect(asked).toEqual(['a', 'b']);
});

test('a question that is answered once is not asked again; one that fails is', async () => {
  let fails = true;
  polls.set(
    'model',
    'model',
    () => {
      asked.push('model');
      return fails ? Promise.reject(new Error('away')) : Promise.resolve();
    },
    null,
  );
  polls.run(0);
  await until(4);
  fails = false;
  await until(30);
  expect(asked).toEqual(['model', 'model']);
});

test('nobody is asked twice at a time, and a late answer knows that it is not wanted any more', async () => {
  let answer = (): void => undefined;
  const wanted: boolean[] = [];
  polls.set('page', 'a', async (isCurrent) => {
    asked.push('a');
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    wanted.push(isCurrent());
  });
  polls.run(0);
  await until(20);
  expect(asked).toEqual(['a']);
  polls.set('page', 'b', note('b'));
  answer();
  await until(21);
  expect([wanted, asked]).toEqual([[false], ['a', 'b']]);
});
