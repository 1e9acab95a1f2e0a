import { describe, expect, test } from '@jest/globals';
import { idOf, type LockFile, packageIn, packagesOf, readLockFile } from './lock-file.ts';

const lock: LockFile = {
  packages: {
    '': {
      name: 'all',
      version: '1.0.0',
      workspaces: ['own'],
      dependencies: { a: '*' },
      devDependencies: { tool: '*' },
    },
    own: {
      name: '@us/own',
      version: '2.0.0',
      dependencies: { b: '1' },
      optionalDependencies: { fast: '*', elsewhere: '*' },
      peerDependencies: { peer: '*', types: '*' },
      peerDependenciesMeta: { types: { optional: true } },
    },
    'own/node_modules/b': { version: '1.0.0', license: 'MIT', integrity: 'sha512-YQ==' },
    'node_modules/@us/own': { link: true, resolved: 'own' },
    'node_modules/a': { version: '1.0.0', license: 'ISC', integrity: 'sha512-YQ==', dependencies: { b: '2' } },
    'node_modules/b': { version: '2.0.0', license: 'MIT', integrity: 'sha512-Yg==', dependencies: { a: '*' } },
    'node_modules/fast': { version: '1.0.0', license: 'MIT', integrity: 'sha512-YQ==' },
    'node_modules/peer': { version: '1.0.0', license: 'MIT', integrity: 'sha512-YQ==' },
    // As npm writes it: the dependency that is optional stands in both lists, and the workspaces of another repository.
    'node_modules/tool': {
      version: '1.0.0',
      license: 'MIT',
      integrity: 'sha512-YQ==',
      dependencies: { a: '*', gone: '*' },
      optionalDependencies: { gone: '*' },
      workspaces: ['packages/one'],
    },
  },
};

describe('what a lock file holds', () => {
  test('of the whole: what runs, what may run, what is for development', () => {
    expect(packagesOf(lock).map((one) => [idOf(one), one.scope])).toEqual([
      ['@us/own@2.0.0', 'required'],
      ['a@1.0.0', 'required'],
      ['b@1.0.0', 'required'],
      ['b@2.0.0', 'required'],
      ['fast@1.0.0', 'optional'],
      ['peer@1.0.0', 'required'],
      ['tool@1.0.0', 'excluded'],
    ]);
  });

  test('of one package: what it needs and gets, each in the version that is found from its folder', () => {
    expect(packagesOf(lock, 'own').map(idOf)).toEqual(['b@1.0.0', 'fast@1.0.0', 'peer@1.0.0']);
    expect(packageIn(lock, 'own')).toMatchObject({ name: '@us/own', needs: ['b@1.0.0', 'fast@1.0.0', 'peer@1.0.0'] });
    expect(packagesOf(lock).find(({ name }) => name === 'a')?.needs).toEqual(['b@2.0.0']);
  });

  test('what it lacks is an error, and no gap in a bill', () => {
    expect(() => packagesOf(lock, 'nowhere')).toThrow('package-lock.json has no folder "nowhere"');
    const { 'node_modules/peer': _, ...packages } = lock.packages;
    expect(() => packagesOf({ packages })).toThrow('package-lock.json lacks peer, which own needs');
  });

  test('of this repository nothing is left out', () => {
    const found = new Set(packagesOf(readLockFile()).map(idOf));
    const installed = Object.entries(readLockFile().packages).filter(
      ([path, { link }]) => path !== '' && link !== true,
    );
    expect(installed.length).toBeGreaterThan(300);
    const missing = installed.filter(
      ([path, { name = path.split('node_modules/').at(-1) ?? '', version = '' }]) =>
        !found.has(idOf({ name, version })),
    );
    expect(missing.map(([path]) => path)).toEqual([]);
  });
});
