import type { CostTable } from '../limits/operation-cost.ts';
import type { AnyLiveModel } from '../tables/live-model.ts';

/** So many tasks may be listed once, however many there are. */
const MAX_TASKS = 1_000;

/**
 * Lengths of the lists under `processor`, on average as the instances report them, and no less than a small application
 * grows to.
 */
export function processorLists(model: AnyLiveModel): CostTable['lists'] {
  const instances = (): number => Math.max(10, model.listInstances().length);
  const tasks = () => model.listInstances().flatMap(({ status }) => status.tasks);
  return {
    'Processor.instances': instances,
    'Instance.tasks': () => Math.max(10, Math.min(tasks().length, MAX_TASKS) / instances()),
    'Task.inputs': () => {
      const inputs = tasks().reduce((sum, task) => sum + task.inputs.length, 0);
      return Math.max(2, inputs / Math.max(1, tasks().length));
    },
  };
}
