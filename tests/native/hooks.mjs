import { registerHooks } from 'node:module';

/*
 * What Node needs beside itself to run a test file: `@jest/globals` throws wherever jest did not put another module in
 * its place.
 */
const globals = new URL('./globals.mjs', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: globals, format: 'module', shortCircuit: true } : next(specifier, context),
});
