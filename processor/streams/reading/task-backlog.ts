import { messageOf } from '../errors.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import type { Logger } from '../logger.ts';
import { repeatEvery } from '../repeat-every.ts';
import type { TaskId } from '../task/task-id.ts';
import type { TaskLayout } from '../task/task-layout.ts';
import { readBacklog, type BacklogCluster } from './backlog.ts';

interface TaskBacklogOptions {
  readonly cluster: BacklogCluster & Pick<KafkaCluster, 'refresh'>;
  readonly layout: TaskLayout;
  readonly intervalMs: number;
  readonly logger: Logger;
  /** `wanted`: tasks wait to be started. `known`: all run, and each task knows its own lag. */
  readonly need: () => 'wanted' | 'known' | 'neither';
}

/**
 * How much input waits for each task of an application, while tasks wait to be started, here or in another process:
 * their partitions are not read then, so no task knows its lag.
 */
export class TaskBacklog {
  readonly #options: TaskBacklogOptions;
  #lags: ReadonlyMap<TaskId, number> | undefined;
  #stop: (() => void) | undefined;

  constructor(options: TaskBacklogOptions) {
    this.#options = options;
  }

  /** By task; undefined while it is not known. */
  get lags(): ReadonlyMap<TaskId, number> | undefined {
    return this.#lags;
  }

  start(): void {
    this.#stop = repeatEvery(this.#options.intervalMs, () => this.#look(), { now: true });
  }

  close(): void {
    this.#stop?.();
  }

  async #look(): Promise<void> {
    const { cluster, layout, logger, need } = this.#options;
    const needed = need();
    if (needed === 'known') this.#lags = undefined;
    if (needed !== 'wanted') return;
    try {
      const tasks = layout.taskIds().map((id) => [id, layout.inputsOf(id)] as const);
      const lags = await readBacklog(
        cluster,
        layout.applicationId,
        tasks.flatMap(([, inputs]) => inputs),
      );
      let at = 0;
      this.#lags = new Map(tasks.map(([id, inputs]) => [id, inputs.reduce((sum) => sum + (lags[at++] as number), 0)]));
    } catch (error) {
      this.#lags = undefined;
      logger.debug({ error: messageOf(error) }, 'what waits for the tasks could not be read');
      await cluster.refresh().catch(() => undefined);
    }
  }
}
