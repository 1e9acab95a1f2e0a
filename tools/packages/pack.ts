/** `npm run pack`: makes the tarballs of the packages, and prints where they are. */
import { join, relative } from 'node:path';
import { projectRoot } from '../command-line/project-root.ts';
import { packAll } from './packages.ts';

for (const tarball of await packAll(join(projectRoot, 'dist')))
  process.stdout.write(`${relative(process.cwd(), tarball)}\n`);
