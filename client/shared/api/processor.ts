/** What every live API says of its application's processors, in the words of its schema. */

export interface Processor {
  readonly applicationId: string;
  readonly guarantee: string;
  /** The topology as text, in the form of Kafka Streams' describe(). */
  readonly topology: string;
  /** Input records not processed yet; null while no processor reports. */
  readonly lag: number | null;
  readonly instances: readonly Instance[];
}

export interface Instance {
  readonly id: string;
  readonly host: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly reportedAt: string;
  readonly alive: boolean;
  readonly threads: number;
  readonly recordsPerSecond: number;
  readonly tasks: readonly Task[];
}

export interface Task {
  /** `<sub-topology>_<partition>`. */
  readonly id: string;
  readonly role: 'ACTIVE' | 'STANDBY';
  readonly state: 'CREATED' | 'RESTORING' | 'RUNNING' | 'SUSPENDED' | 'CLOSED';
  /** `topic-partition` names that it reads. */
  readonly inputs: readonly string[];
  readonly lag: number;
  readonly restore: { readonly restored: number; readonly total: number; readonly remainingMs: number | null } | null;
}

/** How many tasks are restoring and how many are not, or null when none is. */
export function restoringOf(processor: Processor | null): { done: number; of: number } | null {
  if (!processor) return null;
  const active = processor.instances
    .filter((instance) => instance.alive)
    .flatMap((instance) => instance.tasks.filter((task) => task.role === 'ACTIVE'));
  const restoring = active.filter((task) => task.state === 'RESTORING').length;
  return restoring === 0 ? null : { done: active.length - restoring, of: active.length };
}

export function recordsPerSecondOf(processor: Processor | null): number {
  return (
    processor?.instances
      .filter((instance) => instance.alive)
      .reduce((sum, instance) => sum + instance.recordsPerSecond, 0) ?? 0
  );
}
