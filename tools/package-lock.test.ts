import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { projectRoot } from './project-root.ts';

const lockfile = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), integrity: z.string().optional(), resolved: z.string().optional() })),
});
const { packages } = lockfile.parse(JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')));
const installed = Object.entries(packages).filter(([path]) => path !== '');

test('every package is pinned, also those of other platforms: without a version `npm ci` refuses the whole lock', () => {
  expect(installed.length).toBeGreaterThan(300);
  const unpinned = installed.filter(([, entry]) => entry.version === undefined || entry.integrity === undefined);
  expect(unpinned.map(([path]) => path)).toEqual([]);
});

test('no registry is written down, so that each installs from its own', () => {
  expect(installed.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
});
