// node tools/launcher/launch.mjs [flags of Node] <file> [arguments]: installs what is missing, then runs the file on
// Node 24.
// Runs on whatever Node starts npm: Node's own modules only.
import { spawn } from 'node:child_process';
import { dirname, join, delimiter } from 'node:path';
import { pathToFileURL } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node ${process.versions.node} is too old to install Tributary: it needs 20.19 or newer.\n`);
  process.exit(2);
}

const { ensureInstalled, nodePath, projectRoot } = await import('./install.mjs');
if (!ensureInstalled()) process.exit(1);

const given = process.argv.slice(2);
const fileAt = given.findIndex((one) => !one.startsWith('--'));
const [file, ...args] = given.slice(fileAt);
// Stripping types and compiling take longer than all else in a start: what was compiled once is kept.
const compileCache = process.env['NODE_COMPILE_CACHE'] ?? join(projectRoot, 'node_modules', '.cache', 'node-compile');
const binDirs = [dirname(nodePath), join(projectRoot, 'node_modules', '.bin')].join(delimiter);
const preload = pathToFileURL(join(projectRoot, 'tools/launcher/die-with-launcher.mjs')).href;
const child = spawn(nodePath, [...given.slice(0, fileAt), '--import', preload, join(projectRoot, file), ...args], {
  cwd: projectRoot,
  env: {
    ...process.env,
    NODE_COMPILE_CACHE: compileCache,
    // Of glibc's heaps each thread has one, and each keeps what its thread needed at most: two are enough.
    MALLOC_ARENA_MAX: process.env['MALLOC_ARENA_MAX'] ?? '2',
    TRIBUTARY_LAUNCHER: String(process.pid),
    PATH: `${binDirs}${delimiter}${process.env['PATH'] ?? ''}`,
  },
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

// npm and its shell are above this process: when they are killed alone, nobody is left to pass a signal on.
const parent = process.ppid;
if (process.env['npm_lifecycle_event'] !== undefined) {
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 1000).unref();
}

child.once('error', (error) => {
  process.stderr.write(`Node 24 does not run: ${error.message}\n`);
  process.exit(1);
});
child.once('exit', (code, signal) => {
  const signals = { SIGHUP: 129, SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };
  process.exit(code ?? signals[signal] ?? 1);
});
