import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../command-line/project-root.ts';

const names = z.record(z.string(), z.string()).optional();
const entry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  link: z.boolean().optional(),
  /** Of a link: the folder of this repository that it stands for. */
  resolved: z.string().optional(),
  workspaces: z.array(z.string()).optional(),
  dependencies: names,
  optionalDependencies: names,
  devDependencies: names,
  peerDependencies: names,
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().optional() })).optional(),
});
const lockFile = z.object({ packages: z.record(z.string(), entry) });

type Entry = z.infer<typeof entry>;
/** package-lock.json: what is installed, by its folder. */
export type LockFile = z.infer<typeof lockFile>;

/** What a package is needed for: to run, where it can be had, or in development alone. */
export type Scope = 'required' | 'optional' | 'excluded';

/** One package of one version, wherever and however often it lies. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** As its package.json says it; none for the folders of this repository. */
  readonly licence: string | undefined;
  /** Of its tarball, such as `sha512-…`; none for the folders of this repository. */
  readonly integrity: string | undefined;
  readonly scope: Scope;
  /** `name@version` of what it asks for and gets, sorted. */
  readonly needs: readonly string[];
}

/** Reads a lock file below the project's root. */
export function readLockFile(folder = '.'): LockFile {
  return lockFile.parse(JSON.parse(readFileSync(join(projectRoot, folder, 'package-lock.json'), 'utf8')));
}

/** `name@version`, which is one package. */
export function idOf({ name, version }: Pick<LockedPackage, 'name' | 'version'>): string {
  return `${name}@${version}`;
}

/**
 * Everything that the package in `folder` gets from the lock file, itself left out, sorted by name and version. The
 * folder '' is the whole repository, its workspaces and its tools of development with it.
 * @throws Error where the lock file holds no such folder, or lacks what is asked for.
 */
export function packagesOf({ packages }: LockFile, folder = ''): LockedPackage[] {
  if (packages[folder] === undefined) throw new Error(`package-lock.json has no folder "${folder}"`);
  const scopes = new Map<string, Scope>();
  reach(packages, [folder], false, 'required', scopes);
  reach(packages, [...scopes.keys()], true, 'optional', scopes);
  if (folder === '') reach(packages, developmentOf(packages), true, 'excluded', scopes);
  const found = new Map<string, LockedPackage>();
  for (const [path, scope] of scopes) {
    if (path === folder) continue;
    const one = lockedPackage(packages, path, scope);
    const before = found.get(idOf(one));
    found.set(idOf(one), before === undefined ? one : merged(before, one));
  }
  return [...found.values()].toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

/** What `folder` itself is, and what it asks for. */
export function packageIn({ packages }: LockFile, folder: string): LockedPackage {
  return lockedPackage(packages, folder, 'required');
}

type Packages = LockFile['packages'];

/** Notes a scope for all that is reached from `from` and has none yet. */
function reach(
  packages: Packages,
  from: readonly string[],
  withOptional: boolean,
  scope: Scope,
  scopes: Map<string, Scope>,
): void {
  const waiting = [...from];
  const seen = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (!scopes.has(path)) scopes.set(path, scope);
    waiting.push(...pathsOfNeeds(packages, path, withOptional));
  }
}

function developmentOf(packages: Packages): string[] {
  const own = ['', ...(packages['']?.workspaces ?? [])];
  return own.flatMap((folder) =>
    Object.keys(packages[folder]?.devDependencies ?? {}).flatMap((name) => resolved(packages, folder, name) ?? []),
  );
}

function pathsOfNeeds(packages: Packages, path: string, withOptional: boolean): string[] {
  const { dependencies = {}, optionalDependencies = {}, ...rest } = packages[path] as Entry;
  const { peerDependencies = {}, peerDependenciesMeta = {} } = rest;
  // A published package may name the workspaces of the repository that it comes from: they are not here.
  const workspaces = path === '' ? (rest.workspaces ?? []) : [];
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  // npm writes an optional dependency down twice in some packages; the word `optional` counts.
  const needed = Object.keys(dependencies).filter((name) => !(name in optionalDependencies));
  const paths = [...needed, ...peers].map((name) => {
    const found = resolved(packages, path, name);
    if (found === undefined) throw new Error(`package-lock.json lacks ${name}, which ${path} needs`);
    return found;
  });
  const optional = Object.keys(optionalDependencies).flatMap((name) => resolved(packages, path, name) ?? []);
  return [...paths, ...workspaces, ...(withOptional ? optional : [])];
}

/** Where Node finds a package: beside the one that asks for it, or in a folder above. */
function resolved(packages: Packages, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const found = packages[path];
    if (found !== undefined) return found.link === true ? found.resolved : path;
    if (folder === '') return undefined;
  }
}

function lockedPackage(packages: Packages, path: string, scope: Scope): LockedPackage {
  const found = packages[path];
  const name = found?.name ?? path.split('node_modules/').at(-1) ?? path;
  if (found?.version === undefined) throw new Error(`package-lock.json has no version of ${path}`);
  const needs = pathsOfNeeds(packages, path, true).map((need) => idOf(named(packages, need)));
  return {
    name,
    version: found.version,
    licence: found.license,
    integrity: found.integrity,
    scope,
    needs: [...new Set(needs)].toSorted(),
  };
}

function named(packages: Packages, path: string): { name: string; version: string } {
  const found = packages[path];
  return { name: found?.name ?? path.split('node_modules/').at(-1) ?? path, version: found?.version ?? '' };
}

const STRONGEST: readonly Scope[] = ['required', 'optional', 'excluded'];

/** The same package in two folders may have got different versions of what it asks for. */
function merged(one: LockedPackage, other: LockedPackage): LockedPackage {
  const scope = STRONGEST.find((each) => each === one.scope || each === other.scope) ?? one.scope;
  return { ...one, scope, needs: [...new Set([...one.needs, ...other.needs])].toSorted() };
}
