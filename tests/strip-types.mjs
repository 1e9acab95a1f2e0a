import { stripTypeScriptTypes } from 'node:module';

/**
 * For jest: TypeScript as Node itself reads it when it runs the program. Every line and column stays where it is, so no
 * source map is made, read, and loaded with each module of each test file.
 */
export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
