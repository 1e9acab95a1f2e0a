import type { Plugin, UserConfig } from 'vite';

// The API serves the built files; `vite client` alone serves them with reload and hands GraphQL on to a running API.
const api = 'http://127.0.0.1:4000';

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

/** How every page is built: from `root`, into `outDir`, which may lie outside of it. */
export function pageConfig(root: string, outDir: string, plugins: readonly Plugin[] = []): UserConfig {
  return {
    root,
    publicDir: `${import.meta.dirname}/public`,
    plugins: [...plugins, plainImports],
    // As in tsconfig.json, which is not found below a folder with a # in its name.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    // Nothing inline, no data: addresses: the API's content security policy allows neither.
    build: {
      target: 'es2022',
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 200,
    },
    server: {
      proxy: {
        '/graphql': { target: api, ws: true },
        '/data': api,
        '/insights': api,
        '/page': api,
        '/ready': api,
      },
    },
  };
}
