import { open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * The clean mark: one file beside LevelDB's own, written after a clean close, that lists each of them with its size and
 * CRC. A store whose files are exactly those listed is as it was closed. A status record inside LevelDB cannot say that:
 * a store with its CURRENT file lost or its MANIFEST cut opens without an error, keeps such a record, and lacks data.
 */
const CLEAN_MARK_FILE = 'clean-mark.json';

interface MarkedFile {
  readonly size: number;
  readonly crc: number;
}

export interface CleanMark {
  readonly openId: string;
  readonly files: Readonly<Record<string, MarkedFile>>;
}

/** Files that hold the store. LOG and LOCK hold none of it. */
const STORE_FILE = /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/;

/** Table files are never changed once written, and their numbers are never used again. */
const TABLE_FILE = /\.(ldb|sst)$/;

export async function storeFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => STORE_FILE.test(name)).sort();
}

/** Writes the mark; the store must be closed. `known`: the mark it was opened with, so that tables are read once. */
export async function writeCleanMark(directory: string, openId: string, known: CleanMark | null): Promise<void> {
  const files: Record<string, MarkedFile> = {};
  for (const name of await storeFiles(directory)) {
    const before = TABLE_FILE.test(name) ? known?.files[name] : undefined;
    files[name] = before ?? (await markedFile(join(directory, name)));
  }
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

/** The mark when it is there and every file is as it says; else null. Reads every file once: about 1 s a gigabyte. */
export async function readCleanMark(directory: string): Promise<CleanMark | null> {
  let mark: CleanMark;
  try {
    mark = JSON.parse(await readFile(join(directory, CLEAN_MARK_FILE), 'utf8')) as CleanMark;
  } catch {
    return null;
  }
  if (typeof mark?.openId !== 'string' || typeof mark.files !== 'object' || mark.files === null) return null;
  const names = await storeFiles(directory);
  if (names.length !== Object.keys(mark.files).length) return null;
  for (const name of names) {
    const listed = mark.files[name];
    const path = join(directory, name);
    if (listed === undefined || (await stat(path)).size !== listed.size) return null;
    if ((await markedFile(path)).crc !== listed.crc) return null;
  }
  return mark;
}

export async function removeCleanMark(directory: string): Promise<void> {
  await rm(join(directory, CLEAN_MARK_FILE), { force: true });
}

async function markedFile(path: string): Promise<MarkedFile> {
  const bytes = await readFile(path);
  return { size: bytes.length, crc: crc32(bytes) };
}
