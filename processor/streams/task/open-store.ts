import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { openLevelDbStore, type StoreIdentity } from '../store/leveldb-store.ts';
import { setAside } from '../store/set-aside.ts';
import type { StoreBuffers } from '../store/store-buffers.ts';
import { taskDirectory } from '../store/state-directory.ts';
import type { StateStore } from '../store/state-store.ts';
import { StoreLockedError, diskTrouble, storeIoFailed } from '../store/store-errors.ts';
import type { TaskId } from './task-id.ts';

const LOCKED_RETRY_MS = 25;
/**
 * A store that has seen no batch for this long may have missed tombstones that the changelog has forgotten since
 * (`delete.retention.ms`, a day): rows deleted long ago would come back (KIP-1259).
 */
const MAX_STORE_AGE_MS = 23 * 3_600_000;
/** Another thread of this process closes the store after its last commit. */
const LOCKED_TIMEOUT_MS = 60_000;

/**
 * Opens a task's store and checks it, so that damage never reaches its changelog: a store that cannot be trusted is set
 * aside and an empty one takes its place. Waits while another thread of this process still has it open.
 * @throws StreamsError STORE_IO_FAILED when the disk is full, failing or not writable; `exit` ones when it is of
 * another topology or topic.
 */
export async function openCheckedStore(options: {
  readonly identity: StoreIdentity;
  /** Without it, those of a store that is alone. */
  readonly buffers?: StoreBuffers;
  readonly slotDirectory: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}): Promise<StateStore> {
  const { identity, buffers, slotDirectory, signal, logger } = options;
  const { taskId } = identity;
  const directory = taskDirectory(slotDirectory, taskId);
  const deadline = performance.now() + LOCKED_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const store = await openLevelDbStore(directory, { identity, ...buffers });
      const { openedAsOfMs } = store;
      if (openedAsOfMs !== null && Date.now() - openedAsOfMs > MAX_STORE_AGE_MS) {
        await store.closeDirty();
        throw new StreamsError(
          'STORE_DAMAGED',
          `the store of task ${taskId} was last written ${new Date(openedAsOfMs).toISOString()}, longer ago ` +
            `than its changelog remembers deletions`,
          { taskId },
        );
      }
      if (!store.uncleanOpen) return store;
      const startedAt = performance.now();
      if (await store.verify()) {
        logger.info(
          { taskId, entries: store.digest().entries, ms: Math.round(performance.now() - startedAt) },
          'the store was not closed cleanly; it matches its digest',
        );
        return store;
      }
      await store.closeDirty();
      throw new StreamsError('STORE_DAMAGED', `the store of task ${taskId} does not match its digest`, { taskId });
    } catch (error) {
      if (error instanceof StoreLockedError && performance.now() < deadline) {
        await sleep(LOCKED_RETRY_MS);
        continue;
      }
      if (!(error instanceof StreamsError) || error.code !== 'STORE_DAMAGED') throw error;
      const kept = await setAsideStore(directory);
      logger.warn(
        { taskId, kept, reason: error.message },
        'the local store cannot be trusted; restoring it from its changelog',
      );
    }
  }
}

/**
 * Closes the store of a task with the clean mark. If the mark cannot be written, the store is checked at the next
 * opening, and that is all.
 */
export async function closeCleanly(store: StateStore, taskId: TaskId, logger: Logger): Promise<void> {
  try {
    await store.close();
  } catch (error) {
    if (!(error instanceof StreamsError)) throw error;
    logger.warn(
      { taskId, code: error.code, error: error.message },
      'the store was closed without its clean mark; it is checked when it is opened again',
    );
  }
}

/**
 * Sets a store aside. If the disk does not allow that, the store stays where it is and is checked again.
 * @throws StreamsError STORE_IO_FAILED
 */
export async function setAsideStore(directory: string): Promise<string | null> {
  try {
    return await setAside(directory);
  } catch (error) {
    const trouble = diskTrouble(messageOf(error));
    throw trouble === null ? error : storeIoFailed(directory, trouble, error);
  }
}
