import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';

/** Names of one word (`HOST`, `PORT`) are words of other things, too. */
const VARIABLE = /^\| ([A-Z]+(?:_[A-Z]+)+) \|/gm;

const variables = [...readFileSync(join(projectRoot, 'docs/configuration.md'), 'utf8').matchAll(VARIABLE)].map(
  ([, name]) => name as string,
);

test('the runtime names no command and no variable of the login application', () => {
  expect(variables).toEqual(expect.arrayContaining(['KAFKA_BROKERS', 'STATE_DIR', 'APPLICATION_ID']));
  const foreign = new RegExp(`npm run \\w+|\\b(?:${variables.join('|')})\\b`, 'g');
  const sources = globSync('processor/streams/**/*.ts', { cwd: projectRoot }).filter(
    (file) => !file.includes('node_modules') && !file.endsWith('.test.ts'),
  );
  expect(sources.length).toBeGreaterThan(80);
  const found = sources.flatMap((file) =>
    [...readFileSync(join(projectRoot, file), 'utf8').matchAll(foreign)].map(([name]) => `${file}: ${name}`),
  );
  expect(found).toEqual([]);
});
