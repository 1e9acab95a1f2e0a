import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

// The API serves the built files; `vite client` alone serves them with reload and hands GraphQL on to a running API.
const api = 'http://127.0.0.1:4000';

/**
 * The generated operations, lean: without the white space that GraphQL does not need, without their hashes, which the
 * page does not send, and without the fragments that are also exported on their own, which nothing uses and a bundler
 * cannot know to be without effect.
 */
const leanOperations: Plugin = {
  name: 'lean-operations',
  transform: {
    filter: { id: /\/generated\/graphql\.ts$/ },
    handler: (code) =>
      code
        .replaceAll(/`,\s*\{\s*"?hash"?:\s*"[^"]*"\s*\}\)/g, '`)')
        .replaceAll('= new TypedDocumentString(', '= /*#__PURE__*/ new TypedDocumentString(')
        .replaceAll(/`[^`]*`/g, (text) => text.replaceAll(/\s+/g, ' ')),
  },
};

/**
 * Vite's helper around `import()` preloads what a chunk needs beside itself. The one chunk here needs nothing: it is
 * only imported.
 */
const plainImports: Plugin = {
  name: 'plain-imports',
  transform: {
    filter: { id: /vite\/preload-helper\.js$/ },
    handler: () => 'export const __vitePreload = (load) => load();',
  },
};

export default defineConfig({
  root: import.meta.dirname,
  plugins: [leanOperations, plainImports],
  // As in tsconfig.json, which is not found below a folder with a # in its name.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // Nothing inline, no data: addresses: the API's content security policy allows neither.
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 200,
  },
  server: { proxy: { '/graphql': { target: api, ws: true }, '/data': api, '/insights': api, '/ready': api } },
});
