import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '../command-line/project-root.ts';
import { EXCEPTIONS, isPermissive, licencePage, licenceProblems } from './licences.ts';
import { type LockedPackage, packagesOf, readLockFile } from './lock-file.ts';

const one = (name: string, licence: string | undefined, scope: LockedPackage['scope'] = 'required'): LockedPackage => ({
  name,
  version: '1.0.0',
  licence,
  integrity: 'sha512-YQ==',
  scope,
  needs: [],
});
/** The second is what `npm run docs` installs for itself. */
const LOCKS = ['.', 'tools/api-reference'] as const;

describe('the licences of what is installed', () => {
  test.each(LOCKS)('in %s are permissive, but for the exceptions: a copyleft or unknown one is none', (folder) => {
    const packages = packagesOf(readLockFile(folder));
    expect(packages.length).toBeGreaterThan(15);
    expect(licenceProblems(packages)).toEqual([]);
  });

  test('have exceptions that docs/decisions/0007-libraries.md names, and that are still needed', () => {
    const page = readFileSync(join(projectRoot, 'docs', 'decisions', '0007-libraries.md'), 'utf8');
    const text = page.split('**Licences.**')[1] ?? '';
    const packages = LOCKS.flatMap((folder) => packagesOf(readLockFile(folder)));
    for (const { name, licence, mayRun } of EXCEPTIONS) {
      const meant = packages.filter((found) => found.name === name && found.licence === licence);
      expect({ name, used: meant.length > 0, runs: meant.some(({ scope }) => scope !== 'excluded') }).toEqual({
        name,
        used: true,
        runs: mayRun,
      });
      expect(text).toContain(`\`${name}\``);
      expect(text.toLowerCase()).toContain(licence.toLowerCase());
    }
  });
});

describe('a licence', () => {
  test.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['Apache-2.0 AND MIT', true],
    ['GPL-3.0-only', false],
    ['LGPL-2.1-or-later', false],
    ['AGPL-3.0-only', false],
    ['MPL-2.0', false],
    ['MIT AND GPL-3.0-only', false],
    ['(MIT OR (GPL-2.0-only AND MIT))', false],
    ['(GPL-2.0-only) AND (MIT OR ISC)', false],
    ['SEE LICENSE IN LICENSE', false],
    ['UNLICENSED', false],
    ['', false],
  ])('%s: permissive is %s', (licence, is) => expect(isPermissive(licence)).toBe(is));

  test('that is not permissive, and none at all, are problems, each with its package', () => {
    expect(
      licenceProblems([
        one('a', 'MIT'),
        one('b', undefined),
        one('c', 'GPL-3.0-only', 'excluded'),
        one('lightningcss-linux-x64-gnu', 'MPL-2.0', 'optional'),
        one('lightningcss-imitated', 'GPL-3.0-only'),
        one('axe-core', 'MPL-2.0', 'excluded'),
      ]),
    ).toEqual(['b@1.0.0: none', 'c@1.0.0: GPL-3.0-only', 'lightningcss-imitated@1.0.0: GPL-3.0-only']);
  });

  test('that is excused for a tool of development is not excused where it runs', () => {
    expect(licenceProblems([one('axe-core', 'MPL-2.0')])).toEqual(['axe-core@1.0.0: MPL-2.0']);
  });
});

test('the page lists what runs before what does not, without the folders of this repository', () => {
  const own = { ...one('@us/own', undefined), integrity: undefined };
  const page = licencePage('all', [own, one('a', 'MIT'), one('b', 'ISC', 'excluded')]);
  expect(page.match(/^(##? .*|\| [a-z@].*)$/gm)).toEqual([
    '# Licences of what all is made from',
    '## What runs',
    '| package | version | licence |',
    '| a | 1.0.0 | MIT |',
    '## For development alone',
    '| package | version | licence |',
    '| b | 1.0.0 | ISC |',
  ]);
});
