import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StreamsError } from '../errors.ts';
import { isTable, readCleanMark, storeFiles } from './clean-mark.ts';
import { diskTrouble, levelCause, storeDamaged, storeIoFailed, systemCode } from './store-errors.ts';
import { checkTables } from './table-check.ts';

export interface FoundFiles {
  readonly isNew: boolean;
  /** Of the opening that ended with a clean close of exactly these files; null when none did. */
  readonly cleanOpenId: string | null;
}

/**
 * What must be seen before LevelDB opens: it silently starts an empty database beside tables whose CURRENT file is
 * lost, and it trusts its tables.
 * @throws StreamsError `STORE_DAMAGED` or `STORE_IO_FAILED`.
 */
export async function inspectFiles(directory: string): Promise<FoundFiles> {
  try {
    await mkdir(directory, { recursive: true });
    const names = await storeFiles(directory);
    if (names.length > 0 && !names.includes('CURRENT')) throw storeDamaged(directory, 'its CURRENT file is missing');
    const { damage, unfinished } = await checkTables(directory, names.filter(isTable));
    if (damage !== null) throw storeDamaged(directory, damage);
    return { isNew: names.length === 0, cleanOpenId: unfinished.length > 0 ? null : await readCleanMark(directory) };
  } catch (error) {
    if (error instanceof StreamsError) throw error;
    const trouble = diskTrouble(levelCause(error).message);
    if (trouble !== null) throw storeIoFailed(directory, trouble, error);
    // A file vanished between listing and reading: the owner that still has the store open is at work.
    if (systemCode(error) === 'ENOENT') return { isNew: false, cleanOpenId: null };
    throw error;
  }
}

/** The first line of LevelDB's LOG that speaks of lost data; LOG is begun anew at each open. */
export async function recoveryDoubt(directory: string): Promise<string | null> {
  const log = await readFile(join(directory, 'LOG'), 'utf8').catch(() => '');
  return log.split('\n').find((line) => /dropping|corruption|ignoring error/i.test(line)) ?? null;
}
