import { cp, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { StreamsError } from '../../errors.ts';
import { openLevelDbStore } from '../../store/leveldb-store.ts';
import type { StateStore } from '../../store/state-store.ts';
import { IDENTITY, NumberedModel, SMALL_BUFFERS, numberedBatch, storeContents } from './state-store.writer.ts';

/**
 * Damage of every kind that was seen or can be thought of, done to a store left by a crash and to one closed cleanly.
 * Each case must end harmless (the state after some number of whole batches, and the offset that says so) or detected.
 */
type Outcome = 'harmless' | 'refused at open' | 'refused by verify';

const BATCHES = 250;
const STALE_BATCHES = 100;
/** So few that they are in the log, and in no table, when the store is closed. */
const LOGGED_BATCHES = 15;
/** So few that their log has one block. */
const BRIEF_BATCHES = 6;
const BLOCK_BYTES = 32_768;

let root: string;
let cases = 0;

const directoryOf = (base: Base): string => join(root, base);

/**
 * `logged`: crashed before anything was in a table. Its log has many blocks, and LevelDB goes on behind a damaged one.
 * `brief`: the same, in one block.
 */
type Base = 'crashed' | 'closed' | 'stale' | 'logged' | 'brief';

/** The same position each run: a failure can be repeated. */
let seed = 20_240_710;
function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-damage-'));
  const working = join(root, 'working');
  let store = await openLevelDbStore(working, SMALL_BUFFERS);
  for (let n = 1; n <= BATCHES; n++) {
    await store.commit(numberedBatch(n));
    if (n !== STALE_BATCHES && n !== BATCHES) continue;
    // A dirty close writes nothing: it leaves what a crash leaves, only with no compaction half-way.
    await store.closeDirty();
    await cp(working, directoryOf(n === BATCHES ? 'crashed' : 'stale'), { recursive: true });
    store = await openLevelDbStore(working, SMALL_BUFFERS);
  }
  await store.verify();
  for (let n = BATCHES + 1; n <= BATCHES + LOGGED_BATCHES; n++) await store.commit(numberedBatch(n));
  await store.close();
  await cp(working, directoryOf('closed'), { recursive: true });

  for (const [base, batches] of [
    ['logged', STALE_BATCHES],
    ['brief', BRIEF_BATCHES],
  ] as const) {
    const logged = await openLevelDbStore(directoryOf(base), { identity: IDENTITY });
    for (let n = 1; n <= batches; n++) await logged.commit(numberedBatch(n));
    await logged.closeDirty();
  }
});

afterAll(() => rm(root, { recursive: true, force: true }));

/**
 * Copies the base, damages the copy, and says how the store took it; throws when it is neither harmless nor detected.
 */
async function outcomeOf(
  base: Base,
  damage: (directory: string) => Promise<void>,
  identity = IDENTITY,
): Promise<Outcome> {
  const directory = join(root, `case-${cases++}`);
  await cp(directoryOf(base), directory, { recursive: true });
  await damage(directory);
  let store;
  try {
    store = await openLevelDbStore(directory, { ...SMALL_BUFFERS, identity });
  } catch (error) {
    if (error instanceof StreamsError && error.code === 'STORE_DAMAGED') return 'refused at open';
    throw error;
  }
  try {
    if (store.uncleanOpen && !(await store.verify())) return 'refused by verify';
    const batches = store.offsets().changelog.get('log-0') ?? 0;
    const expected = modelAt(batches);
    expect(asText(await storeContents(store))).toBe(asText(expected));
    // A scan and a lookup read different parts of a table: a key may be in the one and not in the other.
    expect(asText(lookUp(store, expected.keys()))).toBe(asText(expected));
    expect(store.offsets().input.get('in-0') ?? 0).toBe(batches * 10);
    return 'harmless';
  } finally {
    await store.closeDirty();
    await rm(directory, { recursive: true, force: true });
  }
}

const models = new Map<number, Map<string, string>>();

function modelAt(batches: number): Map<string, string> {
  const contents = models.get(batches) ?? new NumberedModel().advanceTo(batches).contents;
  models.set(batches, contents);
  return contents;
}

/** Compared as text, because comparing Maps by jest takes longer than all the rest of a case. */
const asText = (contents: Map<string, string | undefined>): string =>
  [...contents]
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('\n');

function lookUp(store: StateStore, names: Iterable<string>): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const name of names) {
    const [storeName = '', key = ''] = name.split(' ');
    found.set(name, store.get(storeName, Buffer.from(key))?.toString());
  }
  return found;
}

async function tally(
  base: Base,
  times: number,
  damage: (directory: string) => Promise<void>,
): Promise<Record<Outcome, number>> {
  const counts = { harmless: 0, 'refused at open': 0, 'refused by verify': 0 };
  for (let time = 0; time < times; time++) counts[await outcomeOf(base, damage)] += 1;
  return counts;
}

async function filesOf(directory: string, pattern: RegExp): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => pattern.test(name)).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  const found = names.filter((_, index) => sizes[index] !== 0).map((name) => join(directory, name));
  if (found.length === 0) throw new Error(`no file like ${pattern} in ${names.join(', ')}`);
  return found;
}

const LOG = /^\d+\.log$/;
const TABLE = /^\d+\.ldb$/;
const MANIFEST = /^MANIFEST-/;
const CURRENT = /^CURRENT$/;

const pickFile = async (directory: string, pattern: RegExp): Promise<string> => {
  const files = await filesOf(directory, pattern);
  return files[random(files.length)] as string;
};

const flipBit =
  (pattern: RegExp) =>
  async (directory: string): Promise<void> => {
    const file = await pickFile(directory, pattern);
    const content = await readFile(file);
    const at = random(content.length);
    content[at] = (content[at] as number) ^ (1 << random(8));
    await writeFile(file, content);
  };

const cut =
  (pattern: RegExp, bytes?: number) =>
  async (directory: string): Promise<void> => {
    const file = await pickFile(directory, pattern);
    const { size } = await stat(file);
    await truncate(file, Math.max(0, size - (bytes ?? 1 + random(size))));
  };

const remove =
  (pattern: RegExp) =>
  async (directory: string): Promise<void> =>
    rm(await pickFile(directory, pattern));

const overwrite =
  (pattern: RegExp, content: (size: number) => Buffer) =>
  async (directory: string): Promise<void> => {
    const file = await pickFile(directory, pattern);
    await writeFile(file, content((await stat(file)).size));
  };

const zeros = (size: number): Buffer => Buffer.alloc(size);
const nothing = (): Buffer => Buffer.alloc(0);
const garbage = (): Buffer => Buffer.from('MANIFEST-garbage\n');

/**
 * What a disk gives back for a page that it lost. LevelDB takes zeros in a log for space set aside, and says nothing.
 */
const zeroPage =
  (pattern: RegExp) =>
  async (directory: string): Promise<void> => {
    const file = await pickFile(directory, pattern);
    const content = await readFile(file);
    const at = 512 * random(Math.ceil(content.length / 512));
    await writeFile(file, content.fill(0, at, Math.min(at + 512, content.length)));
  };

/**
 * A careless copy, or a write that went astray: the table is sound by its own checksums, and not the one that was
 * there.
 */
const byOlder =
  (pattern: RegExp) =>
  async (directory: string): Promise<void> => {
    const file = await pickFile(directory, pattern);
    const content = await readFile(file);
    const older = await Promise.all((await filesOf(directoryOf('stale'), TABLE)).map((path) => readFile(path)));
    // A table that has been the same since: nothing older can take its place.
    const another = older.find((it) => !it.equals(content));
    if (another !== undefined) await writeFile(file, another);
  };

/** A write that the disk took and forgot: the log is whole by its own checksums, without one record in its middle. */
const loseRecord = async (directory: string): Promise<void> => {
  const file = await pickFile(directory, LOG);
  const content = await readFile(file);
  expect(content.length).toBeLessThan(BLOCK_BYTES);
  const ends: number[] = [];
  // A record is: checksum of 4 bytes, length of 2, type of 1, content.
  for (let at = 0; at < content.length; at = ends.at(-1) as number) ends.push(at + 7 + content.readUInt16LE(at + 4));
  const lost = ends.length >> 1;
  await writeFile(file, Buffer.concat([content.subarray(0, ends[lost - 1]), content.subarray(ends[lost])]));
};

const none = async (): Promise<void> => undefined;

describe('damage to a store', () => {
  test('none: each of the copies is harmless', async () => {
    for (const base of ['crashed', 'closed', 'stale', 'logged', 'brief'] as const)
      expect(await outcomeOf(base, none)).toBe('harmless');
  });

  test('a torn tail of the log is harmless: an older state', async () => {
    // On a busy machine LevelDB may have begun a new log, whose loss is detected; never is the damage neither.
    expect((await tally('crashed', 15, cut(LOG)))['harmless']).toBeGreaterThan(7);
  });

  test('a flipped bit of the log is found; the digest finds what LevelDB passes over', async () => {
    const crashed = await tally('crashed', 30, flipBit(LOG));
    expect(crashed['refused by verify']).toBeGreaterThan(15);
    const closed = await tally('closed', 15, flipBit(LOG));
    expect(closed['harmless']).toBeLessThan(5);
  });

  test('a batch lost from the middle of its log is seen by the digest alone', async () => {
    expect(await outcomeOf('brief', loseRecord)).toBe('refused by verify');
  });

  test('a hole in a long log, with newer batches behind it, is found', async () => {
    const flipped = await tally('logged', 20, flipBit(LOG));
    expect(flipped['refused by verify']).toBeGreaterThan(10);
    await tally('logged', 10, zeroPage(LOG));
  });

  test('a flipped bit of a table is found before LevelDB reads it, after a clean close too', async () => {
    for (const base of ['crashed', 'closed'] as const) {
      expect((await tally(base, 60, flipBit(TABLE)))['refused at open']).toBeGreaterThan(55);
    }
  });

  test('a lost CURRENT is refused before LevelDB starts anew beside it', async () => {
    for (const base of ['crashed', 'closed'] as const)
      expect(await outcomeOf(base, remove(CURRENT))).toBe('refused at open');
  });

  test.each([
    ['an empty CURRENT', overwrite(CURRENT, nothing)],
    ['a CURRENT of garbage', overwrite(CURRENT, garbage)],
    ['a lost MANIFEST', remove(MANIFEST)],
    ['an empty MANIFEST', overwrite(MANIFEST, nothing)],
    ['a MANIFEST of zeros', overwrite(MANIFEST, zeros)],
  ])('%s is refused', async (_, damage) => {
    for (const base of ['crashed', 'closed'] as const) {
      expect(await tally(base, 3, damage)).toMatchObject({ harmless: 0 });
    }
  });

  test.each([
    ['a cut table', cut],
    ['an empty table', (table: RegExp) => overwrite(table, nothing)],
    ['a table of zeros', (table: RegExp) => overwrite(table, zeros)],
    ['a lost table', remove],
    ['an older table in the place of a table', byOlder],
  ])('%s is refused, unless a compaction had done with it', async (_, damageTo) => {
    for (const base of ['crashed', 'closed'] as const) {
      const outcomes: Outcome[] = [];
      for (const file of await filesOf(directoryOf(base), TABLE))
        outcomes.push(await outcomeOf(base, damageTo(new RegExp(`^${basename(file)}$`))));
      expect(new Set(outcomes).size - Number(outcomes.includes('harmless'))).toBeGreaterThan(0);
    }
  });

  test.each([
    ['a cut MANIFEST', cut(MANIFEST, 20)],
    ['a MANIFEST cut anywhere', cut(MANIFEST)],
    ['a flipped bit of the MANIFEST', flipBit(MANIFEST)],
    ['a flipped bit of CURRENT', flipBit(CURRENT)],
    ['a lost log', remove(LOG)],
    ['a log of zeros', overwrite(LOG, zeros)],
    ['a lost page of the log', zeroPage(LOG)],
    ['a lost page of a table', zeroPage(TABLE)],
  ])('%s is refused, or leaves an older state', async (_, damage) => {
    for (const base of ['crashed', 'closed'] as const) await tally(base, 8, damage);
  });

  test('files of an older copy among the newer ones are refused or leave a state that was', async () => {
    for (const pattern of [CURRENT, MANIFEST, LOG, TABLE]) {
      await outcomeOf('crashed', async (directory) => {
        for (const file of await filesOf(directoryOf('stale'), pattern))
          await cp(file, join(directory, basename(file)));
      });
    }
  });

  test('the store of another task is refused', async () => {
    expect(await outcomeOf('closed', none, { ...IDENTITY, taskId: '1_1' })).toBe('refused at open');
  });
});
