import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import type { Mutation } from '../support/mutant.ts';
import * as mutations from './mutations.ts';
import { TOPOLOGY_MUTATIONS } from './topology-mutations.ts';

const all: readonly Mutation[] = [...Object.values(mutations), ...TOPOLOGY_MUTATIONS];

test('each mutation fits the code as it is: every text that it replaces is there once', () => {
  const unfit = all.flatMap(({ name, edits }) => {
    const texts = new Map<string, string>();
    return edits.flatMap(({ file, find, replace }) => {
      const text = texts.get(file) ?? readFileSync(join(projectRoot, file), 'utf8');
      texts.set(
        file,
        text.replace(find, () => replace),
      );
      return text.split(find).length === 2 ? [] : [`${name}: ${file}: ${find}`];
    });
  });
  expect(unfit).toEqual([]);
});

test('no two mutants have one name', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});
