import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';

const MODULES = 'node_modules';

/** The folders of this repository that are packages: the workspaces of package.json. */
export const workspaces = (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Manifest).workspaces;

interface Manifest {
  readonly workspaces: readonly string[];
}

/** The name under which a workspace is imported. */
export function packageName(workspace: string): string {
  return (JSON.parse(readFileSync(join(projectRoot, workspace, 'package.json'), 'utf8')) as { name: string }).name;
}

/**
 * Gives a copy of the repository its node_modules: libraries are linked, or copied where `copied` names them, and the
 * repository's own packages are linked to the folders of the copy, or the copy would run the original's code.
 */
export async function linkModules(root: string, copied: ReadonlySet<string> = new Set()): Promise<void> {
  const [from, to] = [join(projectRoot, MODULES), join(root, MODULES)];
  // In a copy of a part of the repository not all of them are there.
  const [known, own] = [projectRoot, root].map((place) =>
    workspaces.filter((workspace) => existsSync(join(place, workspace))),
  ) as [string[], string[]];
  const scopes = new Set(known.map((workspace) => packageName(workspace).split('/')[0]));
  await mkdir(to);
  await Promise.all(
    (await readdir(from))
      .filter((entry) => !scopes.has(entry))
      .map((entry) =>
        copied.has(entry)
          ? // In a copy it is a link: what is written into the new copy must not go through it.
            cp(join(from, entry), join(to, entry), { recursive: true, dereference: true })
          : symlink(join(from, entry), join(to, entry)),
      ),
  );
  for (const scope of scopes) await mkdir(join(to, scope as string));
  for (const workspace of own) await symlink(join(root, workspace), join(to, packageName(workspace)));
}
