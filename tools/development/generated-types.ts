import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../command-line/project-root.ts';
import { UserError } from '../command-line/user-error.ts';

const run = promisify(execFile);

/**
 * Generated from schema/schema.graphql and committed; the client's own types are generated only, next to its sources.
 */
const committed = join(projectRoot, 'schema', 'logins', 'generated', 'resolver-types.ts');

let generated: Promise<boolean> | undefined;

/** Runs graphql-codegen over codegen.yml, once per process. Returns whether what is committed was current. */
export function generateTypes(): Promise<boolean> {
  return (generated ??= runCodegen());
}

async function runCodegen(): Promise<boolean> {
  const before = await readFile(committed, 'utf8').catch(() => '');
  const codegen = join(projectRoot, 'node_modules', '@graphql-codegen', 'cli', 'esm', 'bin.js');
  await run(process.execPath, [codegen, '--config', 'codegen.yml'], { cwd: projectRoot }).catch((error: unknown) => {
    const output =
      typeof error === 'object' && error !== null && 'stdout' in error && 'stderr' in error
        ? `${String(error.stdout)}${String(error.stderr)}`
        : String(error);
    throw new UserError(
      'CODEGEN_FAILED',
      `The types of schema/schema.graphql could not be generated:\n${output.trimEnd()}`,
    );
  });
  return before === (await readFile(committed, 'utf8'));
}

/** Generates the client's types where there are none, as on a fresh clone: they are not committed. */
export async function ensureClientTypes(): Promise<void> {
  if (!existsSync(join(projectRoot, 'client', 'src', 'generated', 'graphql.ts'))) await generateTypes();
}
