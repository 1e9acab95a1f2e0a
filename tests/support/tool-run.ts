import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { childEnvironment } from './child-environment.ts';
import { DEADLINE_MS } from './until.ts';

export interface ToolRun {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs a tool to its end, without a terminal.
 * @throws when it does not end within the one deadline, with what it said.
 */
export function runTool(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(projectRoot, file), ...args], {
      cwd: projectRoot,
      env: { ...childEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === null) reject(new Error(`${file} ${args.join(' ')} ended by ${String(signal)}: ${output}${errors}`));
      else resolve({ code, output, errors });
    });
  });
}
