import { describe, expect, test } from '@jest/globals';
import { cyclonedx } from './cyclonedx.ts';
import { type LockedPackage, packageIn, packagesOf, readLockFile } from './lock-file.ts';

const one = (name: string, more: Partial<LockedPackage> = {}): LockedPackage => ({
  name,
  version: '1.0.0',
  licence: 'MIT',
  integrity: `sha512-${Buffer.from('hash').toString('base64')}`,
  scope: 'required',
  needs: [],
  ...more,
});

describe('a bill of materials', () => {
  test('names each package with version, hash, licence and what it needs', () => {
    const subject = one('@us/own', { licence: undefined, integrity: undefined, needs: ['@them/a@1.0.0'] });
    const packages = [
      one('@them/a', { needs: ['b@1.0.0'] }),
      one('b', { scope: 'optional', licence: 'Public Domain' }),
    ];
    const bom = cyclonedx(subject, packages, new Set(['b@1.0.0']));
    expect(bom.metadata.component).toEqual({
      type: 'application',
      'bom-ref': 'pkg:npm/%40us/own@1.0.0',
      group: '@us',
      name: 'own',
      version: '1.0.0',
      purl: 'pkg:npm/%40us/own@1.0.0',
    });
    expect(bom.components).toEqual([
      {
        type: 'library',
        'bom-ref': 'pkg:npm/%40them/a@1.0.0',
        group: '@them',
        name: 'a',
        version: '1.0.0',
        scope: 'required',
        hashes: [{ alg: 'SHA-512', content: '68617368' }],
        licenses: [{ license: { id: 'MIT' } }],
        purl: 'pkg:npm/%40them/a@1.0.0',
      },
      expect.objectContaining({
        name: 'b',
        scope: 'optional',
        licenses: [{ license: { name: 'Public Domain' } }],
        pedigree: { notes: 'changed by patches/ of this repository' },
      }),
    ]);
    expect(bom.dependencies).toEqual([
      { ref: 'pkg:npm/%40us/own@1.0.0', dependsOn: ['pkg:npm/%40them/a@1.0.0'] },
      { ref: 'pkg:npm/%40them/a@1.0.0', dependsOn: ['pkg:npm/b@1.0.0'] },
      { ref: 'pkg:npm/b@1.0.0', dependsOn: [] },
    ]);
  });

  test('keeps an expression as it is, and takes no hash that it does not know', () => {
    const [component] = cyclonedx(one('own'), [one('a', { licence: '(MIT OR CC0-1.0)' })], new Set()).components;
    expect(component?.licenses).toEqual([{ expression: '(MIT OR CC0-1.0)' }]);
    expect(() => cyclonedx(one('own'), [one('a', { integrity: 'md5-YQ==' })], new Set())).toThrow('md5-YQ==');
  });

  test.each(['', 'processor/streams', 'schema/live'])('of "%s" is whole: no reference leads nowhere', (folder) => {
    const lock = readLockFile();
    const bom = cyclonedx(packageIn(lock, folder), packagesOf(lock, folder), new Set());
    const refs = [bom.metadata.component, ...bom.components].map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(bom.dependencies.map(({ ref }) => ref)).toEqual(refs);
    const named = new Set(bom.dependencies.flatMap(({ dependsOn }) => dependsOn));
    expect([...named].filter((ref) => !refs.includes(ref))).toEqual([]);
    // Whatever is listed is there because something asks for it.
    expect(refs.slice(1).filter((ref) => !named.has(ref) && folder !== '')).toEqual([]);
  });
});
