import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../command-line/project-root.ts';
import { until, stays } from '../../tests/support/until.ts';

const preload = pathToFileURL(join(projectRoot, 'tools/launcher/die-with-launcher.mjs')).href;

/** Starts a launcher in the manner of launch.mjs, and returns its pid with that of the process it started. */
async function launcher(marked: boolean): Promise<{ kill: () => void; pid: number }> {
  const source = `
    const { spawn } = require('node:child_process');
    const env = { ...process.env, TRIBUTARY_LAUNCHER: ${marked ? 'String(process.pid)' : "'1'"} };
    const program = 'console.log("up"); setTimeout(() => {}, 200000)';
    const child = spawn(process.execPath, ['--import', ${JSON.stringify(preload)}, '-e', program], {
      env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    child.stdout.once('data', () => console.log(child.pid));
    setTimeout(() => {}, 200000);`;
  const parent = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once('data', (line: Buffer) => resolve(Number(line.toString()))),
  );
  return { kill: () => parent.kill('SIGKILL'), pid };
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a killed launcher takes its process along', async () => {
  const { kill, pid } = await launcher(true);
  expect(runs(pid)).toBe(true);
  kill();
  await until(() => !runs(pid), 'it ends too');
});

test('a process that another one started is left alone', async () => {
  const { kill, pid } = await launcher(false);
  kill();
  await stays(() => runs(pid), 'it runs on', 500);
  process.kill(pid, 'SIGKILL');
});
