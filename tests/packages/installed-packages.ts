import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { packAll } from '../../tools/packages/packages.ts';

const run = promisify(execFile);

/** Both packages, installed from their tarballs in a folder outside the repository, with an application's files. */
export interface InstalledPackages {
  readonly root: string;
  readonly tarballs: readonly string[];
  /** False where no registry was reached: then node_modules was laid out from what is installed in the repository. */
  readonly fromRegistry: boolean;
  remove(): Promise<void>;
}

/** Of folders that are used. */
const LEFT_BEHIND = ['node_modules', '.data'];

const PEERS = ['zod', 'graphql', '@types/node'];

/** `folder`: whose files are copied there. */
export async function installPackages(folder: string): Promise<InstalledPackages> {
  const root = await mkdtemp(join(tmpdir(), 'tributary-installed-'));
  const tarballs = await packAll(join(root, 'tarballs'));
  const app = join(root, 'app');
  await cp(folder, app, { recursive: true, filter: (path) => !LEFT_BEHIND.includes(basename(path)) });
  const fromRegistry = await installInto(app, tarballs);
  return { root: app, tarballs, fromRegistry, remove: () => rm(root, { recursive: true, force: true }) };
}

/**
 * Installs the tarballs in `app`. Its package.json stands, but for what development needs: the compiler is the
 * repository's own. Returns false where no registry was reached.
 */
export async function installInto(app: string, tarballs: readonly string[]): Promise<boolean> {
  const manifest = await readFile(join(app, 'package.json'), 'utf8').catch(() => '{ "name": "consumer" }');
  const { devDependencies: _, ...given } = JSON.parse(manifest) as { readonly devDependencies?: object };
  await writeFile(join(app, 'package.json'), JSON.stringify({ ...given, private: true, type: 'module' }));
  const peers = await Promise.all(PEERS.map(async (name) => `${name}@${await installedVersion(name)}`));
  const fromRegistry = await run(
    'npm',
    ['install', '--prefer-offline', '--ignore-scripts', '--fetch-retries=0', ...tarballs, ...peers],
    { cwd: app },
  ).then(
    () => true,
    (error: unknown) => {
      if (!isNoRegistry(error)) throw error;
      return false;
    },
  );
  if (!fromRegistry) await layOut(app, tarballs);
  return fromRegistry;
}

async function installedVersion(name: string): Promise<string> {
  const manifest = await readFile(join(projectRoot, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

/** No connection, as npm says it; anything else, above all a dependency that cannot be resolved, is a failure. */
function isNoRegistry(error: unknown): boolean {
  const said = String((error as { readonly stderr?: unknown }).stderr);
  return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/.test(said);
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What npm would do: the tarballs unpacked, and of everything they depend on a copy of what is installed here. */
async function layOut(app: string, tarballs: readonly string[]): Promise<void> {
  const modules = join(app, 'node_modules');
  await rm(modules, { recursive: true, force: true });
  const wanted = [...PEERS];
  for (const tarball of tarballs) {
    const unpacked = join(app, 'unpacked');
    await mkdir(unpacked, { recursive: true });
    await run('tar', ['-xzf', tarball, '-C', unpacked]);
    const manifest = JSON.parse(await readFile(join(unpacked, 'package', 'package.json'), 'utf8')) as Manifest & {
      readonly name: string;
    };
    await mkdir(dirname(join(modules, manifest.name)), { recursive: true });
    await cp(join(unpacked, 'package'), join(modules, manifest.name), { recursive: true });
    await rm(unpacked, { recursive: true });
    wanted.push(...dependenciesOf(manifest));
  }
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const [from, to] = [join(projectRoot, 'node_modules', name), join(modules, name)];
    if (existsSync(to) || !existsSync(from)) continue;
    await cp(from, to, { recursive: true });
    wanted.push(...dependenciesOf(JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as Manifest));
  }
}

function dependenciesOf({ dependencies, optionalDependencies }: Manifest): string[] {
  return Object.keys({ ...dependencies, ...optionalDependencies });
}
