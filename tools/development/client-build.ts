import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { generateTypes } from './generated-types.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { UserError } from '../command-line/user-error.ts';

const run = promisify(execFile);
const clientDir = join(projectRoot, 'client');
const distDir = join(clientDir, 'dist');
const generatedDir = join(clientDir, 'src', 'generated');
const stampPath = join(distDir, '.built-from');

/**
 * Generates the client's types and builds client/ into client/dist, unless what is there was built from the same files.
 * Returns whether it built.
 */
export async function buildClient(): Promise<boolean> {
  const source = await sourceDigest();
  if (existsSync(join(distDir, 'index.html')) && (await readFile(stampPath, 'utf8').catch(() => '')) === source)
    return false;
  await generateTypes();
  const vite = join(projectRoot, 'node_modules', 'vite', 'bin', 'vite.js');
  // A build is for production, whatever this process is for: a test runner's NODE_ENV would change the bundle.
  const env = { ...process.env, NODE_ENV: 'production' };
  await run(process.execPath, [vite, 'build', clientDir, '--logLevel', 'warn'], { cwd: projectRoot, env }).catch(
    (error: unknown) => {
      const output =
        typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
      throw new UserError('CLIENT_BUILD_FAILED', `The dashboard could not be built:\n${output.trimEnd()}`);
    },
  );
  // What the dashboard asks, for the API to know it by its hash.
  await copyFile(join(generatedDir, 'persisted-documents.json'), join(distDir, 'persisted-documents.json'));
  await writeFile(stampPath, source);
  return true;
}

/** Of all that the build is made from: the client's own files, the schema its types come from, and the packages. */
async function sourceDigest(): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(clientDir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(`${distDir}/`) && !file.startsWith(`${generatedDir}/`))
    .sort();
  const others = ['schema/schema.graphql', 'codegen.yml', 'package-lock.json'].map((file) => join(projectRoot, file));
  for (const file of [...files, ...others]) {
    hash.update(`${relative(projectRoot, file)}\0`).update(await readFile(file));
  }
  return hash.digest('hex');
}
