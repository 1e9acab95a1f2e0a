import { expect, test } from '@jest/globals';
import type { StoreAnswer } from '../queries/store-question.ts';
import { ThreadAnswers } from './thread-answers.ts';
import type { FromThread } from './thread-messages.ts';

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
const countOf = (count: number): StoreAnswer => ({ kind: 'count', count });

test('answers of one turn go out in one message, those of a later one in another', async () => {
  const sent: FromThread[] = [];
  const answers = new ThreadAnswers((message) => sent.push(message));
  answers.add(1, countOf(1));
  answers.add(2, countOf(2));
  expect(sent).toEqual([]);
  await nextTick();
  answers.add(3, countOf(3));
  await nextTick();
  const ids = sent.map((message) => (message.kind === 'answers' ? message.answers.map(({ id }) => id) : []));
  expect(ids).toEqual([[1, 2], [3]]);
});

test('one that cannot cross threads fails alone', async () => {
  const sent: FromThread[] = [];
  const answers = new ThreadAnswers((message) => sent.push(structuredClone(message)));
  answers.add(1, countOf(1));
  answers.add(2, { kind: 'global', rows: [[new Uint8Array(), () => undefined]] });
  answers.add(3, countOf(3));
  await nextTick();
  expect(sent.flatMap((message) => (message.kind === 'answers' ? message.answers : []))).toEqual([
    { id: 1, answer: countOf(1) },
    { id: 2, answer: expect.objectContaining({ kind: 'failed', code: 'CONFIG_INVALID' }) as unknown },
    { id: 3, answer: countOf(3) },
  ]);
});
