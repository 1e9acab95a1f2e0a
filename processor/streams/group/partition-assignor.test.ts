import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assignTasks, placeTasks, type AssignorMember } from './partition-assignor.ts';

const TASKS = ['0_0', '0_1', '0_2', '0_3', '1_0', '1_1', '1_2', '1_3'];

function member(
  memberId: string,
  active: readonly string[] = [],
  stores: readonly string[] = [],
  processId = memberId,
  standby: readonly string[] = [],
): AssignorMember {
  return { memberId, info: { processId, active, standby, stores } };
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
  const assigned = assignTasks(TASKS, [
    member('new-id', [], ['1_1', '1_3'], 'p1'),
    member('b', [], ['1_0', '1_2'], 'p2'),
  ]);
  expect(assigned.get('new-id')).toEqual(expect.arrayContaining(['1_1', '1_3']));
  expect(assigned.get('b')).toEqual(expect.arrayContaining(['1_0', '1_2']));
});

test('every task has exactly one owner and members differ by at most one task, whatever they claim', () => {
  const claims = fc.array(fc.record({ active: fc.subarray(TASKS), stores: fc.subarray(TASKS) }), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(claims, fc.subarray(TASKS), (list, stateful) => {
      const assigned = assignTasks(
        TASKS,
        list.map(({ active, stores }, i) => member(`m${String(i)}`, active, stores, `m${String(i)}`, stores)),
        stateful,
      );
      expect([...assigned.values()].flat().sort()).toEqual(TASKS);
      const sizes = [...assigned.values()].map((own) => own.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

const STATEFUL = ['1_0', '1_1', '1_2', '1_3'];

test('a standby is on another process than its task, and standbys are spread evenly', () => {
  const placed = placeTasks(TASKS, [member('a'), member('b'), member('c')], {
    stateful: STATEFUL,
    numStandbyReplicas: 1,
  });
  for (const { active, standby } of placed.values()) for (const task of standby) expect(active).not.toContain(task);
  expect([...placed.values()].flatMap((s) => s.standby).sort()).toEqual(STATEFUL);
  expect(Math.max(...[...placed.values()].map((s) => s.standby.length))).toBeLessThanOrEqual(2);
});

test('two threads of one process are no standby for each other', () => {
  const placed = placeTasks(TASKS, [member('a', [], [], 'p'), member('b', [], [], 'p')], {
    stateful: STATEFUL,
    numStandbyReplicas: 1,
  });
  expect([...placed.values()].flatMap((s) => s.standby)).toEqual([]);
});

test('when an owner dies its task goes to the standby', () => {
  const before = placeTasks(TASKS, [member('a'), member('b'), member('c')], {
    stateful: STATEFUL,
    numStandbyReplicas: 1,
  });
  const [[, dead], ...left] = [...before].sort(([a], [b]) => (a === 'c' ? -1 : b === 'c' ? 1 : 0)) as [
    string,
    { active: readonly string[]; standby: readonly string[] },
  ][] as [
    [string, { active: readonly string[] }],
    ...[string, { active: readonly string[]; standby: readonly string[] }][],
  ];
  const after = placeTasks(
    TASKS,
    left.map(([id, share]) => member(id, share.active, share.standby, id, share.standby)),
    { stateful: STATEFUL, numStandbyReplicas: 1 },
  );
  for (const task of dead.active.filter((t) => t.startsWith('1_'))) {
    const heir = left.find(([, share]) => share.standby.includes(task))?.[0] as string;
    expect(after.get(heir)?.active).toContain(task);
  }
});

test('standbys stay where they are when nothing changes', () => {
  const members = [member('a'), member('b'), member('c')];
  const before = placeTasks(TASKS, members, { stateful: STATEFUL, numStandbyReplicas: 2 });
  const again = members.map(({ memberId }) =>
    member(memberId, before.get(memberId)?.active, [], memberId, before.get(memberId)?.standby),
  );
  expect(placeTasks(TASKS, again, { stateful: STATEFUL, numStandbyReplicas: 2 })).toEqual(before);
});

test.each([
  ['that follows it', (task: string) => member('c', [], [], 'c', [task])],
  ['that has its store on disk', (task: string) => member('c', [], [task])],
])('a standby is on a process %s, though another one comes first', (_what, holder) => {
  const placed = placeTasks(['1_0'], [member('a', ['1_0']), member('b'), holder('1_0')], {
    stateful: ['1_0'],
    numStandbyReplicas: 1,
  });
  expect([...placed].filter(([, { standby }]) => standby.length > 0).map(([id]) => id)).toEqual(['c']);
});

// Seen: both tasks of a process were followed by the same other one, which could take one of them within balance. The
// second went to a process that had nothing of it, and was restored from the beginning.
test('whichever process dies, each of its stateful tasks goes to one that follows it', () => {
  const membership = fc.array(fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5'), { minLength: 2, maxLength: 7 });
  fc.assert(
    fc.property(membership, fc.subarray(TASKS), fc.nat(), (processes, stateful, choice) => {
      const options = { stateful, numStandbyReplicas: 1 };
      const onDisk = new Map<string, Set<string>>(processes.map((processId) => [processId, new Set()]));
      let members: AssignorMember[] = [];
      // They come one by one, each with a rebalance, as processes do.
      for (const [index, processId] of processes.entries()) {
        const placed = placeTasks(
          TASKS,
          [...members, member(`m${String(index)}`, [], [...(onDisk.get(processId) ?? [])], processId)],
          options,
        );
        members = processes.slice(0, index + 1).map((id, i) => {
          const { active = [], standby = [] } = placed.get(`m${String(i)}`) ?? {};
          for (const task of [...active, ...standby]) if (stateful.includes(task)) onDisk.get(id)?.add(task);
          return member(`m${String(i)}`, active, [], id, standby);
        });
      }
      const again = placeTasks(
        TASKS,
        members.map(({ memberId, info }) =>
          member(
            memberId,
            info?.active,
            [...(onDisk.get(info?.processId as string) ?? [])],
            info?.processId,
            info?.standby,
          ),
        ),
        options,
      );
      expect([...again]).toEqual(
        members.map(({ memberId, info }) => [memberId, { active: info?.active, standby: info?.standby }]),
      );
      const held = (processId: string): string[] =>
        members
          .filter(({ info }) => info?.processId === processId)
          .flatMap(({ info }) => [...(info?.active ?? []), ...(info?.standby ?? [])]);
      const dead = processes[choice % processes.length] as string;
      const survivors = members
        .filter(({ info }) => info?.processId !== dead)
        .map(({ memberId, info }) =>
          member(memberId, info?.active, held(info?.processId as string), info?.processId, info?.standby),
        );
      fc.pre(survivors.length > 0);
      const after = placeTasks(TASKS, survivors, options);
      const restored = survivors.flatMap(({ memberId, info }) =>
        (after.get(memberId)?.active ?? [])
          .filter((task) => stateful.includes(task) && !held(info?.processId as string).includes(task))
          .map((task) => `${task} by ${memberId}`),
      );
      expect(restored).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
