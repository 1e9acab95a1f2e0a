import { defineConfig } from 'vite';
import { pageConfig } from './vite.shared.ts';
import type { Plugin } from 'vite';

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

export default defineConfig(pageConfig(import.meta.dirname, 'dist', [leanOperations]));
