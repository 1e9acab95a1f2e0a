import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from './store-errors.ts';

const MARKER = '.set-aside-';

/** How many damaged stores of one task are kept for inspection. */
const KEPT = 3;

/**
 * Renames the directory of a damaged store, which must be closed, to `<directory>.set-aside-<time>` beside it, and
 * deletes all but the newest few of the same task.
 * @returns where it is now; null when there was no such directory.
 */
export async function setAside(directory: string, nowMs: number = Date.now()): Promise<string | null> {
  const time = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
  const target = await freeName(`${directory}${MARKER}${time}`);
  try {
    await rename(directory, target);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  const parent = dirname(directory);
  const prefix = `${basename(directory)}${MARKER}`;
  const ours = (await readdir(parent)).filter((name) => name.startsWith(prefix)).sort();
  for (const name of ours.slice(0, -KEPT)) await rm(join(parent, name), { recursive: true, force: true });
  return target;
}

/** Two within one millisecond must not meet: renaming onto a directory fails. */
async function freeName(wanted: string): Promise<string> {
  const taken = new Set(await readdir(dirname(wanted)).catch(() => []));
  let name = wanted;
  for (let number = 2; taken.has(basename(name)); number++) name = `${wanted}-${number}`;
  return name;
}
