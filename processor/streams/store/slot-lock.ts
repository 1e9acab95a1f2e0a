import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * The lock of one slot: a SQLite file in exclusive locking mode, which also keeps the process id. The kernel frees it
 * when the process dies, however it dies.
 *
 * Not LevelDB's own lock, for a reason that was measured: it is a plain fcntl lock, and the second open of a directory
 * within one process, although refused, closes a descriptor of the LOCK file, whereupon the kernel drops the lock and
 * another process can open the store beside its owner. SQLite guards against this, across threads and symbolic links
 * too.
 */
export interface SlotLock {
  /** A UUID made when the slot was first taken; the same at each start since, and another one in a copy of the slot. */
  readonly processId: string;
  release(): void;
}

export const SLOT_LOCK_FILE = 'process.sqlite';

/** Two processes that start together may meet half-way through taking the lock: one of them must get it. */
const MEETING_MS = 50;

const SQLITE_BUSY = 5;

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/**
 * This machine since it was started. A slot that is found elsewhere may be a copy of one that is in use; after a reboot
 * no group has a member of the old process id any more, so a new one costs nothing.
 */
function machineSinceBoot(): string {
  try {
    return readFileSync(BOOT_ID_FILE, 'utf8').trim();
  } catch {
    return hostname();
  }
}

/**
 * Takes the lock in `directory`, which must exist; null when another process, thread or caller has it. Two processes
 * under one process id would drive each other out of the group for ever, so a slot that was copied, to another machine
 * or beside the first, gets a new one: a copy has another inode, that of a whole disk another boot.
 * @throws what SQLite throws when the file cannot be written or is no database.
 */
export function takeSlotLock(directory: string, machine: string = machineSinceBoot()): SlotLock | null {
  const file = join(directory, SLOT_LOCK_FILE);
  const database = new DatabaseSync(file);
  try {
    // As a pragma: Node 22.15, the oldest that this runs on, does not know the option. Exclusive mode comes after the
    // lock: it would keep what was got half-way, and two that meet would keep each other from the rest.
    database.exec(`PRAGMA busy_timeout = ${MEETING_MS}; BEGIN EXCLUSIVE; PRAGMA locking_mode = EXCLUSIVE`);
    database.exec(
      'CREATE TABLE IF NOT EXISTS process (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), id TEXT NOT ' +
        'NULL, created_at TEXT NOT NULL)',
    );
    database.prepare('INSERT OR IGNORE INTO process VALUES (1, ?, ?)').run(randomUUID(), new Date().toISOString());
    database.exec(
      'CREATE TABLE IF NOT EXISTS place (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), place TEXT NOT NULL)',
    );
    const place = `${machine} ${String(statSync(file, { bigint: true }).ino)}`;
    const known = database.prepare('SELECT place FROM place').get()?.['place'];
    if (known !== place) {
      // mutant: copied-slot
      if (known !== undefined)
        database.prepare('UPDATE process SET id = ?, created_at = ?').run(randomUUID(), new Date().toISOString());
      database.prepare('INSERT OR REPLACE INTO place VALUES (1, ?)').run(place);
    }
    const row = database.prepare('SELECT id FROM process').get();
    database.exec('COMMIT');
    return {
      processId: String(row?.['id']),
      release: () => {
        database.close();
      },
    };
  } catch (error) {
    database.close();
    if (sqliteCode(error) === SQLITE_BUSY) return null;
    throw error;
  }
}

function sqliteCode(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { errcode?: unknown }).errcode : undefined;
  // The low byte is the kind of error, the rest its variant.
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** What to do about a lock file that SQLite refuses, in words; undefined when the error is not SQLite's. */
export function slotLockRemedy(error: unknown): string | undefined {
  const code = sqliteCode(error);
  return code === undefined ? undefined : (REMEDIES.get(code) ?? 'SQLite refuses its lock file');
}

const REMEDIES: ReadonlyMap<number, string> = new Map([
  [8, 'it is read-only: set stateDir to a directory that this user can write'],
  [10, 'the disk reports an input/output error: mend or replace it'],
  [11, `its ${SLOT_LOCK_FILE} is damaged: stop every processor that uses it and delete that file`],
  [13, 'the disk is full: free some space'],
  [14, 'its lock file cannot be opened: set stateDir to a directory that this user can write'],
  [26, `its ${SLOT_LOCK_FILE} is damaged: stop every processor that uses it and delete that file`],
]);
