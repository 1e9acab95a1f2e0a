/** The shop of examples/ where it says that it could be: in a folder elsewhere, with the packages from their tarballs. */
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { installPackages, type InstalledPackages } from './installed-packages.ts';

const run = promisify(execFile);
/** The Node that runs it: `PACKAGES_NODE=/path/to/node` tries another, down to 22.18. */
const NODE = process.env['PACKAGES_NODE'] ?? process.execPath;
let installed: InstalledPackages;

/** What a program says, whether it fails or not. */
async function said(program: string, args: readonly string[]): Promise<string> {
  // Node's runner tells a runner inside of another one by this variable, and runs nothing then.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout, stderr } = await run(program, args, { cwd: installed.root, env }).catch(
    (error: unknown) => error as { readonly stdout: string; readonly stderr: string },
  );
  return stdout + stderr;
}

beforeAll(async () => {
  installed = await installPackages(join(projectRoot, 'examples', 'shop'));
});
afterAll(() => installed?.remove());

test('it finds the packages beside it, and nothing of the repository', () => {
  for (const name of ['@tributary/streams', '@tributary/graphql', 'zod', 'graphql'])
    expect(realpathSync(join(installed.root, 'node_modules', name)).startsWith(realpathSync(installed.root))).toBe(
      true,
    );
});

test('it compiles against them by its own tsconfig.json', async () => {
  expect(await said(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
});

test('its tests pass', async () => {
  const told = await said(NODE, ['--test', '--test-reporter=spec']);
  expect(told).toMatch(/^ℹ fail 0$/m);
  expect(Number(/^ℹ pass (\d+)$/m.exec(told)?.[1])).toBeGreaterThan(10);
});
