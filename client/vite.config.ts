import { defineConfig } from 'vite';

// The API serves the built files; `vite client` alone serves them with reload and hands GraphQL on to a running API.
const api = 'http://127.0.0.1:4000';

export default defineConfig({
  root: import.meta.dirname,
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
