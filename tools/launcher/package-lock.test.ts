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
