import type { Processor } from '../api/processor.ts';

/** Where an active task runs, and since when the page has seen it there. */
export interface TaskHome {
  readonly instanceId: string;
  /** Null: it was there when the page first looked. */
  readonly movedAt: number | null;
  readonly from: string | null;
}

/** How long a task that moved is marked. */
const MOVED_FOR_MS = 30_000;

/** Milliseconds since a task came to its instance; null when it was always there, or came long ago. */
export function movedAgoMs(home: TaskHome | undefined, now: number): number | null {
  if (home?.movedAt == null) return null;
  const ago = now - home.movedAt;
  return ago < MOVED_FOR_MS ? Math.max(0, ago) : null;
}

/** Follows active tasks from one report to the next, so that a move between instances is seen to happen. */
export function followTasks(
  homes: ReadonlyMap<string, TaskHome>,
  processor: Processor,
  now: number,
): ReadonlyMap<string, TaskHome> {
  const next = new Map<string, TaskHome>();
  for (const instance of processor.instances) {
    if (!instance.alive) continue;
    for (const task of instance.tasks) {
      if (task.role !== 'ACTIVE' || task.state === 'CLOSED') continue;
      const before = homes.get(task.id);
      // An instance that hands a task over may still report it for a moment: the newcomer wins.
      if (before?.instanceId === instance.id) {
        if (!next.has(task.id)) next.set(task.id, before);
      } else {
        next.set(task.id, { instanceId: instance.id, movedAt: before ? now : null, from: before?.instanceId ?? null });
      }
    }
  }
  // A task between two homes is remembered, or its arrival would look like a first sight.
  for (const [id, home] of homes) if (!next.has(id)) next.set(id, home);
  return next;
}
