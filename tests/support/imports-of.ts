import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { packageName, workspaces } from './link-modules.ts';

/** What a file needs to run. */
export interface Needed {
  /** The project's own files, the entry among them; paths from the project's root. */
  readonly files: readonly string[];
  /** Packages, without Node's own modules. */
  readonly packages: readonly string[];
}

/** `import x from`, `export x from`, bare and dynamic imports; types alone are gone when the file runs. */
const IMPORT = new RegExp(
  [
    /^\s*(?:import|export)\s(?!type\s)[^'"`;]*?from\s+['"]([^'"]+)['"]/,
    /^import\s+['"]([^'"]+)['"]/,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/,
    /new URL\(\s*['"](\.[^'"]+\.(?:ts|mjs|json))['"],\s*import\.meta\.url/,
  ]
    .map((form) => form.source)
    .join('|'),
  'gm',
);

const ownPackages = workspaces.map(packageName);

/** The file that an import of one of the repository's own packages leads to. @throws when it is no entry of it. */
function entryOf(specifier: string): string {
  const index = ownPackages.findIndex((name) => specifier === name || specifier.startsWith(`${name}/`));
  const workspace = workspaces[index] ?? '';
  const manifest = readFileSync(join(projectRoot, workspace, 'package.json'), 'utf8');
  const { exports } = JSON.parse(manifest) as { exports: Readonly<Record<string, string>> };
  const file = exports[`.${specifier.slice(ownPackages[index]?.length)}`];
  if (file === undefined) throw new Error(`${specifier} is no entry of its package`);
  return join(workspace, file);
}

/**
 * Follows imports, and the URLs of modules that are started elsewhere, from one file on. @throws for a file that is
 * missing.
 */
export function importsOf(entry: string): Needed {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    if (!existsSync(join(projectRoot, file))) throw new Error(`${file} is imported and does not exist`);
    files.add(file);
    if (file.endsWith('.json')) continue;
    const source = readFileSync(join(projectRoot, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const match of source.matchAll(IMPORT)) {
      const target = match.slice(1).find((part) => part !== undefined) as string;
      if (target.startsWith('.')) queue.push(relative(projectRoot, join(projectRoot, dirname(file), target)));
      else if (ownPackages.some((name) => target.startsWith(name))) queue.push(entryOf(target));
      else if (!target.startsWith('node:'))
        packages.add(
          target
            // A package's name for a library that travels inside it.
            .replace(/^#/, '')
            .split('/')
            .slice(0, target.startsWith('@') ? 2 : 1)
            .join('/'),
        );
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() };
}
