import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';

const PAGES = [
  ['streams', 'processor/streams/index.ts'],
  ['streams-testing', 'processor/streams/testing.ts'],
  ['streams-json', 'processor/streams/json.ts'],
  ['streams-schema-registry', 'processor/streams/schema-registry.ts'],
  ['streams-operations', 'processor/streams/operations.ts'],
  ['graphql', 'schema/live/index.ts'],
] as const;

/** The names of `export { one, type Two } from …`. */
function exportedNames(file: string): string[] {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== ''),
  );
}

test.each(PAGES)('docs/api-reference/%s.md has every name that %s exports: else `npm run docs`', (page, entry) => {
  const text = readFileSync(join(projectRoot, 'docs/api-reference', `${page}.md`), 'utf8');
  const headings = new Set([...text.replaceAll('\\_', '_').matchAll(/^### (\w+)/gm)].map(([, name]) => name));
  const names = exportedNames(entry);
  expect(names.length).toBeGreaterThan(1);
  expect(names.filter((name) => !headings.has(name))).toEqual([]);
  expect([...headings].filter((name) => !names.includes(name as string))).toEqual([]);
});
