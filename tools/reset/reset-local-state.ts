import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, SLOT_LOCK_FILE, type SlotLock, slotLockRemedy, takeSlotLock } from '@tributary/streams/operations';
import { withVariables } from '../../processor/logins/runtime-words.ts';
import { errorCode, UserError } from '../command-line/user-error.ts';

const SLOT = /^\d+$/;

/** What one processor process has on this machine's disk. */
export interface LocalSlot {
  readonly path: string;
  /**
   * Names in it that hold state: stores, and copies that were set aside. Its lock file, and so its process id, stays.
   */
  readonly contents: readonly string[];
  /** Null: a running process has it. */
  readonly lock: SlotLock | null;
}

export interface LocalState {
  readonly root: string;
  /** The slot that a next processor takes first comes last. */
  readonly slots: readonly LocalSlot[];
  /** Frees the slots; nothing may be deleted afterwards. */
  release(): void;
}

/**
 * Finds the slots of an application below STATE_DIR and locks each that no process runs on, so that none starts on it
 * before `release`.
 * @throws UserError STATE_DIRECTORY_UNUSABLE
 */
export async function takeLocalState(stateDir: string, applicationId: string): Promise<LocalState> {
  const root = resolve(stateDir, applicationId);
  const slots: LocalSlot[] = [];
  const release = (): void => {
    for (const { lock } of slots) lock?.release();
  };
  try {
    for (const name of await slotNames(root)) {
      const path = join(root, name);
      const lock = takeSlotLock(path);
      slots.push({ path, lock, contents: await contentsOf(path) });
    }
  } catch (error) {
    release();
    const why = slotLockRemedy(error) ?? messageOf(error);
    throw new UserError(
      'STATE_DIRECTORY_UNUSABLE',
      `cannot use the state directory ${root} (STATE_DIR): ${withVariables(why, ['stateDir'])}`,
    );
  }
  return { root, slots, release };
}

/**
 * Highest first: until the last of them is empty, a processor that starts on slot 0 finds state there and is careful.
 */
async function slotNames(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory() && SLOT.test(entry.name))
    .map(({ name }) => name)
    .sort((a, b) => Number(b) - Number(a));
}

async function contentsOf(slotPath: string): Promise<string[]> {
  return (await readdir(slotPath)).filter((name) => !name.startsWith(SLOT_LOCK_FILE)).sort();
}

/** The slot must be locked by the caller. */
export async function emptySlot({ path, contents }: LocalSlot): Promise<void> {
  for (const name of contents) await rm(join(path, name), { recursive: true, force: true });
}
