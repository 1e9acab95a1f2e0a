import { idOf, type LockedPackage } from './lock-file.ts';

/** What asks for no more than its own text to be passed on. */
const PERMISSIVE: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
]);

interface Exception {
  /** Of the package; `name-…`, its parts for each platform, go with it. */
  readonly name: string;
  readonly licence: string;
  /** Whether it may be installed without the tools of development, too. */
  readonly mayRun: boolean;
}

/** Looked at one by one, and named in docs/decisions/0007-libraries.md. */
export const EXCEPTIONS: readonly Exception[] = [
  { name: 'lightningcss', licence: 'MPL-2.0', mayRun: true },
  { name: 'jsonify', licence: 'Public Domain', mayRun: true },
  { name: 'argparse', licence: 'Python-2.0', mayRun: false },
  { name: 'axe-core', licence: 'MPL-2.0', mayRun: false },
  { name: 'caniuse-lite', licence: 'CC-BY-4.0', mayRun: false },
];

/**
 * Whether a licence is permissive. Of `A OR B` one has to be, of `A AND B` both; an expression that is nested deeper
 * is not taken apart, and so is not.
 */
export function isPermissive(licence: string): boolean {
  const expression = licence.replace(/^\((.*)\)$/, '$1');
  if (/[()]/.test(expression)) return false;
  return expression.split(' OR ').some((one) => one.split(' AND ').every((part) => PERMISSIVE.has(part)));
}

/** One line for each package whose licence nobody has allowed; the folders of this repository are left out. */
export function licenceProblems(packages: readonly LockedPackage[]): string[] {
  return packages
    .filter(({ integrity }) => integrity !== undefined)
    .filter(({ name, licence, scope }) => !isAllowed(name, licence, scope !== 'excluded'))
    .map((one) => `${idOf(one)}: ${one.licence ?? 'none'}`);
}

function isAllowed(name: string, licence: string | undefined, runs: boolean): boolean {
  if (licence === undefined) return false;
  if (isPermissive(licence)) return true;
  return EXCEPTIONS.some((one) => isOf(one, name) && one.licence === licence && (one.mayRun || !runs));
}

function isOf(exception: Exception, name: string): boolean {
  return name === exception.name || name.startsWith(`${exception.name}-`);
}

const TITLES = {
  required: 'What runs',
  optional: 'What runs where a platform has it',
  excluded: 'For development alone',
} as const;

/** A page of all packages with their licences, by what they are for. */
export function licencePage(title: string, packages: readonly LockedPackage[]): string {
  const sections = (['required', 'optional', 'excluded'] as const).flatMap((scope) => {
    const rows = packages.filter((one) => one.scope === scope && one.integrity !== undefined);
    if (rows.length === 0) return [];
    const lines = rows.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence ?? 'none'} |`);
    return [`\n## ${TITLES[scope]}\n\n| package | version | licence |\n|---|---|---|\n${lines.join('\n')}\n`];
  });
  return `# Licences of what ${title} is made from\n\nFrom package-lock.json.\n${sections.join('')}`;
}
