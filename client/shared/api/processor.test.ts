import { expect, test } from '@jest/globals';
import { restoringOf } from './processor.ts';
import type { Instance, Processor, Task } from './processor.ts';

test('restore progress counts active tasks of living instances', () => {
  const task = (id: string, state: 'RUNNING' | 'RESTORING', role: 'ACTIVE' | 'STANDBY' = 'ACTIVE'): Task => ({
    id,
    role,
    state,
    inputs: [],
    lag: 0,
    restore: null,
  });
  const instance = (alive: boolean, tasks: readonly Task[]): Instance => ({
    id: 'i',
    host: 'h',
    startedAt: '',
    reportedAt: '',
    alive,
    threads: 1,
    recordsPerSecond: 0,
    tasks,
  });
  const processor = (instances: Processor['instances']): Processor => ({
    applicationId: 'a',
    guarantee: 'g',
    topology: '',
    lag: 0,
    instances,
  });
  expect(
    restoringOf(processor([instance(true, [task('0_0', 'RUNNING')]), instance(false, [task('0_1', 'RESTORING')])])),
  ).toBeNull();
  expect(
    restoringOf(
      processor([
        instance(true, [task('0_0', 'RUNNING'), task('0_1', 'RESTORING'), task('0_2', 'RESTORING', 'STANDBY')]),
      ]),
    ),
  ).toEqual({ done: 1, of: 2 });
});
