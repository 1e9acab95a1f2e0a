import type { TaskStatus } from '@tributary/streams';
import type { AnyLiveModel } from '../tables/live-model.ts';

/** What is known about the application while no instance reports. */
export interface ApplicationDescription {
  readonly guarantee: string;
  readonly topology: string;
}

export interface TaskResult extends Pick<TaskStatus, 'id' | 'role' | 'state' | 'lag'> {
  readonly inputs: string[];
  readonly restore: NonNullable<TaskStatus['restore']> | null;
}

export interface InstanceResult {
  readonly id: string;
  readonly host: string;
  readonly startedAt: number;
  readonly reportedAt: number;
  readonly alive: boolean;
  readonly threads: number;
  readonly recordsPerSecond: number;
  readonly tasks: TaskResult[];
}

/** The processor's instances and what they last reported, times in epoch milliseconds. */
export interface ProcessorResult {
  readonly applicationId: string;
  readonly guarantee: string;
  readonly topology: string;
  readonly instances: InstanceResult[];
  readonly lag: number | null;
}

export function processorResult(model: AnyLiveModel, application: ApplicationDescription): ProcessorResult {
  const instances = model.listInstances();
  const newest = instances.reduce<(typeof instances)[number] | null>((best, one) => {
    return best === null || one.status.reportedAtMs > best.status.reportedAtMs ? one : best;
  }, null)?.status;
  return {
    applicationId: model.applicationId,
    guarantee: newest?.guarantee ?? application.guarantee,
    topology: newest?.topology ?? application.topology,
    instances: instances.map(({ status, alive }) => ({
      id: status.id,
      host: status.host,
      startedAt: status.startedAtMs,
      reportedAt: status.reportedAtMs,
      alive,
      threads: status.threads,
      recordsPerSecond: status.recordsPerSecond,
      tasks: [...status.tasks].sort(byTaskId).map(taskResult),
    })),
    lag: model.lag(),
  };
}

function taskResult({ id, role, state, inputs, lag, restore }: TaskStatus): TaskResult {
  return { id, role, state, inputs: [...inputs], lag, restore: restore ?? null };
}

/** `0_2` before `0_10`. */
function byTaskId(a: TaskStatus, b: TaskStatus): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true });
}
