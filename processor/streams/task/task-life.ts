import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { StateStore } from '../store/state-store.ts';
import { isDiskTrouble, type DiskWait } from './disk-wait.ts';
import type { TaskStateName } from './instance-status.ts';
import { closeCleanly } from './open-store.ts';
import { isRegistryAway, REGISTRY_PAUSE_MS } from './registry-wait.ts';
import type { TaskId } from './task-id.ts';

/*
 *             begin            run                RESTORING: initialise-task.ts, or a standby that catches up
 *   CREATED ────────> RESTORING ────────> RUNNING
 *      │               │  ^  │              │ │    SUSPENDED: initialising failed, a commit failed, or the task was
 *      │        failed │  │  │     suspend  │ │    fenced; what was not committed is dropped, and the task is
 *      │               v  │  │              │ │    initialised again: at once, or when the disk under its store
 *      │            SUSPENDED <─────────────┘ │    takes writes again
 *      │                │    │                │
 *      v                v    v                v
 *      └──── close ──> CLOSED <───────────────┘
 *
 *   from      | to
 *   CREATED   | RESTORING, CLOSED
 *   RESTORING | RUNNING, SUSPENDED, CLOSED
 *   RUNNING   | SUSPENDED, CLOSED
 *   SUSPENDED | RESTORING, CLOSED
 *   CLOSED    | nothing
 */
const LEGAL_MOVES: Readonly<Record<TaskStateName, readonly TaskStateName[]>> = {
  CREATED: ['RESTORING', 'CLOSED'],
  RESTORING: ['RUNNING', 'SUSPENDED', 'CLOSED'],
  RUNNING: ['SUSPENDED', 'CLOSED'],
  SUSPENDED: ['RESTORING', 'CLOSED'],
  CLOSED: [],
};

const RETRY_DELAY_MS = 200;

/** What the lives of all tasks of a thread share. */
export interface TaskLifeContext {
  readonly disk: DiskWait;
  readonly logger: Logger;
  /** Opens the task's store and checks it. */
  readonly openStore: (id: TaskId, signal: AbortSignal) => Promise<StateStore>;
  /** Puts the files of a closed store away, so that the next opening finds none. */
  readonly setStoreAside: (id: TaskId) => Promise<string | null>;
  /** An error that this thread can do nothing about. */
  readonly onFatal: (error: unknown) => void;
}

/** What an active task and a standby do differently in the same states. */
export interface TaskRole {
  /** In RESTORING: makes the task ready to work. It is called again after an error, unless that is fatal. */
  initialise(): Promise<void>;
  /**
   * Lets go of what `initialise` has opened, but for the store: at the end, and before it is called again.
   * `abort`: the task may have sent records that are not committed, and must not be.
   */
  release(options: { readonly abort: boolean }): Promise<void>;
  /** The error by which the thread must end because of this one; undefined when the task can be initialised again. */
  fatalError(error: unknown): unknown;
}

/** What a task sees of its own life: it does not change its state. */
export type TaskLifeView = Pick<TaskLife, 'state' | 'store' | 'signal' | 'openStore'>;

/**
 * The life of a task that runs from the first moment on and has its store in memory, as in the test driver; none where
 * its sub-topology has no stores, as in production.
 */
export function lifeInMemory(store: StateStore | undefined): TaskLifeView {
  const openStore = async (): Promise<StateStore> => {
    if (store === undefined) throw new Error('a task without stores opens none');
    return store;
  };
  return { state: 'RUNNING', store, signal: new AbortController().signal, openStore };
}

/**
 * The life of one task, active or standby: the only owner of its state, of its store, and of the work that brings it
 * from one state to the next. Every change of state is made here; a move that is not in the table is a bug in the
 * runtime and throws.
 */
export class TaskLife {
  readonly id: TaskId;
  readonly #context: TaskLifeContext;
  readonly #ended = new AbortController();
  #role: TaskRole | undefined;
  #state: TaskStateName = 'CREATED';
  #store: StateStore | undefined;
  /** Initialising under way: a close waits until it has noticed. */
  #initialising: Promise<void> = Promise.resolve();

  constructor(id: TaskId, context: TaskLifeContext) {
    this.id = id;
    this.#context = context;
  }

  get state(): TaskStateName {
    return this.#state;
  }

  /** Aborted when the task is lost or closed: ends what is under way for it. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Undefined while it is closed, and in a task without stores. */
  get store(): StateStore | undefined {
    return this.#store;
  }

  /** CREATED to RESTORING. Does not wait: what comes of it is a later state, or `onFatal`. */
  begin(role: TaskRole): void {
    this.#role = role;
    this.#initialising = this.#initialise(role);
  }

  /** Opens the task's store, unless it is open already. */
  async openStore(): Promise<StateStore> {
    this.#store ??= await this.#context.openStore(this.id, this.signal);
    return this.#store;
  }

  /** RESTORING to RUNNING. */
  run(): void {
    this.#to('RUNNING');
  }

  /**
   * RUNNING or RESTORING to SUSPENDED because of `error`, and on to RESTORING by itself. Resolves when what the task
   * had open is let go of. `setAside`: the store goes with it.
   */
  async suspend(error: unknown, { setAside = false } = {}): Promise<void> {
    this.#to('SUSPENDED');
    const { disk, logger, setStoreAside } = this.#context;
    const role = this.#role as TaskRole;
    let cause = error;
    if (isDiskTrouble(error)) disk.report(this.id, error);
    try {
      await role.release({ abort: true });
      await this.#closeDoubtfulStore(error);
      if (setAside) {
        const kept = await setStoreAside(this.id);
        logger.warn({ taskId: this.id, kept }, messageOf(error));
      }
    } catch (failure) {
      if (!isDiskTrouble(failure)) throw failure;
      cause = failure;
    }
    this.#initialising = this.#initialise(role, cause);
  }

  /** The task is lost: ends what is under way, and begins nothing more. `close` must follow. */
  abandon(): void {
    this.#ended.abort();
  }

  /**
   * Any state to CLOSED. What is not committed is dropped: the next owner reads it again.
   * @param clean the committed state is sound, so the store is closed with its clean mark.
   */
  async close(clean: boolean): Promise<void> {
    if (this.#state === 'CLOSED') return;
    this.abandon();
    await this.#initialising;
    this.#to('CLOSED');
    this.#context.disk.leave(this.id);
    await this.#role?.release({ abort: true });
    const store = this.#store;
    this.#store = undefined;
    if (store !== undefined) await (clean ? closeCleanly(store, this.id, this.#context.logger) : store.closeDirty());
  }

  /** `cause`: what the task was suspended for. */
  async #initialise(role: TaskRole, cause?: unknown): Promise<void> {
    const { disk, logger, openStore, onFatal } = this.#context;
    const { signal } = this;
    for (let last = cause; !signal.aborted;) {
      try {
        // The disk is waited for before `initialise`: it fences once, and not each time that the disk is asked.
        if (isDiskTrouble(last)) this.#store = await disk.open(this.id, last, signal, () => openStore(this.id, signal));
        if (isRegistryAway(last)) await sleep(REGISTRY_PAUSE_MS, undefined, { signal }).catch(() => undefined);
        last = undefined;
        if (signal.aborted) return;
        this.#to('RESTORING');
        await role.initialise();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const fatal = role.fatalError(error);
        if (fatal !== undefined) {
          onFatal(fatal);
          return;
        }
        if (this.#state === 'RESTORING') this.#to('SUSPENDED');
        await role.release({ abort: false });
        await this.#closeDoubtfulStore(error);
        last = error;
        if (isDiskTrouble(error)) continue;
        logger.warn(
          { taskId: this.id, code: error instanceof StreamsError ? error.code : undefined, error: messageOf(error) },
          'initialising the task failed; trying again',
        );
        await sleep(RETRY_DELAY_MS);
      }
    }
  }

  /** A store that failed while it was open is closed, so that it is checked when it is opened again. */
  async #closeDoubtfulStore(error: unknown): Promise<void> {
    if (!isDiskTrouble(error) && !(error instanceof StreamsError && error.reaction === 'restore')) return;
    const store = this.#store;
    this.#store = undefined;
    await store?.closeDirty();
  }

  #to(next: TaskStateName): void {
    if (!LEGAL_MOVES[this.#state].includes(next)) {
      throw new StreamsError('THREAD_FAILED', `task ${this.id} cannot go from ${this.#state} to ${next}`, {
        taskId: this.id,
      });
    }
    this.#state = next;
  }
}
