import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../tools/command-line/project-root.ts';

const run = promisify(execFile);

/** A copy of kafkajs as it is published: the installed package with patches/ taken back out. Answers its directory. */
export async function pristineKafkajs(): Promise<string> {
  const patch = (await readdir(join(projectRoot, 'patches'))).find((name) => name.startsWith('kafkajs+'));
  const root = join(projectRoot, '.data', 'bench-kafkajs');
  const copy = join(root, 'node_modules', 'kafkajs');
  await rm(root, { recursive: true, force: true });
  await mkdir(join(root, 'node_modules'), { recursive: true });
  await cp(join(projectRoot, 'node_modules', 'kafkajs'), copy, { recursive: true });
  // Whatever else it needs, it finds where everybody does.
  if (!existsSync(join(root, 'package.json')))
    await symlink(join(projectRoot, 'package.json'), join(root, 'package.json'));
  if (patch === undefined) return copy;
  // Git must not take the copy for a part of this repository: it would leave it as it is.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: join(projectRoot, '.data') };
  await run('git', ['apply', '--reverse', join(projectRoot, 'patches', patch)], { cwd: root, env }).catch(
    (error: unknown) => {
      throw new Error('patches/ does not come off node_modules/kafkajs: run npm ci', { cause: error });
    },
  );
  return copy;
}
