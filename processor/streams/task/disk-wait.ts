import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { taskDirectory } from '../store/state-directory.ts';
import type { StateStore } from '../store/state-store.ts';
import { diskTrouble, levelCause, storeIoFailed } from '../store/store-errors.ts';
import type { TaskId } from './task-id.ts';

const PROBE_FILE = 'disk-probe';
/** More than the last bytes that something else leaves or frees on a full disk. */
const PROBE_BYTES = 64 << 10;
const MIN_WAIT_MS = 200;
const MAX_WAIT_MS = 1_000;
/**
 * An opening reads every table of the store: where the probe can be written and the store still fails, it is tried less
 * often.
 */
const MAX_OPEN_WAIT_MS = 5_000;
/** A disk that fails again so soon after it was well is still in the same trouble. */
const SAME_TROUBLE_MS = 10_000;
const LOG_INTERVAL_MS = 60_000;

/** The disk under a store is full, failing or not writable, as opposed to a store that is damaged. */
export function isDiskTrouble(error: unknown): error is StreamsError {
  return error instanceof StreamsError && error.code === 'STORE_IO_FAILED';
}

/**
 * The tasks of one thread that wait for the disk under their stores, as they would for a broker that is away: for ever,
 * and no failure is counted. LevelDB fails all writes after one that failed, also when there is space again, and does
 * not open on a full disk; so a store in trouble is closed, and opened again once a probe can be written.
 */
export class DiskWait {
  readonly #slotDirectory: string;
  readonly #logger: Logger;
  readonly #waiting = new Map<TaskId, StreamsError>();
  /** By task: the wait that its last trouble ended with, and when. */
  readonly #last = new Map<TaskId, { readonly waitMs: number; readonly endedAt: number }>();
  readonly #pause: typeof sleep;
  #logDueAt = -Infinity;

  /** @param pause how time passes: a test's own way. */
  constructor(slotDirectory: string, logger: Logger, pause: typeof sleep = sleep) {
    this.#pause = pause;
    this.#slotDirectory = slotDirectory;
    this.#logger = logger;
  }

  /** Which tasks wait, for what, and the remedy, in one line for /ready; null when no task waits. */
  get reason(): string | null {
    const [trouble] = this.#waiting.values();
    if (trouble === undefined) return null;
    return (
      `waiting for the disk of stateDir (tasks ${[...this.#waiting.keys()].join(', ')}): ${trouble.code}: ` +
      `${trouble.message}; the tasks go on by themselves after that`
    );
  }

  /** The task has found its disk in trouble, and will wait for it with `open`. */
  report(taskId: TaskId, trouble: StreamsError): void {
    this.#waiting.set(taskId, trouble);
    const now = performance.now();
    if (now < this.#logDueAt) return;
    this.#logDueAt = now + LOG_INTERVAL_MS;
    this.#logger.warn({ taskIds: [...this.#waiting.keys()], code: trouble.code }, String(this.reason));
  }

  /** The task does not wait any more. */
  leave(taskId: TaskId): void {
    this.#waiting.delete(taskId);
  }

  /**
   * Opens the store of a task that is in trouble, as soon as its disk allows it. The store must be closed.
   * @throws what `signal` throws, and what `reopen` throws but for trouble with the disk.
   */
  async open(
    taskId: TaskId,
    trouble: StreamsError,
    signal: AbortSignal,
    reopen: () => Promise<StateStore>,
  ): Promise<StateStore> {
    const last = this.#last.get(taskId);
    let waitMs =
      last !== undefined && performance.now() - last.endedAt < SAME_TROUBLE_MS
        ? Math.min(2 * last.waitMs, MAX_OPEN_WAIT_MS)
        : MIN_WAIT_MS;
    this.report(taskId, trouble);
    try {
      for (;;) {
        await this.#pause(waitMs, undefined, { signal });
        let probed = false;
        try {
          await this.#probe(taskId);
          probed = true;
          return await reopen();
        } catch (error) {
          if (!isDiskTrouble(error)) throw error;
          this.report(taskId, error);
        }
        waitMs = Math.min(2 * waitMs, probed ? MAX_OPEN_WAIT_MS : MAX_WAIT_MS);
      }
    } finally {
      this.leave(taskId);
      this.#last.set(taskId, { waitMs, endedAt: performance.now() });
    }
  }

  async #probe(taskId: TaskId): Promise<void> {
    const directory = taskDirectory(this.#slotDirectory, taskId);
    const path = join(directory, PROBE_FILE);
    try {
      await mkdir(directory, { recursive: true });
      const file = await open(path, 'w');
      try {
        await file.writeFile(Buffer.alloc(PROBE_BYTES));
        await file.datasync();
      } finally {
        await file.close();
        await rm(path, { force: true });
      }
    } catch (error) {
      const { message } = levelCause(error);
      throw storeIoFailed(directory, diskTrouble(message) ?? message, error);
    }
  }
}
