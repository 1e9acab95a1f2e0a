import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../command-line/project-root.ts';

interface Guarded {
  readonly child: ChildProcess;
  readonly firstLine: Promise<string>;
  readonly ended: Promise<{ code: number | null; output: string }>;
}

function guard(script: string, env: NodeJS.ProcessEnv = {}): Guarded {
  const child = spawn('sh', [join(projectRoot, 'tools/launcher/guard.sh'), 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...env },
  });
  let output = '';
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      resolve(output);
    });
  });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('exit', () => child.stdin.destroy());
    child.once('close', (code) => resolve({ code, output }));
  });
  return { child, firstLine, ended };
}

const untilTerminated = "trap 'echo terminated; exit 7' TERM; echo up; while :; do sleep 0.05; done";

test("the exit code is the command's own", async () => {
  expect(await guard('exit 5').ended).toEqual({ code: 5, output: '' });
});

test('a SIGTERM is passed on, and the end of the command waited for', async () => {
  const { child, firstLine, ended } = guard(untilTerminated);
  await firstLine;
  child.kill('SIGTERM');
  expect(await ended).toEqual({ code: 7, output: 'up\nterminated\n' });
});

test('the end of standard input terminates the command: whoever started it is gone', async () => {
  const { child, firstLine, ended } = guard(untilTerminated);
  await firstLine;
  child.stdin?.end();
  expect(await ended).toEqual({ code: 7, output: 'up\nterminated\n' });
});

test('or kills it, where GUARD_SIGNAL says so', async () => {
  const { child, firstLine, ended } = guard(untilTerminated, { GUARD_SIGNAL: 'KILL' });
  await firstLine;
  child.stdin?.end();
  expect(await ended).toEqual({ code: 137, output: 'up\n' });
});

/** Nine of twelve thousand went on for ever while a signal could meet the command’s shell before its first line. */
test('a SIGTERM ends the command however soon after the start it comes', async () => {
  const starts = Array.from({ length: 240 }, (_, at) => at);
  for (let first = 0; first < starts.length; first += 24)
    await Promise.all(
      starts.slice(first, first + 24).map(async (at) => {
        const { child, ended } = guard('exec sleep 600');
        await new Promise((resolve) => setTimeout(resolve, (at * 7) % 12));
        child.kill('SIGTERM');
        await ended;
      }),
    );
});
