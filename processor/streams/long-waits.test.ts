import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { untilBrokerAnswers } from './kafka/until-broker-answers.ts';
import { LongWaits } from './long-waits.ts';

let lines: { fields: object; text: string }[] = [];
let waits: LongWaits;

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  const quiet = { debug: () => undefined, info: () => undefined, error: () => undefined };
  waits = new LongWaits({ ...quiet, warn: (fields, text) => lines.push({ fields, text }) });
});
afterEach(() => {
  jest.useRealTimers();
});

test('what takes long is one line a minute for all that wait, with what was answered last', () => {
  const tasks = ['task 0_0', 'task 0_1'].map((who) => waits.of(who));
  for (const { step } of tasks) step('its producer');
  jest.advanceTimersByTime(9_000);
  expect([lines, waits.reason]).toEqual([[], null]);

  for (const { unanswered } of tasks) unanswered(new Error('loading'));
  const member = waits.of('the member of the group');
  member.step('a place in the group');
  jest.advanceTimersByTime(2_000);
  expect(lines).toEqual([
    {
      fields: { waiting: ['task 0_0', 'task 0_1', 'the member of the group'] },
      text: expect.stringMatching(/^task 0_0, task 0_1: waiting for 1\d s for its producer \(loading\)$/),
    },
  ]);

  jest.advanceTimersByTime(50_000);
  expect(lines.length).toBe(1);
  expect(waits.reason).toMatch(/its producer \(loading\); the member of the group: waiting for \d+ s for a place in/);
  jest.advanceTimersByTime(10_000);
  expect(lines.length).toBe(2);
});

test('steps that are soon done are told nobody, however many they are', () => {
  const { step, end } = waits.of('task 0_0');
  for (let count = 0; count < 30; count += 1) {
    step(`step ${String(count)}`);
    jest.advanceTimersByTime(5_000);
  }
  expect([lines, waits.reason]).toEqual([[], null]);
  end();
  expect(jest.getTimerCount()).toBe(0);
});

test('a step that is begun again is the same wait: whoever tries once a second waits all the same', () => {
  const { step } = waits.of('the member of the group');
  for (let second = 0; second < 12; second += 1) {
    step('a place in the group');
    jest.advanceTimersByTime(1_000);
  }
  expect(lines.map(({ text }) => text)).toEqual([expect.stringContaining('waiting for 1')]);
});

test('what did not answer and then does is told no more', async () => {
  const { step, unanswered } = waits.of('task 0_0');
  step('its producer');
  const answers = [Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' }), 'an answer'];
  const asked = untilBrokerAnswers(
    new AbortController().signal,
    async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    undefined,
    unanswered,
  );
  await jest.advanceTimersByTimeAsync(50);
  expect(answers).toEqual(['an answer']);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(await asked).toBe('an answer');
  expect(waits.reason).toMatch(/^task 0_0: waiting for 1\d s for its producer$/);
});

test('an end that is told twice, or of what has not begun, ends nothing else', () => {
  const [first, second] = [waits.of('task 0_0'), waits.of('task 0_1')];
  first.end();
  first.unanswered(new Error('late'));
  second.step('its store');
  first.end();
  jest.advanceTimersByTime(20_000);
  expect(lines.map(({ text }) => text)).toEqual([expect.stringContaining('task 0_1: waiting for 1')]);
  second.end();
  expect(waits.reason).toBeNull();
});
