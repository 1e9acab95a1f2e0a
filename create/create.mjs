#!/usr/bin/env node
/** `create-tributary FOLDER`: a new application in an empty folder. */
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';

const here = import.meta.dirname;
const USAGE = `create-tributary FOLDER

Makes an application in FOLDER, which must be new or empty: a topology, its live GraphQL API, tests, and what runs
all of it. Its name is the folder's: lower-case letters, digits and hyphens.
`;
/** As an application id and as the name of a package. */
const NAME = /^[a-z][a-z0-9-]{0,62}$/;
/** npm leaves a file of this name out of a package. */
const RENAMED = { gitignore: '.gitignore' };
/** Files of the template in which the name of the application stands. */
const NAMED = ['package.json', 'README.md', 'src/names.ts', 'compose.yml'];
const PLACEHOLDER = 'template-app';

/** Ends with what is wrong, and what to do instead. */
function refuse(why) {
  process.stderr.write(`${why}\n\n${USAGE}`);
  process.exit(2);
}

const [folder, ...more] = process.argv.slice(2);
if (folder === '--help' || folder === '-h') {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (folder === undefined) refuse('Name the folder of the new application.');
if (folder.startsWith('-')) refuse(`There is no option ${folder}.`);
if (more.length > 0) refuse(`One folder is taken, and "${more.join(' ')}" is more.`);
const target = resolve(folder);
const name = basename(target);
if (!NAME.test(name)) refuse(`"${name}" can be no name of an application.`);
await mkdir(target, { recursive: true });
if ((await readdir(target)).length > 0) refuse(`${target} is not empty. Name a new folder.`);

await cp(join(here, 'template'), target, { recursive: true });
for (const [from, to] of Object.entries(RENAMED)) await rename(join(target, from), join(target, to));
for (const file of NAMED) {
  const path = join(target, file);
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll(PLACEHOLDER, name));
}
// Until the packages are published, the application carries their tarballs with it.
const tarballs = (await readdir(join(here, 'packages')).catch(() => [])).filter((file) => file.endsWith('.tgz'));
if (tarballs.length > 0) {
  await cp(join(here, 'packages'), join(target, 'packages'), { recursive: true });
  const path = join(target, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  for (const tarball of tarballs) {
    const [, part] = /^tributary-([a-z]+)-/.exec(tarball) ?? [];
    manifest.dependencies[`@tributary/${part}`] = `file:packages/${tarball}`;
  }
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

const at = relative(process.cwd(), target);
process.stdout.write(`${name} is in ${target}. Go on with:

  ${at === '' ? '' : `cd ${at}\n  `}npm install
  npm test                # without a Kafka
  docker compose up -d    # a Kafka, unless KAFKA_BROKERS names yours
  npm start               # processor, producer and API: http://127.0.0.1:4400
`);
