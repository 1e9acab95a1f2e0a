import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { createMutant, type Mutation } from '../support/mutant.ts';
import { BYTES_MUTATIONS } from './bytes-mutations.ts';
import * as mutations from './mutations.ts';
import { OWNER_MUTATIONS } from './owner-mutations.ts';
import { TOPOLOGY_MUTATIONS } from './topology-mutations.ts';

/*
 * A mutant that does not run, because it uses a name that is there no more, would be caught for the wrong reason. Those
 * that change nothing of each other's are checked together.
 */

const marksOf = ({ edits }: Mutation): string[] => edits.flatMap((edit) => ('mark' in edit ? [edit.mark] : []));

function together(all: readonly Mutation[]): Mutation[][] {
  const groups: Mutation[][] = [];
  for (const mutation of all) {
    const marks = new Set(marksOf(mutation));
    const group = groups.find((others) => !others.flatMap(marksOf).some((mark) => marks.has(mark)));
    if (group === undefined) groups.push([mutation]);
    else group.push(mutation);
  }
  return groups;
}

const marked = [...Object.values(mutations), ...TOPOLOGY_MUTATIONS, ...BYTES_MUTATIONS, ...OWNER_MUTATIONS].filter(
  (mutation) => marksOf(mutation).length > 0,
);

test.each(together(marked).map((group) => [group.length, group[0]?.name ?? '', group] as const))(
  'the types of %i mutants, beginning with "%s", are right',
  async (_count, name, group) => {
    const mutant = await createMutant({ name, edits: group.flatMap(({ edits }) => edits) });
    try {
      writeFileSync(
        join(mutant.root, 'tsconfig.json'),
        JSON.stringify({
          extends: join(projectRoot, 'tsconfig.json'),
          // What a mutant leaves out leaves names over that nobody uses.
          compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, allowUnreachableCode: true },
          include: ['processor/streams'],
          exclude: ['**/*.test.ts', '**/*.contract.ts', 'processor/streams/tests'],
        }),
      );
      const tsc = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
      const { stdout } = spawnSync(process.execPath, [tsc, '-p', mutant.root], { encoding: 'utf8', cwd: mutant.root });
      expect(stdout).toBe('');
    } finally {
      await mutant.remove();
    }
  },
);
