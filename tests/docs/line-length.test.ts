import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';

const LONGEST = 120;

/** The formatter breaks code, not comments, strings and titles of tests: a person does. */
test(`no line of code is longer than ${LONGEST} columns`, () => {
  const files = globSync(
    ['{processor,schema,client,tools,tests,bench,examples}/**/*.{ts,tsx,mjs,css}', '*.{mjs,yml}'],
    {
      cwd: projectRoot,
      exclude: (name) => ['node_modules', 'dist', 'generated'].includes(name),
    },
  );
  expect(files.length).toBeGreaterThan(300);
  const long = files.flatMap((file) =>
    readFileSync(join(projectRoot, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (line.length > LONGEST ? [`${file}:${String(index + 1)}`] : [])),
  );
  expect(long).toEqual([]);
});
