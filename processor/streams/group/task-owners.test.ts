import { expect, test } from '@jest/globals';
import { decodeAssignmentInfo, encodeAssignmentInfo } from './subscription-info.ts';
import { ownersIn, ownersOfTask, readOwners } from './task-owners.ts';

const owners = ownersIn(
  new Map([
    ['thread-1', { active: ['0_0', '1_0'], standby: ['1_1'] }],
    ['thread-2', { active: ['0_1'], standby: [] }],
    ['thread-3', { active: ['1_1'], standby: ['1_0'] }],
  ]),
  new Map([
    ['thread-1', 'one'],
    ['thread-2', 'one'],
    ['thread-3', 'two'],
  ]),
  ['1_0', '1_1'],
);

test('the leader tells each member which instance has each task with stores', () => {
  const { owners: told } = decodeAssignmentInfo(encodeAssignmentInfo({ standby: ['1_1'], owners }));
  expect([ownersOfTask(told, '1_0'), ownersOfTask(told, '1_1')]).toEqual([
    { active: 'one', standbys: ['two'] },
    { active: 'two', standbys: ['one'] },
  ]);
  expect(ownersOfTask(told, '0_0')).toEqual({ active: undefined, standbys: [] });
});

test('of what other versions and strangers write nothing is known', () => {
  expect(ownersOfTask(decodeAssignmentInfo(encodeAssignmentInfo({ standby: [] })).owners, '1_0')).toEqual({
    active: undefined,
    standbys: [],
  });
  for (const value of [
    null,
    1,
    {},
    { ...owners, instances: 1 },
    { ...owners, instances: [1] },
    { ...owners, active: null },
    { ...owners, active: { '1_0': 'one' } },
    { ...owners, standbys: 7 },
    { ...owners, standbys: { '1_0': 1 } },
  ])
    expect(readOwners(value)).toBeUndefined();
  expect(readOwners(owners)).toEqual(owners);
});
