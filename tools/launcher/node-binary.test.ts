import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { projectRoot } from '../command-line/project-root.ts';

const install = pathToFileURL(join(projectRoot, 'tools/launcher/install.mjs')).href;

/** Outside of jest, as npm runs it. */
function evaluate(expression: string): { answer: string; said: string } {
  const code = `import * as install from ${JSON.stringify(install)}; process.stdout.write(String(${expression}));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
  return { answer: stdout, said: stderr };
}

test('the Node that runs this is the one whose hash is committed, of the version that package.json pins', () => {
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')));
  expect(evaluate('install.NODE_VERSION')).toEqual({ answer: dependencies['node'], said: '' });
  expect(evaluate('install.isKnownNode()').answer).toBe('true');
});

test(
  'another binary is refused with both hashes and what to do, and taken away, as npm would run its next command ' +
    'on it; a platform without a hash is said',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-node-'));
    try {
      const path = join(folder, 'node');
      writeFileSync(path, 'something else');
      const unknown = evaluate(`install.isKnownNode(${JSON.stringify(path)}, 'plan9-mips')`);
      expect(unknown).toEqual({ answer: 'true', said: expect.stringMatching(/was not checked.*plan9-mips/) });
      const refused = evaluate(`install.isKnownNode(${JSON.stringify(path)}, 'linux-x64')`);
      expect(refused).toEqual({
        answer: 'false',
        said: expect.stringMatching(/SHA-256 is [0-9a-f]{64} and should be [0-9a-f]{64}.*install again/),
      });
      expect(existsSync(path)).toBe(false);
      expect(evaluate(`install.isKnownNode(${JSON.stringify(join(folder, 'none'))}, 'linux-x64')`)).toEqual({
        answer: 'true',
        said: '',
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
