import { open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * The clean mark: one file beside LevelDB's own, written after a clean close, that lists each of them with its size
 * and, but for tables, which are checked at every open (table-check.ts), its CRC. A store whose files are exactly those
 * listed is as it was closed. A status record inside LevelDB cannot say that: a store with its CURRENT file lost or its
 * MANIFEST cut opens without an error, keeps such a record, and lacks data.
 */
const CLEAN_MARK_FILE = 'clean-mark.json';

interface MarkedFile {
  readonly size: number;
  readonly crc?: number;
}

interface CleanMark {
  readonly openId: string;
  readonly files: Readonly<Record<string, MarkedFile>>;
}

/** Files that hold the store. LOG and LOCK hold none of it. */
const STORE_FILE = /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/;

const TABLE_FILE = /\.(ldb|sst)$/;

export const isTable = (name: string): boolean => TABLE_FILE.test(name);

export async function storeFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => STORE_FILE.test(name)).sort();
}

/** Writes the mark; the store must be closed. */
export async function writeCleanMark(directory: string, openId: string): Promise<void> {
  const files: Record<string, MarkedFile> = {};
  for (const name of await storeFiles(directory)) files[name] = await markedFile(directory, name);
  const path = join(directory, CLEAN_MARK_FILE);
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(JSON.stringify({ openId, files } satisfies CleanMark));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** The `openId` of the mark when it is there and every file is as it says; else null. */
export async function readCleanMark(directory: string): Promise<string | null> {
  let mark: CleanMark;
  try {
    mark = JSON.parse(await readFile(join(directory, CLEAN_MARK_FILE), 'utf8')) as CleanMark;
  } catch {
    return null;
  }
  if (typeof mark?.openId !== 'string' || typeof mark.files !== 'object' || mark.files === null) return null;
  const names = await storeFiles(directory);
  // mutant: files-listed
  if (names.length !== Object.keys(mark.files).length) return null;
  for (const name of names) {
    const listed = mark.files[name];
    const found = await markedFile(directory, name);
    // mutant: files-unchanged
    if (listed === undefined || found.size !== listed.size || found.crc !== listed.crc) return null;
  }
  return mark.openId;
}

export async function removeCleanMark(directory: string): Promise<void> {
  await rm(join(directory, CLEAN_MARK_FILE), { force: true });
}

async function markedFile(directory: string, name: string): Promise<MarkedFile> {
  const path = join(directory, name);
  if (isTable(name)) return { size: (await stat(path)).size };
  const bytes = await readFile(path);
  return { size: bytes.length, crc: crc32(bytes) };
}
