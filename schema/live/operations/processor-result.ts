import type { TaskStatus } from '../../../processor/streams/task/instance-status.ts';
import type { Processor, Task } from '../../logins/generated/resolver-types.ts';
import type { LiveModel } from '../tables/live-model.ts';

/** What is known of the application while no instance reports. */
export interface ApplicationDescription {
  readonly guarantee: string;
  readonly topology: string;
}

export function processorAnswer(model: LiveModel, application: ApplicationDescription): Processor {
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
      tasks: [...status.tasks].sort(byTaskId).map(taskAnswer),
    })),
    lag: model.lag(),
  };
}

function taskAnswer({ id, role, state, inputs, lag, restore }: TaskStatus): Task {
  return { id, role, state, inputs: [...inputs], lag, restore: restore ?? null };
}

/** `0_2` before `0_10`. */
function byTaskId(a: TaskStatus, b: TaskStatus): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true });
}
