import type { RestoreCluster } from '../reading/changelog-reader.ts';
import type { RowCheck } from '../reading/row-check.ts';
import { READ_COMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { storedRow } from '../reading/changelog-row.ts';
import { RecordFetcher } from '../reading/record-fetcher.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { StreamsError } from '../errors.ts';
import { UNHEARD, type LongWaits, type StepsThatWait } from '../long-waits.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import type { TaskStatus } from './instance-status.ts';
import { isDiskTrouble } from './disk-wait.ts';
import { compareTaskIds, type TaskId } from './task-id.ts';
import type { TaskChangelog } from './task-layout.ts';
import { TaskLife, type TaskLifeContext } from './task-life.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

interface StandbyTask {
  readonly id: TaskId;
  readonly life: TaskLife;
  readonly changelogs: readonly TaskChangelog[];
  readonly check: RowCheck;
  readonly positions: Map<string, number>;
  readonly ends: Map<string, number>;
}

interface StandbyTasksOptions {
  readonly life: TaskLifeContext;
  /** With connections of its own: long polls of the standbys must hold up nothing else. */
  readonly cluster: RestoreCluster & Pick<KafkaCluster, 'disconnect'>;
  readonly changelogsOf: (id: TaskId) => readonly TaskChangelog[];
  /** Checks each row before the store has it. */
  readonly checkOf?: (id: TaskId) => RowCheck;
  /** Where tasks say what they wait for; without it nobody hears. */
  readonly waits?: LongWaits;
}

const FETCH_TIMEOUT_MS = 500;
const MAX_WAIT_MS = 500;
const DOES_NOT_FIT = new StreamsError(
  'STORE_DAMAGED',
  'the standby store does not fit its changelog; following it from the beginning',
);

/**
 * The standby replicas of one thread: stores kept up with their changelogs, so that one of these tasks restores next to
 * nothing when it becomes active. They read committed records only and never write to Kafka. Each store is written by
 * this loop alone.
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
    this.#fetcher = new RecordFetcher(options.cluster, options.life.logger, {
      maxWaitMs: MAX_WAIT_MS,
      isolationLevel: READ_COMMITTED,
    });
  }

  ids(): TaskId[] {
    return [...this.#tasks.keys()].sort(compareTaskIds);
  }

  /**
   * Follows these tasks and no others. Resolves when the stores of all others are closed, so that their tasks can be
   * made active.
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
      state: task.life.state,
      inputs: task.changelogs.map(({ topic, partition }) => topicPartition(topic, partition)),
      lag: [...task.ends].reduce((sum, [name, end]) => sum + Math.max(0, end - (task.positions.get(name) ?? 0)), 0),
    }));
  }

  /** The store of a task that is followed here, while it is open. */
  storeOf(id: TaskId): StateStore | undefined {
    return this.#tasks.get(id)?.life.store;
  }

  #open(id: TaskId): void {
    const { life: context, changelogsOf, checkOf } = this.#options;
    const task: StandbyTask = {
      id,
      life: new TaskLife(id, context),
      changelogs: changelogsOf(id),
      check: checkOf?.(id) ?? (() => undefined),
      positions: new Map(),
      ends: new Map(),
    };
    this.#tasks.set(id, task);
    task.life.begin({
      initialise: async () => {
        const waiting = this.#options.waits?.of(`standby task ${id}`) ?? UNHEARD;
        await this.#follow(task, waiting).finally(waiting.end);
      },
      release: async () => this.#stopReading(task),
      // A copy that cannot be opened or followed is a fault of this process, but for trouble with the disk.
      fatalError: (error) => (isDiskTrouble(error) ? undefined : error),
    });
  }

  /** Opens the store and reads its changelogs on from where it ends. RUNNING comes when it has caught up. */
  async #follow(
    { id, life, changelogs, positions, ends }: StandbyTask,
    { step, unanswered }: StepsThatWait,
  ): Promise<void> {
    const { cluster } = this.#options;
    const { signal } = life;
    step('its store to be opened and checked');
    const store = await life.openStore();
    signal.throwIfAborted();
    step('the ends of its changelogs');
    await untilBrokerAnswers(signal, () => cluster.track(changelogs.map(({ topic }) => topic)), undefined, unanswered);
    for (const { topic, partition } of changelogs) {
      const name = topicPartition(topic, partition);
      const { first, end } = await untilBrokerAnswers(
        signal,
        () => cluster.offsetRange(topic, partition, READ_COMMITTED),
        () => cluster.refresh(),
        unanswered,
      );
      const from = store.offsets().changelog.get(name) ?? first;
      positions.set(name, from);
      ends.set(name, end);
    }
    signal.throwIfAborted();
    for (const { topic, partition } of changelogs)
      this.#fetcher.seek(topic, partition, positions.get(topicPartition(topic, partition)) ?? 0);
    this.#options.life.logger.info({ taskId: id }, 'standby task follows its changelogs');
    if (changelogs.length === 0) life.run();
  }

  #stopReading({ changelogs }: StandbyTask): void {
    for (const { topic, partition } of changelogs) this.#fetcher.remove(topic, partition);
  }

  async #close(task: StandbyTask): Promise<void> {
    this.#tasks.delete(task.id);
    task.life.abandon();
    this.#stopReading(task);
    // Rows that are being applied may end in a suspension. A failure of theirs is reported already.
    await this.#applying.catch(() => undefined);
    await task.life.close(true);
    this.#options.life.logger.info({ taskId: task.id }, 'closed standby task');
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const fetched = await this.#fetcher.take(FETCH_TIMEOUT_MS);
        this.#applying = this.#apply(fetched);
        await this.#applying;
      } catch (error) {
        this.#options.life.onFatal(error);
        return;
      }
    }
  }

  async #apply(fetched: readonly FetchedPartition[]): Promise<void> {
    for (const task of this.#tasks.values()) {
      const own = fetched.filter((part) =>
        task.changelogs.some((c) => c.topic === part.topic && c.partition === part.partition),
      );
      const { store, signal } = task.life;
      if (own.length === 0 || store === undefined || signal.aborted) continue;
      // The active task decides what is wrong with a changelog; a copy of it can be made again.
      if (own.some((part) => part.outOfRange)) await task.life.suspend(DOES_NOT_FIT, { setAside: true });
      else
        await applyTo(task, store, own).catch(async (error: unknown) => {
          if (!isDiskTrouble(error) && !(error instanceof StreamsError && error.reaction === 'restore')) throw error;
          await task.life.suspend(error);
        });
    }
  }
}

async function applyTo(task: StandbyTask, into: StateStore, fetched: readonly FetchedPartition[]): Promise<void> {
  const changes: StoreChange[] = [];
  for (const { topic, partition, records, nextOffset, lastStableOffset } of fetched) {
    const name = topicPartition(topic, partition);
    const changelog = task.changelogs.find((c) => c.topic === topic && c.partition === partition) as TaskChangelog;
    const { store } = changelog;
    for (const record of records) {
      const { offset, key, value } = record;
      task.check(store, { topic, partition, offset, key, value });
      if (key === null) continue;
      changes.push({ store, key, value: changelog.timed ? storedRow(key, value, record.headerList) : value });
    }
    task.positions.set(name, nextOffset);
    task.ends.set(name, lastStableOffset);
  }
  const moved = [...task.positions].some(([name, offset]) => into.offsets().changelog.get(name) !== offset);
  if (moved) await into.commit({ changes, changelogOffsets: task.positions, inputOffsets: new Map() });
  const caughtUp = [...task.ends].every(([name, end]) => (task.positions.get(name) ?? 0) >= end);
  if (caughtUp && task.life.state === 'RESTORING') task.life.run();
}
