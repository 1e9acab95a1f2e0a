import { compareTaskIds, parseTaskId, type TaskId } from '../task/task-id.ts';
import type { SubscriptionInfo } from './subscription-info.ts';
import type { TaskShare } from './task-share.ts';

export interface AssignorMember {
  readonly memberId: string;
  readonly info: SubscriptionInfo | undefined;
}

interface PlacementOptions {
  /** Tasks that have stores: only they are worth a standby. */
  readonly stateful: readonly TaskId[];
  readonly numStandbyReplicas: number;
}

/**
 * Active tasks first, then for each stateful task up to `numStandbyReplicas` standbys, each on a process of its own
 * that neither runs nor follows the task already. With too few processes there are fewer standbys.
 *
 * A standby is chosen for the case that the process of the active task dies: the first of each task is, as far as it
 * goes, on a member that can take the task then and stay within its fair share (`Successors`). After that standbys are
 * spread evenly, and stay where they are.
 */
export function placeTasks(
  tasks: readonly TaskId[],
  members: readonly AssignorMember[],
  { stateful, numStandbyReplicas }: PlacementOptions,
): Map<string, TaskShare> {
  const active = assignTasks(tasks, members, stateful);
  const standby = new Map<string, TaskId[]>(members.map(({ memberId }) => [memberId, []]));
  const processOf = new Map(members.map(({ memberId, info }) => [memberId, info?.processId ?? memberId]));
  const ownerOf = new Map(
    [...active].flatMap(([memberId, own]) => own.map((task) => [task, processOf.get(memberId) as string] as const)),
  );
  const successors = new Successors(tasks, active, processOf, stateful);
  const excess = (load: number): number =>
    Math.max(0, load + 1 - Math.ceil((stateful.length * numStandbyReplicas) / members.length));
  for (const task of numStandbyReplicas > 0 ? [...stateful].sort(compareTaskIds) : []) {
    const owner = ownerOf.get(task) as string;
    const taken = new Set([owner]);
    for (let replica = 0; replica < numStandbyReplicas; replica += 1) {
      const [chosen] = members
        .filter(({ memberId }) => !taken.has(processOf.get(memberId) as string))
        .map(({ memberId, info }) => {
          const rank =
            info?.standby.includes(task) === true || info?.active.includes(task) === true
              ? 0
              : info?.stores.includes(task) === true
                ? 1
                : 2;
          return {
            memberId,
            rank,
            load: standby.get(memberId)?.length ?? 0,
            unfit: replica > 0 || successors.canTake(memberId, owner) ? 0 : 1,
          };
        })
        .sort(
          (a, b) =>
            a.unfit - b.unfit ||
            excess(a.load) - excess(b.load) ||
            a.rank - b.rank ||
            a.load - b.load ||
            (a.memberId < b.memberId ? -1 : 1),
        );
      if (chosen === undefined) break;
      if (replica === 0) successors.give(chosen.memberId, owner, task);
      standby.get(chosen.memberId)?.push(task);
      taken.add(processOf.get(chosen.memberId) as string);
    }
  }
  return new Map(
    members.map(({ memberId }) => [
      memberId,
      { active: active.get(memberId) ?? [], standby: standby.get(memberId) ?? [] },
    ]),
  );
}

/**
 * What each member would run if one process was gone: the others keep their stateful tasks (stateless ones are moved),
 * and each standby that is placed gets one task of the dead process.
 */
class Successors {
  readonly #sharesWithout = new Map<string, Shares>();

  constructor(
    tasks: readonly TaskId[],
    active: ReadonlyMap<string, readonly TaskId[]>,
    processOf: ReadonlyMap<string, string>,
    stateful: readonly TaskId[],
  ) {
    for (const dead of new Set(processOf.values())) {
      const survivors = [...active].filter(([memberId]) => processOf.get(memberId) !== dead);
      this.#sharesWithout.set(
        dead,
        new Shares(
          tasks,
          new Map(survivors.map(([memberId, own]) => [memberId, own.filter((task) => stateful.includes(task))])),
        ),
      );
    }
  }

  canTake(memberId: string, dead: string): boolean {
    return (this.#sharesWithout.get(dead) as Shares).hasRoom(memberId);
  }

  give(memberId: string, dead: string, task: TaskId): void {
    (this.#sharesWithout.get(dead) as Shares).giveIgnoringSubTopology(memberId, task);
  }
}

/**
 * Places every task on exactly one member: balanced first, sticky within balance. A pure function of its arguments.
 *
 * Balanced: members differ by at most one task in all, and by at most one task per sub-topology as far as that allows
 * without a move of a running task that has stores. Sticky: a task stays on the thread that runs it, else goes to one
 * that follows it as a standby, else to a process that has its store on disk, else to the member with the fewest tasks.
 * Ties go by member id, so that every leader decides alike.
 */
export function assignTasks(
  tasks: readonly TaskId[],
  members: readonly AssignorMember[],
  stateful: readonly TaskId[] = [],
): Map<string, TaskId[]> {
  const assigned = new Map<string, TaskId[]>();
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  for (const { memberId } of sorted) assigned.set(memberId, []);
  if (sorted.length === 0) return assigned;

  const shares = new Shares(tasks, assigned);
  const ordered = [...tasks].sort(compareTaskIds);
  // Stateful tasks choose first: a stateless one costs nothing to move out of their way.
  for (const hasStores of [true, false]) {
    const group = ordered.filter((task) => stateful.includes(task) === hasStores);
    const heldBy = (task: TaskId, role: 'active' | 'standby' | 'stores'): AssignorMember[] =>
      leastLoaded(
        sorted.filter(({ info }) => info?.[role].includes(task) === true),
        assigned,
        task,
      );
    let open = group.filter((task) => !heldBy(task, 'active').some(({ memberId }) => shares.give(memberId, task)));
    if (hasStores)
      open = open.filter(
        (task) => !heldBy(task, 'active').some(({ memberId }) => shares.giveIgnoringSubTopology(memberId, task)),
      );
    // mutant: standbys-first
    open = open.filter(
      (task) => !heldBy(task, 'standby').some(({ memberId }) => shares.giveIgnoringSubTopology(memberId, task)),
    );
    open = open.filter((task) => !heldBy(task, 'stores').some(({ memberId }) => shares.give(memberId, task)));
    for (const task of open) {
      const candidates = leastLoaded(sorted, assigned, task);
      if (candidates.some(({ memberId }) => shares.give(memberId, task))) continue;
      candidates.some(({ memberId }) => shares.giveIgnoringSubTopology(memberId, task));
    }
  }
  for (const own of assigned.values()) own.sort(compareTaskIds);
  return assigned;
}

/** Fair shares: everybody gets the floor, and only as many members as there are tasks left over get one more. */
class Shares {
  readonly #assigned: ReadonlyMap<string, TaskId[]>;
  readonly #total: number;
  readonly #perSubTopology = new Map<number, number>();

  constructor(tasks: readonly TaskId[], assigned: ReadonlyMap<string, TaskId[]>) {
    this.#assigned = assigned;
    this.#total = tasks.length;
    for (const task of tasks)
      this.#perSubTopology.set(subTopologyOf(task), (this.#perSubTopology.get(subTopologyOf(task)) ?? 0) + 1);
  }

  give(memberId: string, task: TaskId): boolean {
    const subTopology = subTopologyOf(task);
    const inSubTopology = (own: readonly TaskId[]): number =>
      own.filter((t) => subTopologyOf(t) === subTopology).length;
    return (
      this.#isFair(memberId, this.#perSubTopology.get(subTopology) ?? 0, inSubTopology) &&
      this.giveIgnoringSubTopology(memberId, task)
    );
  }

  giveIgnoringSubTopology(memberId: string, task: TaskId): boolean {
    if (!this.hasRoom(memberId)) return false;
    (this.#assigned.get(memberId) as TaskId[]).push(task);
    return true;
  }

  hasRoom(memberId: string): boolean {
    return this.#isFair(memberId, this.#total, (own) => own.length);
  }

  #isFair(memberId: string, tasks: number, size: (own: readonly TaskId[]) => number): boolean {
    const members = this.#assigned.size;
    const floor = Math.floor(tasks / members);
    const next = size(this.#assigned.get(memberId) ?? []) + 1;
    if (next <= floor) return true;
    const withOneMore = [...this.#assigned.values()].filter((own) => size(own) > floor).length;
    return next === floor + 1 && withOneMore < tasks % members;
  }
}

function leastLoaded(
  members: readonly AssignorMember[],
  assigned: ReadonlyMap<string, readonly TaskId[]>,
  task: TaskId,
): AssignorMember[] {
  const load = ({ memberId }: AssignorMember): [number, number] => {
    const own = assigned.get(memberId) ?? [];
    return [own.length, own.filter((t) => subTopologyOf(t) === subTopologyOf(task)).length];
  };
  return [...members].sort((a, b) => {
    const [allA, sameA] = load(a);
    const [allB, sameB] = load(b);
    return allA - allB || sameA - sameB || (a.memberId < b.memberId ? -1 : 1);
  });
}

function subTopologyOf(task: TaskId): number {
  return parseTaskId(task).subTopology;
}
