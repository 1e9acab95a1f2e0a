import type { RestoreCluster } from '../reading/changelog-reader.ts';
import type { RowCheck } from '../reading/row-check.ts';
import { READ_COMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { RecordFetcher } from '../reading/record-fetcher.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { StoreIdentity } from '../store/leveldb-store.ts';
import { taskDirectory } from '../store/state-directory.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import type { TaskStatus } from './instance-status.ts';
import { isDiskTrouble, type DiskWait } from './disk-wait.ts';
import { closeCleanly, openCheckedStore, setAsideStore } from './open-store.ts';
import { compareTaskIds, type TaskId } from './task-id.ts';
import type { TaskChangelog } from './task-layout.ts';
import { TaskState } from './task-state.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

interface StandbyTask {
  readonly id: TaskId;
  readonly changelogs: readonly TaskChangelog[];
  readonly state: TaskState;
  readonly life: AbortController;
  readonly check: RowCheck;
  readonly positions: Map<string, number>;
  readonly ends: Map<string, number>;
  store: StateStore | undefined;
  opening: Promise<void>;
}

export interface StandbyTasksOptions {
  readonly slotDirectory: string;
  readonly identityOf: (id: TaskId) => StoreIdentity;
  /** Its own connections: long polls of the standbys must hold up nobody. */
  readonly cluster: RestoreCluster & Pick<KafkaCluster, 'disconnect'>;
  readonly disk: DiskWait;
  readonly changelogsOf: (id: TaskId) => readonly TaskChangelog[];
  /** Looks at each row before the store has it. */
  readonly checkOf?: (id: TaskId) => RowCheck;
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
}

const TAKE_TIMEOUT_MS = 500;
const MAX_WAIT_MS = 500;

/**
 * The standby replicas of one thread: stores kept up with their changelogs, so that taking one of these tasks restores
 * next to nothing. They read committed records only and never write to Kafka. Each store is touched by this loop alone.
 */
export class StandbyTasks {
  readonly #options: StandbyTasksOptions;
  readonly #tasks = new Map<TaskId, StandbyTask>();
  readonly #fetcher: RecordFetcher;
  #loop: Promise<void> | undefined;
  #applying: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: StandbyTasksOptions) {
    this.#options = options;
    this.#fetcher = new RecordFetcher(options.cluster, options.logger, {
      maxWaitMs: MAX_WAIT_MS,
      isolationLevel: READ_COMMITTED,
    });
  }

  ids(): TaskId[] {
    return [...this.#tasks.keys()].sort(compareTaskIds);
  }

  /**
   * Follows these tasks and no others. Resolves when the stores of all others are closed: somebody may want to run
   * them.
   */
  async assign(wanted: readonly TaskId[]): Promise<void> {
    await Promise.all(
      [...this.#tasks.values()].filter((task) => !wanted.includes(task.id)).map((task) => this.#close(task)),
    );
    for (const id of wanted) if (!this.#tasks.has(id)) this.#open(id);
    if (this.#tasks.size > 0) this.#loop ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.assign([]);
    await this.#fetcher.close();
    await this.#loop;
    await this.#options.cluster.disconnect();
  }

  status(): TaskStatus[] {
    return [...this.#tasks.values()].map((task) => ({
      id: task.id,
      role: 'STANDBY',
      state: task.state.name,
      inputs: task.changelogs.map(({ topic, partition }) => topicPartition(topic, partition)),
      lag: [...task.ends].reduce((sum, [name, end]) => sum + Math.max(0, end - (task.positions.get(name) ?? 0)), 0),
    }));
  }

  #open(id: TaskId): void {
    const task: StandbyTask = {
      id,
      changelogs: this.#options.changelogsOf(id),
      state: new TaskState(id),
      life: new AbortController(),
      check: this.#options.checkOf?.(id) ?? (() => undefined),
      positions: new Map(),
      ends: new Map(),
      store: undefined,
      opening: Promise.resolve(),
    };
    this.#tasks.set(id, task);
    task.opening = this.#follow(task).catch((error: unknown) => {
      if (!task.life.signal.aborted) this.#options.onFatal(error);
    });
  }

  async #follow(task: StandbyTask, trouble?: StreamsError): Promise<void> {
    const { cluster, logger } = this.#options;
    const { signal } = task.life;
    task.store = await this.#openStore(task, trouble);
    signal.throwIfAborted();
    await untilBrokerAnswers(signal, () => cluster.track(task.changelogs.map((c) => c.topic)));
    for (const { topic, partition } of task.changelogs) {
      const name = topicPartition(topic, partition);
      const { first, end } = await untilBrokerAnswers(
        signal,
        () => cluster.offsetRange(topic, partition, READ_COMMITTED),
        () => cluster.refresh(),
      );
      const from = task.store.offsets().changelog.get(name) ?? first;
      task.positions.set(name, from);
      task.ends.set(name, end);
    }
    signal.throwIfAborted();
    for (const { topic, partition } of task.changelogs)
      this.#fetcher.seek(topic, partition, task.positions.get(topicPartition(topic, partition)) ?? 0);
    logger.info({ taskId: task.id }, 'standby task follows its changelogs');
  }

  /** `trouble`: with the disk, and known already. */
  async #openStore(task: StandbyTask, trouble?: StreamsError): Promise<StateStore> {
    const { identityOf, slotDirectory, logger, disk } = this.#options;
    const { signal } = task.life;
    const open = (): Promise<StateStore> =>
      openCheckedStore({ identity: identityOf(task.id), slotDirectory, signal, logger });
    let known = trouble;
    if (known === undefined) {
      task.state.to('RESTORING');
      try {
        return await open();
      } catch (error) {
        if (!isDiskTrouble(error)) throw error;
        task.state.to('SUSPENDED');
        known = error;
      }
    }
    const store = await disk.open(task.id, known, signal, open);
    task.state.to('RESTORING');
    return store;
  }

  async #close(task: StandbyTask): Promise<void> {
    this.#tasks.delete(task.id);
    task.life.abort();
    for (const { topic, partition } of task.changelogs) this.#fetcher.remove(topic, partition);
    // What is applied may end in another opening.
    await this.#applying;
    await task.opening;
    task.state.to('CLOSED');
    if (task.store !== undefined) await closeCleanly(task.store, task.id, this.#options.logger);
    this.#options.logger.info({ taskId: task.id }, 'closed standby task');
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const fetched = await this.#fetcher.take(TAKE_TIMEOUT_MS);
        this.#applying = this.#apply(fetched);
        await this.#applying;
      } catch (error) {
        this.#options.onFatal(error);
        return;
      }
    }
  }

  async #apply(fetched: readonly FetchedPartition[]): Promise<void> {
    for (const task of this.#tasks.values()) {
      const own = fetched.filter((part) =>
        task.changelogs.some((c) => c.topic === part.topic && c.partition === part.partition),
      );
      if (own.length === 0 || task.store === undefined || task.life.signal.aborted) continue;
      try {
        if (own.some((part) => part.outOfRange)) await this.#startOver(task);
        else await applyTo(task, task.store, own);
      } catch (error) {
        await this.#suspend(task, error);
      }
    }
  }

  /**
   * A store that failed is closed, and checked when it is opened again: for trouble with the disk, when that is over.
   */
  async #suspend(task: StandbyTask, error: unknown): Promise<void> {
    if (!isDiskTrouble(error) && !(error instanceof StreamsError && error.reaction === 'restore')) throw error;
    const { store } = task;
    task.store = undefined;
    for (const { topic, partition } of task.changelogs) this.#fetcher.remove(topic, partition);
    await store?.closeDirty();
    task.opening = this.#refollow(task, isDiskTrouble(error) ? error : undefined);
  }

  /**
   * The changelog does not hold what the store ends at: a copy can be made again, the active task decides what is
   * wrong.
   */
  async #startOver(task: StandbyTask): Promise<void> {
    const { logger, slotDirectory } = this.#options;
    const store = task.store;
    task.store = undefined;
    await store?.closeDirty();
    const kept = await setAsideStore(taskDirectory(slotDirectory, task.id));
    logger.warn(
      { taskId: task.id, kept },
      'the standby store does not fit its changelog; following it from the beginning',
    );
    task.opening = this.#refollow(task);
  }

  async #refollow(task: StandbyTask, trouble?: StreamsError): Promise<void> {
    task.state.to('SUSPENDED');
    await this.#follow(task, trouble).catch((error: unknown) => {
      if (!task.life.signal.aborted) this.#options.onFatal(new Error(`standby task ${task.id}: ${messageOf(error)}`));
    });
  }
}

async function applyTo(task: StandbyTask, into: StateStore, fetched: readonly FetchedPartition[]): Promise<void> {
  const changes: StoreChange[] = [];
  for (const { topic, partition, records, nextOffset, lastStableOffset } of fetched) {
    const name = topicPartition(topic, partition);
    const { store } = task.changelogs.find((c) => c.topic === topic && c.partition === partition) as TaskChangelog;
    for (const { offset, key, value } of records) {
      task.check(store, { topic, partition, offset, key, value });
      if (key !== null) changes.push({ store, key, value });
    }
    task.positions.set(name, nextOffset);
    task.ends.set(name, lastStableOffset);
  }
  const moved = [...task.positions].some(([name, offset]) => into.offsets().changelog.get(name) !== offset);
  if (moved) await into.commit({ changes, changelogOffsets: task.positions, inputOffsets: new Map() });
  const caughtUp = [...task.ends].every(([name, end]) => (task.positions.get(name) ?? 0) >= end);
  if (caughtUp && task.state.name === 'RESTORING') task.state.to('RUNNING');
}
