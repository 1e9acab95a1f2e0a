import { compareTaskIds, parseTaskId, type TaskId } from '../task/task-id.ts';
import type { SubscriptionInfo } from './subscription-info.ts';

export interface AssignorMember {
  readonly memberId: string;
  readonly info: SubscriptionInfo | undefined;
}

/**
 * Places every task on exactly one member: balanced first, sticky within balance. A pure function of its arguments.
 *
 * Balanced: members differ by at most one task in all, and by at most one task per sub-topology as far as that allows.
 * Sticky: a task stays on the thread that runs it, else goes to a thread of the process that has its store on disk,
 * else to the member with the fewest tasks. Ties go by member id, so that every leader decides alike.
 */
export function assignTasks(tasks: readonly TaskId[], members: readonly AssignorMember[]): Map<string, TaskId[]> {
  const assigned = new Map<string, TaskId[]>();
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  for (const { memberId } of sorted) assigned.set(memberId, []);
  if (sorted.length === 0) return assigned;

  const shares = new Shares(tasks, assigned);
  let open = [...tasks].sort(compareTaskIds);
  open = open.filter((task) => !sorted.some(({ memberId, info }) => info?.active.includes(task) === true && shares.give(memberId, task)));
  open = open.filter((task) => {
    const withState = leastLoaded(sorted.filter(({ info }) => info?.stores.includes(task) === true), assigned, task);
    return !withState.some(({ memberId }) => shares.give(memberId, task));
  });
  for (const task of open) {
    const candidates = leastLoaded(sorted, assigned, task);
    if (candidates.some(({ memberId }) => shares.give(memberId, task))) continue;
    candidates.some(({ memberId }) => shares.giveIgnoringSubTopology(memberId, task));
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
    for (const task of tasks) this.#perSubTopology.set(subTopologyOf(task), (this.#perSubTopology.get(subTopologyOf(task)) ?? 0) + 1);
  }

  give(memberId: string, task: TaskId): boolean {
    const subTopology = subTopologyOf(task);
    const inSubTopology = (own: readonly TaskId[]): number => own.filter((t) => subTopologyOf(t) === subTopology).length;
    return this.#isFair(memberId, this.#perSubTopology.get(subTopology) ?? 0, inSubTopology) && this.giveIgnoringSubTopology(memberId, task);
  }

  giveIgnoringSubTopology(memberId: string, task: TaskId): boolean {
    if (!this.#isFair(memberId, this.#total, (own) => own.length)) return false;
    (this.#assigned.get(memberId) as TaskId[]).push(task);
    return true;
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

function leastLoaded(members: readonly AssignorMember[], assigned: ReadonlyMap<string, readonly TaskId[]>, task: TaskId): AssignorMember[] {
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
