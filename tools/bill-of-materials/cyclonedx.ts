import { idOf, type LockedPackage } from './lock-file.ts';

/** As much of CycloneDX 1.6 as is written here. */
export interface Bom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly type: 'application' | 'library';
  readonly 'bom-ref': string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: LockedPackage['scope'];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly (
    { readonly license: { readonly id: string } | { readonly name: string } } | { readonly expression: string }
  )[];
  readonly purl: string;
  readonly pedigree?: { readonly notes: string };
}

/**
 * The software bill of materials of `subject`, which is made from `packages`. The same lock file gives the same bytes:
 * it holds neither a time nor a serial number. `mended` are the packages that patches/ changes.
 */
export function cyclonedx(
  subject: LockedPackage,
  packages: readonly LockedPackage[],
  mended: ReadonlySet<string>,
): Bom {
  const known = new Set(packages.map(idOf));
  const refs = new Map([subject, ...packages].map((one) => [idOf(one), purl(one)]));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { ...component(subject, mended), type: 'application' } },
    components: packages.map((one) => ({ ...component(one, mended), scope: one.scope })),
    dependencies: [subject, ...packages].map((one) => ({
      ref: purl(one),
      dependsOn: one.needs.filter((id) => known.has(id)).map((id) => refs.get(id) ?? id),
    })),
  };
}

function component(one: LockedPackage, mended: ReadonlySet<string>): Component {
  const { name, version, licence, integrity } = one;
  const [group, own] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return {
    type: 'library',
    'bom-ref': purl(one),
    ...(group === undefined ? {} : { group }),
    name: own ?? name,
    version,
    ...(integrity === undefined ? {} : { hashes: hashes(integrity) }),
    ...(licence === undefined ? {} : { licenses: [licenceOf(licence)] }),
    purl: purl(one),
    ...(mended.has(idOf(one)) ? { pedigree: { notes: 'changed by patches/ of this repository' } } : {}),
  };
}

/** https://github.com/package-url/purl-spec: the @ of a scope is escaped, its slash is not. */
function purl({ name, version }: LockedPackage): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}

const ALGORITHMS: Readonly<Record<string, string>> = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' };

/** Subresource integrity, `sha512-<base64>`, one or several, as CycloneDX writes hashes. */
function hashes(integrity: string): { alg: string; content: string }[] {
  return integrity.split(' ').map((one) => {
    const [, algorithm = '', base64 = ''] = /^(\w+)-(.+)$/.exec(one) ?? [];
    const alg = ALGORITHMS[algorithm];
    if (alg === undefined) throw new Error(`package-lock.json has a hash that is not known here: ${integrity}`);
    return { alg, content: Buffer.from(base64, 'base64').toString('hex') };
  });
}

/** No identifiers of the SPDX licence list, which is all that CycloneDX takes as one. */
const WORDS: ReadonlySet<string> = new Set(['Public Domain', 'UNLICENSED', 'SEE LICENSE IN LICENSE']);

function licenceOf(licence: string): NonNullable<Component['licenses']>[number] {
  if (/ (OR|AND) /.test(licence)) return { expression: licence };
  return { license: WORDS.has(licence) ? { name: licence } : { id: licence } };
}
