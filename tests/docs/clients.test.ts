/** docs/clients.md: what examples/clients generates is what its API and its documents say. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createLiveApi } from '@tributary/graphql';
import { tables } from '../../examples/clients/tables.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { quietLogger } from '../support/quiet-logger.ts';

const run = promisify(execFile);
const of = (...names: string[]): string => join(projectRoot, 'examples', 'clients', ...names);

test('the schema in api.graphql is the one that the API prints', async () => {
  const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
  const { sdl } = createLiveApi({ applicationId: 'products', connection, logger: quietLogger, tables });
  expect(await readFile(of('api.graphql'), 'utf8')).toBe(sdl);
});

test('the types are those of the schema and the documents', async () => {
  const codegen = join(projectRoot, 'node_modules', '@graphql-codegen', 'cli', 'esm', 'bin.js');
  await run(process.execPath, [codegen, '--check', '--config', of('codegen.yml')], { cwd: projectRoot });
});
