/** `npm run pack:create`: makes the tarball of create-tributary, which carries those of the packages with it. */
import { join, relative } from 'node:path';
import { projectRoot } from '../command-line/project-root.ts';
import { packAll, packCreate } from './packages.ts';

const destination = join(projectRoot, 'dist');
process.stdout.write(`${relative(process.cwd(), await packCreate(destination, await packAll(destination)))}\n`);
