import { createRequire } from 'node:module';
import { StreamsError } from '../errors.ts';

const require = createRequire(import.meta.url);

/**
 * A library that only some serdes need, and that an install has when its application asked for it.
 * @throws StreamsError CONFIG_INVALID naming what to install.
 */
export function optionalLibrary(library: string, neededBy: string, version: string): unknown {
  try {
    return require(library) as unknown;
  } catch (error) {
    const [name = library] = library.split('/');
    throw new StreamsError(
      'CONFIG_INVALID',
      `${neededBy} needs the library ${name}, which cannot be loaded: npm install ${name}@${version}`,
      { cause: error },
    );
  }
}
