import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { jarCacheDir } from '../../tools/local-kafka/local-kafka-jars.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { linkModules } from './link-modules.ts';
import { editMarked, marksBelow, type MarkedEdit } from './marked-code.ts';

/** In a library, which has no marks: exact text of it. */
interface LibraryEdit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One deliberate mistake in the runtime, or in a library under it. */
export interface Mutation {
  /** What is wrong with it, in words. */
  readonly name: string;
  readonly edits: readonly (MarkedEdit | LibraryEdit)[];
}

export interface Mutant {
  /** A copy of the source with the mistake in it; what runs from here runs the mistake. */
  readonly root: string;
  remove(): Promise<void>;
}

/** What the copy needs to run the echo application, or any test that starts no more than that. */
const COPIED = ['package.json', 'jest.config.mjs', 'processor', 'tests', 'tools', 'patches'];
const NOT_COPIED = ['tests/mutants', 'tests/browser'].map((path) => join(projectRoot, path));
const MODULES = 'node_modules';

/**
 * Applies a mutation to a copy of the source. Libraries are linked, but for one that the mutation edits.
 * @throws as `mutatedFiles`
 */
export async function createMutant(mutation: Mutation): Promise<Mutant> {
  const files = await mutatedFiles(mutation);
  const root = await mkdtemp(join(tmpdir(), 'tributary-mutant-'));
  // The asynchronous `cp` takes more than twice the time of the processor.
  for (const path of COPIED)
    cpSync(join(projectRoot, path), join(root, path), {
      recursive: true,
      filter: (source) => !NOT_COPIED.includes(source),
    });
  // The broker's jars are not fetched anew for each mutant.
  await mkdir(jarCacheDir, { recursive: true });
  await mkdir(dirname(join(root, relative(projectRoot, jarCacheDir))), { recursive: true });
  await symlink(jarCacheDir, join(root, relative(projectRoot, jarCacheDir)));
  const libraries = new Set(
    [...files.keys()].flatMap((file) => (file.startsWith(`${MODULES}/`) ? [file.split('/')[1] as string] : [])),
  );
  await linkModules(root, libraries);
  for (const [file, text] of files) await writeFile(join(root, file), text);
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}

/**
 * The files that a mutation changes, by their path below the project's root, as it leaves them.
 * @throws when a mark or a library's text is not there exactly once, and as `editMarked`: it would be no mutant.
 */
export async function mutatedFiles({ name, edits }: Mutation): Promise<Map<string, string>> {
  const marks = marksBelow(projectRoot);
  const byFile = new Map<string, MarkedEdit[]>();
  const files = new Map<string, string>();
  for (const edit of edits) {
    if ('mark' in edit) {
      const [file, ...more] = marks.get(edit.mark) ?? [];
      if (file === undefined || more.length > 0)
        throw new Error(
          `the mutant "${name}" needs the mark "${edit.mark}" once; it is in ` +
            `${marks.get(edit.mark)?.join(', ') ?? 'no file'}`,
        );
      byFile.set(file, [...(byFile.get(file) ?? []), edit]);
    } else {
      const { file, find, replace } = edit;
      const text = files.get(file) ?? (await readFile(join(projectRoot, file), 'utf8'));
      if (text.split(find).length !== 2)
        throw new Error(`the mutant "${name}" does not fit ${file} any more: it must hold this text once:\n${find}`);
      files.set(
        file,
        text.replace(find, () => replace),
      );
    }
  }
  for (const [file, marked] of byFile)
    files.set(file, await editMarked(await readFile(join(projectRoot, file), 'utf8'), marked));
  return files;
}

/** Takes back what a patch of patches/ does to one file of its library. @throws when it does nothing to it. */
export async function withoutPatchOf(patch: string, file: string): Promise<LibraryEdit[]> {
  const text = await readFile(join(projectRoot, 'patches', patch), 'utf8');
  const ofFile = text.split(/^diff --git /m).find((part) => part.startsWith(`a/${file} `)) ?? '';
  const hunks = ofFile.split(/^@@ .*\n/m).slice(1);
  if (hunks.length === 0) throw new Error(`${patch} has nothing for ${file}`);
  return hunks.map((hunk) => {
    const lines = hunk.split('\n').slice(0, -1);
    const side = (sign: string): string =>
      lines
        .filter((line) => line.startsWith(' ') || line.startsWith(sign))
        .map((line) => `${line.slice(1)}\n`)
        .join('');
    return { file, find: side('+'), replace: side('-') };
  });
}
