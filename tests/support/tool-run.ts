import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';

export interface ToolRun {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a tool to its end, without a terminal. It gets PATH and HOME, and nothing else of this environment. */
export function runTool(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  timeoutMs = 30_000,
): Promise<ToolRun> {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(projectRoot, file), ...args], {
      cwd: projectRoot,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, errors }));
  });
}
