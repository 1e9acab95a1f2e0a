import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { format } from 'prettier';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { markedCode, marksBelow } from '../support/marked-code.ts';
import { mutatedFiles, type Mutation } from '../support/mutant.ts';
import { BYTES_MUTATIONS } from './bytes-mutations.ts';
import * as mutations from './mutations.ts';
import { OWNER_MUTATIONS } from './owner-mutations.ts';
import { TOPOLOGY_MUTATIONS } from './topology-mutations.ts';

const all: readonly Mutation[] = [
  ...Object.values(mutations),
  ...TOPOLOGY_MUTATIONS,
  ...BYTES_MUTATIONS,
  ...OWNER_MUTATIONS,
];
const marks = marksBelow(projectRoot);
test.each(all.map((mutation) => [mutation.name, mutation] as const))(
  '%s: each edit finds its place once, and what comes out is TypeScript that differs',
  async (_name, mutation) => {
    const files = await mutatedFiles(mutation);
    expect(files.size).toBeGreaterThan(0);
    for (const [file, text] of files) expect(text).not.toBe(readFileSync(join(projectRoot, file), 'utf8'));
  },
);

test('each mark of the source is of a mutant, and there once', () => {
  const used = new Set(all.flatMap(({ edits }) => edits.flatMap((edit) => ('mark' in edit ? [edit.mark] : []))));
  expect([...marks.keys()].filter((mark) => !used.has(mark))).toEqual([]);
  expect([...marks].filter(([, files]) => files.length > 1)).toEqual([]);
});

/** Without what a formatter may add or leave out. */
const plain = ([mark, code]: readonly [string, string]) => [mark, code.replaceAll(/[\s,;()|]/g, '')] as const;

test.each([...new Set([...marks.values()].flat())].map((file) => [file]))(
  '%s: however it is formatted, a mark means the same code',
  async (file) => {
    const text = readFileSync(join(projectRoot, file), 'utf8');
    const meant = [...(await markedCode(text))].map(plain);
    for (const options of [{ printWidth: 40 }, { printWidth: 400, useTabs: true, semi: false }]) {
      const formatted = await format(text, { filepath: file, singleQuote: true, ...options });
      expect([...(await markedCode(formatted))].map(plain)).toEqual(meant);
    }
  },
);

test('no two mutants have one name', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});
