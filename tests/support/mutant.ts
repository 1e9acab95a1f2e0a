import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../tools/project-root.ts';

/** One deliberate mistake in the runtime, as replacements of exact text. */
export interface Mutation {
  /** What is wrong with it, in words. */
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}

export interface Mutant {
  /** A copy of the source with the mistake in it; what runs from here runs the mistake. */
  readonly root: string;
  remove(): Promise<void>;
}

/** What the copy needs to run the echo application. */
const COPIED = ['package.json', 'processor', 'tests/support/echo-app.ts', 'tests/support/echo-topology.ts'];

/**
 * Applies a mutation to a copy of the source.
 * @throws when a text to be replaced is not there exactly once: the mutant would be no mutant.
 */
export async function createMutant({ name, edits }: Mutation): Promise<Mutant> {
  const root = await mkdtemp(join(tmpdir(), 'tributary-mutant-'));
  for (const path of COPIED) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await cp(join(projectRoot, path), join(root, path), { recursive: true });
  }
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  for (const { file, find, replace } of edits) {
    const text = await readFile(join(root, file), 'utf8');
    if (text.split(find).length !== 2) throw new Error(`the mutant "${name}" does not fit ${file} any more: it must hold this text once:\n${find}`);
    await writeFile(join(root, file), text.replace(find, () => replace));
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
