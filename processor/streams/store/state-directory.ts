import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StreamsError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { setAside } from './set-aside.ts';
import { slotLockRemedy, takeSlotLock } from './slot-lock.ts';
import type { SlotLock } from './slot-lock.ts';
import { diskTrouble } from './store-errors.ts';

const LEGAL_APPLICATION_ID = /^[a-zA-Z0-9_-][a-zA-Z0-9._-]*$/;
const TASK_ID = /^\d+_\d+$/;
/** The stores hold data of the input: no other user of the machine may read them. */
const OWNER_ONLY = 0o700;

/** More processes than this on one directory are taken for a mistake, such as a restart loop that never dies. */
const MOST_SLOTS = 1_000;

/**
 * `<stateDir>/<applicationId>/<slot>/<taskId>/`: one LevelDB per task, one slot per process.
 * A process takes the lowest slot that is free, so that it finds its own stores again after a restart, and several
 * processes share one state directory without a setting that tells them apart.
 */
export class StateDirectory {
  /** The slot's directory, absolute: what a stream thread needs (`taskDirectory`). */
  readonly path: string;
  readonly slot: number;
  /**
   * A UUID that stays with the slot, but not with a copy of it: it says which tasks the process had before a restart.
   */
  readonly processId: string;
  readonly #lock: SlotLock;
  #released = false;

  private constructor(path: string, slot: number, lock: SlotLock) {
    this.path = path;
    this.slot = slot;
    this.processId = lock.processId;
    this.#lock = lock;
  }

  /**
   * Takes the first free slot and holds it until `release` or the death of the process. Call it from the main thread.
   * @throws StreamsError `STATE_DIRECTORY_UNUSABLE`, naming the directory and the remedy.
   */
  static async lock(
    stateDir: string,
    applicationId: string,
    { log }: { readonly log: Logger },
  ): Promise<StateDirectory> {
    if (!LEGAL_APPLICATION_ID.test(applicationId)) {
      throw new StreamsError(
        'CONFIG_INVALID',
        `"${applicationId}" cannot be an application id: use letters, digits, ".", "_" and "-", no "." first`,
        { settings: ['applicationId'] },
      );
    }
    const root = resolve(stateDir, applicationId);
    await makePrivate(root, stateDir);
    for (let slot = 0; slot < MOST_SLOTS; slot++) {
      const path = join(root, String(slot));
      const lock = await takeSlot(path, stateDir);
      if (lock === null) continue;
      const directory = new StateDirectory(path, slot, lock);
      log.info({ stateDirectory: path, slot, processId: lock.processId }, 'took a slot of the state directory');
      return directory;
    }
    throw unusable(stateDir, `all ${MOST_SLOTS} slots of ${root} are taken by running processes`);
  }

  taskDirectory(taskId: string): string {
    return taskDirectory(this.path, taskId);
  }

  /** The tasks that have a store here, in no order. Those set aside do not count. */
  async taskIds(): Promise<string[]> {
    const found = await readdir(this.path, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory() && TASK_ID.test(entry.name)).map((entry) => entry.name);
  }

  /** Keeps a damaged store, which must be closed, for inspection: says where, or null when there was none. */
  setAside(taskId: string): Promise<string | null> {
    return setAside(this.taskDirectory(taskId));
  }

  /** Deletes the store of a task; it must be closed. */
  async remove(taskId: string): Promise<void> {
    await rm(this.taskDirectory(taskId), { recursive: true, force: true });
  }

  /** Frees the slot; every store in it must be closed. May be called twice. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#lock.release();
  }
}

/** Where the store of a task lies within a slot. For stream threads, which know the slot's path only. */
export function taskDirectory(slotPath: string, taskId: string): string {
  if (!TASK_ID.test(taskId)) throw new TypeError(`"${taskId}" is not a task id such as 0_3`);
  return join(slotPath, taskId);
}

/** One that an earlier release has left open is closed; one of another user, on a shared volume, stays as it is. */
async function makePrivate(root: string, stateDir: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true, mode: OWNER_ONLY });
  } catch (error) {
    throw unusable(stateDir, diskTrouble(messageOf(error)) ?? messageOf(error), error);
  }
  await chmod(root, OWNER_ONLY).catch(() => undefined);
}

async function takeSlot(path: string, stateDir: string): Promise<SlotLock | null> {
  try {
    // mutant: owner-only
    await mkdir(path, { recursive: true, mode: OWNER_ONLY });
    return takeSlotLock(path);
  } catch (error) {
    const message = messageOf(error);
    throw unusable(stateDir, slotLockRemedy(error) ?? diskTrouble(message) ?? message, error);
  }
}

function unusable(stateDir: string, why: string, cause?: unknown): StreamsError {
  return new StreamsError('STATE_DIRECTORY_UNUSABLE', `cannot use the state directory ${stateDir} (stateDir): ${why}`, {
    settings: ['stateDir'],
    cause,
  });
}
