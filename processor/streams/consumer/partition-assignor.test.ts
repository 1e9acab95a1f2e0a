import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assignTasks, type AssignorMember } from './partition-assignor.ts';

const TASKS = ['0_0', '0_1', '0_2', '0_3', '1_0', '1_1', '1_2', '1_3'];

function member(memberId: string, active: string[] = [], stores: string[] = [], processId = memberId): AssignorMember {
  return { memberId, info: { processId, active, stores } };
}

test('two members share both sub-topologies evenly', () => {
  const assigned = assignTasks(TASKS, [member('a'), member('b')]);
  for (const own of assigned.values()) {
    expect(own.filter((t) => t.startsWith('0_'))).toHaveLength(2);
    expect(own.filter((t) => t.startsWith('1_'))).toHaveLength(2);
  }
});

test('a third member gets its share and nobody swaps what they keep', () => {
  const before = assignTasks(TASKS, [member('a'), member('b')]);
  const after = assignTasks(TASKS, [member('a', before.get('a')), member('b', before.get('b')), member('c')]);
  expect([...after.values()].map((own) => own.length).sort()).toEqual([2, 3, 3]);
  for (const id of ['a', 'b']) for (const task of after.get(id) ?? []) expect(before.get(id)).toContain(task);
});

test('a restarted process, under a new member id, gets the tasks whose stores are on its disk', () => {
  const assigned = assignTasks(TASKS, [member('new-id', [], ['1_1', '1_3'], 'p1'), member('b', [], ['1_0', '1_2'], 'p2')]);
  expect(assigned.get('new-id')).toEqual(expect.arrayContaining(['1_1', '1_3']));
  expect(assigned.get('b')).toEqual(expect.arrayContaining(['1_0', '1_2']));
});

test('every task has exactly one owner and members differ by at most one task, whatever they claim', () => {
  const claims = fc.array(fc.record({ active: fc.subarray(TASKS), stores: fc.subarray(TASKS) }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(claims, (list) => {
      const assigned = assignTasks(TASKS, list.map(({ active, stores }, i) => member(`m${String(i)}`, active, stores)));
      expect([...assigned.values()].flat().sort()).toEqual(TASKS);
      const sizes = [...assigned.values()].map((own) => own.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});
