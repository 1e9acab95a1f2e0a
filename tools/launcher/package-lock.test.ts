import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { projectRoot } from '../command-line/project-root.ts';

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
});
const { packages } = lockfile.parse(JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')));
/** What comes from a registry; the rest are the folders of this repository that are packages, and links to them. */
const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith('node_modules/') && !link);

test('every package is pinned, also of other platforms: without a version `npm ci` refuses the whole lock', () => {
  expect(installed.length).toBeGreaterThan(300);
  const unpinned = installed.filter(([, entry]) => entry.version === undefined || entry.integrity === undefined);
  expect(unpinned.map(([path]) => path)).toEqual([]);
});

test('no registry is written down, so that each installs from its own', () => {
  expect(installed.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
});

/** What asks for no more than its own text to be passed on. */
const PERMISSIVE: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
]);
/** Named in docs/decisions/0007-libraries.md. */
const EXCEPTIONS: readonly (readonly [name: RegExp, license: string])[] = [
  [/^lightningcss(-|$)/, 'MPL-2.0'],
  [/^jsonify$/, 'Public Domain'],
];

test(
  'what is installed without the tools of development is licensed permissively, but for the ' +
    'exceptions that the docs name',
  () => {
    const libraries = readFileSync(join(projectRoot, 'docs', 'decisions', '0007-libraries.md'), 'utf8');
    for (const [, license] of EXCEPTIONS) expect(libraries).toMatch(new RegExp(license, 'i'));
    const isAllowed = (path: string, license = 'none'): boolean => {
      const name = path.split('node_modules/').at(-1) ?? '';
      return PERMISSIVE.has(license) || EXCEPTIONS.some(([exception, its]) => exception.test(name) && its === license);
    };
    const production = installed.filter(([, { dev }]) => dev !== true);
    expect(production.length).toBeGreaterThan(100);
    expect(
      production
        .filter(([path, { license }]) => !isAllowed(path, license))
        .map(([path, { license }]) => `${path}: ${license ?? 'none'}`),
    ).toEqual([]);
  },
);
