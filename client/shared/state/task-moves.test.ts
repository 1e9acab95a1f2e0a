import { expect, test } from '@jest/globals';
import { followTasks, movedAgoMs } from './task-moves.ts';
import type { Instance, Processor } from '../api/processor.ts';

function instance(id: string, ...taskIds: string[]): Instance {
  const tasks = taskIds.map((task) => ({
    id: task,
    role: 'ACTIVE' as const,
    state: 'RUNNING' as const,
    inputs: [],
    lag: 0,
    restore: null,
  }));
  return { id, host: id, startedAt: '', reportedAt: '', alive: true, threads: 1, recordsPerSecond: 0, tasks };
}

function report(...instances: Instance[]): Processor {
  return { applicationId: 'a', guarantee: 'g', topology: '', lag: 0, instances };
}

test('a task at first sight has not moved; one that turns up elsewhere has, also after a moment of nowhere', () => {
  let homes = followTasks(new Map(), report(instance('a', '0_0', '0_1')), 1_000);
  expect(homes.get('0_1')).toEqual({ instanceId: 'a', movedAt: null, from: null });
  homes = followTasks(homes, report(instance('a', '0_0')), 2_000);
  homes = followTasks(homes, report(instance('a', '0_0'), instance('b', '0_1')), 3_000);
  expect(homes.get('0_0')).toEqual({ instanceId: 'a', movedAt: null, from: null });
  expect(homes.get('0_1')).toEqual({ instanceId: 'b', movedAt: 3_000, from: 'a' });
  homes = followTasks(homes, report(instance('a', '0_0'), instance('b', '0_1')), 4_000);
  expect(homes.get('0_1')?.movedAt).toBe(3_000);
});

test('while both report a task, the newcomer has it', () => {
  const before = followTasks(new Map(), report(instance('b', '0_0')), 1_000);
  expect(followTasks(before, report(instance('a', '0_0'), instance('b', '0_0')), 2_000).get('0_0')?.instanceId).toBe(
    'a',
  );
  expect(followTasks(before, report(instance('b', '0_0'), instance('a', '0_0')), 2_000).get('0_0')?.instanceId).toBe(
    'a',
  );
});

test('a move is marked for half a minute, a first sight never', () => {
  const moved = { instanceId: 'b', movedAt: 10_000, from: 'a' };
  expect([movedAgoMs(moved, 9_900), movedAgoMs(moved, 15_000), movedAgoMs(moved, 40_000)]).toEqual([0, 5_000, null]);
  expect([movedAgoMs({ ...moved, movedAt: null }, 15_000), movedAgoMs(undefined, 15_000)]).toEqual([null, null]);
});
