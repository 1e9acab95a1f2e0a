import { expect, test } from '@jest/globals';
import type { LogLine } from '../support/app-process.ts';
import { OffsetWatch } from '../support/offset-watch.ts';
import { OwnerWatch, sharedTwice } from '../support/owner-watch.ts';
import { until } from '../support/until.ts';

/*
 * The witnesses of the chaos suites must notice what they are there for: in a good runtime they never have anything to
 * say.
 */

function offsetsOf(looks: readonly (readonly (readonly [string, number])[] | Error)[]): OffsetWatch {
  const left = [...looks];
  let last = left[0] ?? [];
  return new OffsetWatch({
    look: async () => {
      last = left.shift() ?? last;
      if (last instanceof Error) throw last;
      return last;
    },
    close: async () => undefined,
  });
}

test('an offset that goes back is noticed, also behind a broker that was away', async () => {
  const watch = offsetsOf([
    [
      ['a-0', 5],
      ['a-1', 3],
    ],
    [
      ['a-0', 7],
      ['a-1', 3],
    ],
    new Error('away'),
    [
      ['a-0', 6],
      ['a-1', 4],
    ],
  ]);
  await watch.reached('a-1', 4);
  await watch.stop();
  expect(watch.regressions).toEqual(['a-0 went back from 7 to 6']);
  expect(watch.largestStep).toBe(2);
});

test('a partition that does not move is named', async () => {
  const watch = offsetsOf([
    [
      ['a-0', 5],
      ['a-1', 3],
    ],
    [
      ['a-0', 6],
      ['a-1', 3],
    ],
  ]);
  await expect(
    watch.moved(
      ['a-0', 'a-1'],
      new Map([
        ['a-0', 5],
        ['a-1', 3],
      ]),
      200,
    ),
  ).rejects.toThrow(/in vain: a new commit of a-1/);
  await watch.stop();
});

test('a task that two processes run for longer than their status may be old is noticed, a hand-over is n', async () => {
  let second = ['0_1'];
  const says = (tasks: () => readonly string[]) => ({ lags: async () => new Map(tasks().map((task) => [task, 0])) });
  const watch = new OwnerWatch(() => [says(() => ['0_0']), says(() => second)], 2_000);
  const looks = async (): Promise<void> => {
    const before = watch.looks;
    await until(() => watch.looks >= before + 2, 'it looks');
  };
  second = ['0_0', '0_1'];
  await looks();
  second = ['0_1'];
  await looks();
  expect(watch.twice).toEqual([]);
  second = ['0_0', '0_1'];
  await until(() => watch.twice.length > 0, 'it is noticed');
  await watch.stop();
  expect(new Set(watch.twice)).toEqual(new Set(['task 0_0 is run by two processes']));
});

test('a partition that one generation gives to two members is noticed; the same member come back is not', () => {
  const member = (processId: string, generation: number, partitions: readonly number[]) => ({
    port: 1,
    logged: (text: string | RegExp): LogLine[] =>
      text === 'took a slot'
        ? [{ msg: '', processId }]
        : [{ msg: '', thread: 'one', generation, assignment: { input: partitions } }],
  });
  expect(sharedTwice([member('a', 1, [0]), member('a', 1, [0]), member('b', 1, [1]), member('b', 2, [0])])).toEqual([]);
  expect(sharedTwice([member('a', 1, [0, 1]), member('b', 1, [1])])).toEqual([
    'input-1 in generation 1 was given to two members',
  ]);
});
