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
const generatedDir = join(clientDir, 'src', 'generated');
const STAMP = '.built-from';

/** What a page is built from and into, below the project's root. */
interface Page {
  /** As messages name it. */
  readonly name: string;
  /** Where its vite.config.ts lies. */
  readonly root: string;
  readonly dist: string;
  /** Files and folders. */
  readonly sources: readonly string[];
}

const EVERY_PAGE = ['client/shared', 'client/public', 'client/vite.shared.ts', 'package-lock.json'];

const DASHBOARD: Page = {
  name: 'dashboard',
  root: 'client',
  dist: 'client/dist',
  sources: [
    'client/src',
    'client/index.html',
    'client/vite.config.ts',
    'schema/schema.graphql',
    'codegen.yml',
    ...EVERY_PAGE,
  ],
};

/** Its folder is part of @tributary/graphql, which serves it at `/` unless an application has a page of its own. */
const APPLICATION_PAGE: Page = {
  name: 'page for any application',
  root: 'client/page',
  dist: 'schema/live/pages/dist',
  sources: ['client/page', ...EVERY_PAGE],
};

/**
 * Generates the client's types and builds the dashboard into client/dist, unless what is there was built from the same
 * files. Returns whether it built.
 */
export async function buildClient(): Promise<boolean> {
  return built(DASHBOARD, generateTypes, async (dist) => {
    // What the dashboard asks, for the API to know it by its hash.
    await copyFile(join(generatedDir, 'persisted-documents.json'), join(dist, 'persisted-documents.json'));
  });
}

/**
 * Builds the page for any application into schema/live/pages/dist, unless what is there was built from the same files.
 * Returns whether it built.
 */
export async function buildApplicationPage(): Promise<boolean> {
  return built(APPLICATION_PAGE);
}

/** Builds what is not current of both. Returns whether it built. */
export async function buildPages(): Promise<boolean> {
  const done = await Promise.all([buildClient(), buildApplicationPage()]);
  return done.includes(true);
}

async function built(
  page: Page,
  before: () => Promise<unknown> = () => Promise.resolve(),
  after: (dist: string) => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  const dist = join(projectRoot, page.dist);
  const source = await sourceDigest(page);
  if (existsSync(join(dist, 'index.html')) && (await readFile(join(dist, STAMP), 'utf8').catch(() => '')) === source)
    return false;
  await before();
  const vite = join(projectRoot, 'node_modules', 'vite', 'bin', 'vite.js');
  // A build is for production, whatever this process is for: a test runner's NODE_ENV would change the bundle.
  const env = { ...process.env, NODE_ENV: 'production' };
  const args = [vite, 'build', join(projectRoot, page.root), '--logLevel', 'warn'];
  await run(process.execPath, args, { cwd: projectRoot, env }).catch((error: unknown) => {
    const output =
      typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
    throw new UserError('CLIENT_BUILD_FAILED', `The ${page.name} could not be built:\n${output.trimEnd()}`);
  });
  await after(dist);
  await writeFile(join(dist, STAMP), source);
  return true;
}

/** Of all that the build is made from. */
async function sourceDigest({ sources }: Page): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources)
    for (const file of await filesOf(join(projectRoot, source)))
      hash.update(`${relative(projectRoot, file)}\0`).update(await readFile(file));
  return hash.digest('hex');
}

/** A file itself, or the files of a folder, in order, without what is generated. */
async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null);
  if (entries === null) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(`${generatedDir}/`))
    .sort();
}
