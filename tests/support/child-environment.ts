import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';

/**
 * All that a program of this project gets of the environment of the tests: how it finds other programs, and where Node
 * keeps what it has compiled, as tools/launcher/launch.mjs sets it. Without that each start compiles all anew.
 */
export const childEnvironment = (): { PATH: string; HOME: string; NODE_COMPILE_CACHE: string } => {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE: join(projectRoot, 'node_modules', '.cache', 'node-compile') };
};
