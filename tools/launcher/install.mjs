// Runs on whatever Node starts npm, before anything is installed: Node's own modules only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
const at = (...path) => join(projectRoot, ...path);

/** The Node that runs Tributary, whatever Node runs npm. */
export const nodePath = at('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * The version that package.json pins, and its binaries by platform: the package `node` fetches them past
 * package-lock.json and its hashes.
 */
export const NODE_VERSION = '24.21.0';
const NODE_SHA256 = {
  'linux-x64': '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c',
  'linux-arm64': '0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584',
  'win32-x64': 'ba4e6d110e8c1592a1ecd390f6b05f3da124b13871a5be62b341a07a853c6c32',
};

const stampPath = at('node_modules', '.tributary-installed.json');
const lockPath = at('.install-lock');

function digest(...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(at(file)));
  return hash.digest('hex');
}

function patchFiles() {
  if (!existsSync(at('patches'))) return [];
  return readdirSync(at('patches'))
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => join('patches', name));
}

/** What node_modules ought to be made from. */
function wanted() {
  return { packages: digest('package-lock.json'), patches: digest(...patchFiles()), patched: patchFiles() };
}

function installed() {
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8'));
  } catch {
    return {};
  }
}

function isCurrent() {
  const want = wanted();
  const have = installed();
  return have.packages === want.packages && have.patches === want.patches && existsSync(nodePath);
}

/** Applies patches/ to node_modules. A patch that is applied already is no failure; one that does not fit is. */
export function applyPatches() {
  if (patchFiles().length === 0) return true;
  const tool = at('node_modules', 'patch-package', 'index.js');
  const run = spawnSync(process.execPath, [tool, '--error-on-fail'], { cwd: projectRoot, encoding: 'utf8' });
  if (run.status !== 0) process.stderr.write(`${run.stdout}${run.stderr}`);
  return run.status === 0;
}

/**
 * Whether the Node binary at `path`, if there is one, is the one that was looked at when its version was pinned. One
 * that is not is taken away, or npm, which puts it on the path of its scripts, would run the next command on it, and
 * what is wrong is printed; a platform without a known hash is not refused, and said. The scripts of the install itself
 * have run on it by then.
 */
export function isKnownNode(path = nodePath, platform = `${process.platform}-${process.arch}`) {
  if (!existsSync(path)) return true;
  const want = NODE_SHA256[platform];
  if (want === undefined) {
    process.stderr.write(
      `${path} was not checked: tools/launcher/install.mjs has no SHA-256 of Node ${NODE_VERSION} for ${platform}.\n`,
    );
    return true;
  }
  const is = createHash('sha256').update(readFileSync(path)).digest('hex');
  if (is === want) return true;
  const isGone = takeAway(path);
  process.stderr.write(
    `${path} is not the Node ${NODE_VERSION} for ${platform} that Tributary knows: its SHA-256 is ${is} and ` +
      `should be ${want}. ${isGone ? 'It has been removed' : 'Remove it'}: nothing more is to run on it. ` +
      ('Remove node_modules and install again, from a registry that you trust; after an update of the package ' +
        '`node`, write the new hashes into tools/launcher/install.mjs.\n'),
  );
  return false;
}

function takeAway(path) {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    // Windows keeps what is running.
    return false;
  }
}

/** Notes what node_modules was made from. */
export function writeStamp() {
  writeFileSync(stampPath, JSON.stringify(wanted()));
}

function runNpm(...args) {
  const npm = process.env['npm_execpath'];
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // Warnings are about the Node that runs npm, which runs nothing else here.
  const run = spawnSync(command, [...first, ...args, '--loglevel=error', '--no-progress'], {
    cwd: projectRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (run.error !== undefined) process.stderr.write(`npm could not be run: ${run.error.message}\n`);
  return run.status === 0;
}

/** Only patches/ changed: puts the packages they mend back as published, and mends them again. */
function mendAfresh() {
  const names = new Set([...patchFiles(), ...(installed().patched ?? [])].map(packageOfPatch));
  for (const name of names) rmSync(at('node_modules', name), { recursive: true, force: true });
  return runNpm('install', '--no-save', '--ignore-scripts') && applyPatches();
}

/** `patches/@scope+name+1.2.3.patch` mends `@scope/name`. */
function packageOfPatch(file) {
  const parts = basename(file, '.patch').split('+').slice(0, -1);
  return parts.join('/');
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Waits until no other process installs here, so that two commands on a fresh clone do not write over each other. */
function takeLock() {
  for (;;) {
    try {
      mkdirSync(lockPath);
      writeFileSync(join(lockPath, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
    const holder = existsSync(join(lockPath, 'pid')) ? Number(readFileSync(join(lockPath, 'pid'), 'utf8')) : 0;
    if (holder > 0 && !isAlive(holder)) rmSync(lockPath, { recursive: true, force: true });
  }
}

/**
 * Brings node_modules in line with package-lock.json and patches/, and makes sure that Node 24 is among it. Does
 * nothing when all is current. Returns whether it succeeded; what failed has been printed.
 */
export function ensureInstalled() {
  if (isCurrent()) return true;
  takeLock();
  try {
    if (isCurrent()) return true;
    if (installed().packages === wanted().packages && existsSync(nodePath) && mendAfresh()) {
      writeStamp();
      return true;
    }
    process.stderr.write('Installing packages with `npm ci` (only after a change; about half a minute)\n');
    if (!runNpm('ci', '--include=dev')) {
      process.stderr.write(
        '`npm ci` failed: see the lines above. Is the network, or your npm registry, within reach?\n',
      );
      return false;
    }
    // With scripts switched off in the user's npm, neither Node 24 nor the patches are in place yet.
    if (!existsSync(nodePath)) {
      spawnSync(process.execPath, ['installArchSpecificPackage.js'], {
        cwd: at('node_modules', 'node'),
        stdio: ['ignore', 'inherit', 'inherit'],
      });
    }
    if (!existsSync(nodePath)) {
      process.stderr.write(
        'Node 24 is missing after `npm ci` (node_modules/node/bin/node): allow the install script of the ' +
          'package `node`.\n',
      );
      return false;
    }
    if (!isKnownNode() || !applyPatches()) return false;
    writeStamp();
    return true;
  } finally {
    rmSync(lockPath, { recursive: true, force: true });
  }
}
