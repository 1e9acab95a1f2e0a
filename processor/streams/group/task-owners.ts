import type { TaskId } from '../task/task-id.ts';
import type { TaskShare } from './task-share.ts';

/** Which instance runs and which ones follow each task that has stores, as the leader of the group has placed them. */
export interface TaskOwners {
  /** Process ids: below they are their places in this list. */
  readonly instances: readonly string[];
  readonly active: Readonly<Record<TaskId, number>>;
  readonly standbys: Readonly<Record<TaskId, readonly number[]>>;
}

/** The instances of one task. */
export interface OwnersOfTask {
  readonly active: string | undefined;
  readonly standbys: readonly string[];
}

/** `processOf`: by member id. */
export function ownersIn(
  placed: ReadonlyMap<string, TaskShare>,
  processOf: ReadonlyMap<string, string>,
  stateful: readonly TaskId[],
): TaskOwners {
  const instances = [...new Set([...placed.keys()].map((memberId) => processOf.get(memberId) ?? memberId))];
  const wanted = new Set(stateful);
  const active: Record<TaskId, number> = {};
  const standbys: Record<TaskId, number[]> = {};
  for (const [memberId, share] of placed) {
    const instance = instances.indexOf(processOf.get(memberId) ?? memberId);
    for (const id of share.active) if (wanted.has(id)) active[id] = instance;
    for (const id of share.standby) (standbys[id] ??= []).push(instance);
  }
  return { instances, active, standbys };
}

/** Nothing is known without owners: the leader is of another version, or the group has not met yet. */
export function ownersOfTask(owners: TaskOwners | undefined, id: TaskId): OwnersOfTask {
  const nameOf = (instance: number | undefined): string | undefined => owners?.instances[instance ?? -1];
  return {
    active: nameOf(owners?.active[id]),
    standbys: (owners?.standbys[id] ?? []).flatMap((instance) => nameOf(instance) ?? []),
  };
}

/** Undefined for what another version has written. */
export function readOwners(value: unknown): TaskOwners | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { instances, active, standbys } = value as { [part in keyof TaskOwners]?: unknown };
  if (!Array.isArray(instances) || !instances.every((it) => typeof it === 'string')) return undefined;
  if (typeof active !== 'object' || active === null || typeof standbys !== 'object' || standbys === null)
    return undefined;
  if (!Object.values(active).every(Number.isInteger)) return undefined;
  if (!Object.values(standbys).every((list) => Array.isArray(list) && list.every(Number.isInteger))) return undefined;
  return { instances, active, standbys } as TaskOwners;
}
