/** `npm run sbom`: writes to dist/ what the project and each of its packages is made from, and under which licences. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectRoot } from '../command-line/project-root.ts';
import { cyclonedx } from './cyclonedx.ts';
import { licencePage, licenceProblems } from './licences.ts';
import { packageIn, packagesOf, readLockFile } from './lock-file.ts';

/** `patches/@scope+name+1.2.3.patch` changes `@scope/name@1.2.3`. */
function mendedPackages(): Set<string> {
  const files = readdirSync(join(projectRoot, 'patches')).filter((name) => name.endsWith('.patch'));
  return new Set(
    files.map((name) =>
      name
        .replace(/\.patch$/, '')
        .replace(/\+([^+]+)$/, '@$1')
        .replaceAll('+', '/'),
    ),
  );
}

const lock = readLockFile();
const folder = join(projectRoot, 'dist');
mkdirSync(folder, { recursive: true });
for (const path of ['', ...(lock.packages['']?.workspaces ?? [])]) {
  const subject = packageIn(lock, path);
  const packages = packagesOf(lock, path);
  const base = `${subject.name.replace('@', '').replace('/', '-')}-${subject.version}`;
  const bom = cyclonedx(subject, packages, mendedPackages());
  const files = {
    [`${base}.cdx.json`]: `${JSON.stringify(bom, null, 2)}\n`,
    [`${base}-licences.md`]: licencePage(subject.name, packages),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    process.stdout.write(`${relative(process.cwd(), join(folder, name))}\n`);
  }
}
const problems = licenceProblems(packagesOf(lock));
if (problems.length > 0) {
  process.stderr.write(`licences that docs/decisions/0007-libraries.md does not allow:\n${problems.join('\n')}\n`);
  process.exitCode = 1;
}
