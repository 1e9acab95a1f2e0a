/** The packages as others get them: from their tarballs, in a folder outside the repository. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker } from '../support/broker.ts';
import { publishOnce } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';
import { installPackages, type InstalledPackages } from './installed-packages.ts';

const run = promisify(execFile);
/** The Node that runs the packages: `PACKAGES_NODE=/path/to/node` tries another, down to 22.15. */
const NODE = process.env['PACKAGES_NODE'] ?? process.execPath;
const MEBIBYTE = 1024 * 1024;
let installed: InstalledPackages;

beforeAll(async () => {
  installed = await installPackages(join(projectRoot, 'tests', 'packages', 'consumer'));
  if (!installed.fromRegistry)
    console.warn('No npm registry was reached: the packages were laid out from what is installed in this repository');
});

afterAll(() => installed?.remove());

/** Every file below a folder of the install, by its path there. */
function filesOf(folder: string): string[] {
  return readdirSync(join(installed.root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(installed.root, folder).length + 1));
}

const sizeOf = (folder: string): number =>
  filesOf(folder).reduce((sum, file) => sum + statSync(join(installed.root, folder, file)).size, 0);

describe('the runtime as it is installed', () => {
  const STREAMS = 'node_modules/@tributary/streams';

  test('is small: a tarball below 1.5 MB, an install below 15 MB without peers and native parts', () => {
    const tarball = installed.tarballs.find((path) => path.includes('streams')) as string;
    expect(statSync(tarball).size).toBeLessThan(1.5 * MEBIBYTE);
    const needed = new Set<string>(['@tributary/streams']);
    for (const name of needed) {
      const manifest = readFileSync(join(installed.root, 'node_modules', name, 'package.json'), 'utf8');
      const { dependencies = {} } = JSON.parse(manifest) as { dependencies?: Record<string, string> };
      for (const dependency of Object.keys(dependencies)) needed.add(dependency);
    }
    const bytes = [...needed].reduce((sum, name) => sum + sizeOf(join('node_modules', name)), 0);
    expect(bytes).toBeLessThan(15 * MEBIBYTE);
  });

  test('holds JavaScript, declarations and maps: no sources, no tests, nothing of the repository around it', () => {
    const known =
      /^(package\.json|README\.md|LICENSE|dist\/.*\.(js|d\.ts|js\.map)|dist\/vendor\/\w+\/(LICENSE|package\.json))$/;
    const odd = filesOf(STREAMS).filter(
      (file) => !known.test(file) || (/\.test\./.test(file) && !file.startsWith('dist/vendor/')),
    );
    expect(odd).toEqual([]);
    expect(filesOf(STREAMS)).toContain('dist/vendor/kafkajs/LICENSE');
  });

  test('has no install script, and every entry has types and a default', () => {
    const manifest = JSON.parse(readFileSync(join(installed.root, STREAMS, 'package.json'), 'utf8')) as {
      readonly scripts?: object;
      readonly exports: Readonly<Record<string, unknown>>;
    };
    expect(manifest.scripts).toBeUndefined();
    for (const [entry, target] of Object.entries(manifest.exports))
      if (entry !== './package.json')
        expect(target).toEqual({ types: expect.stringMatching(/\.d\.ts$/), default: expect.stringMatching(/\.js$/) });
  });

  test('needs nothing of this repository: its files lie outside', () => {
    expect(realpathSync(join(installed.root, STREAMS)).startsWith(projectRoot)).toBe(false);
  });

  test('runs a topology without Kafka, from plain JavaScript', async () => {
    const { stdout } = await run(NODE, ['driver.mjs'], { cwd: installed.root });
    expect(JSON.parse(stdout)).toEqual({
      written: ['a=2', 'b=1'],
      scanner: 'function',
      changelog: 'app-counts-changelog',
      registryAway: 'SCHEMA_REGISTRY_AWAY',
      withoutAvsc: 'CONFIG_INVALID',
    });
  });

  test('runs in tests of others, where NODE_ENV is test', async () => {
    const env = { ...process.env, NODE_ENV: 'test' };
    const { stdout } = await run(NODE, ['driver.mjs'], { cwd: installed.root, env });
    expect(stdout).toContain('"a=2"');
  });

  test('runs without the native libraries that are optional', async () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (['snappy', 'lz4-napi', '@node-rs/crc32'].includes(name)) throw new Error('not installed: ' + name);
        return next(name, context);
      } });`;
    writeFileSync(join(installed.root, 'no-native.mjs'), hook);
    const { stdout } = await run(NODE, ['--import', './no-native.mjs', 'driver.mjs'], {
      cwd: installed.root,
    });
    expect(stdout).toContain('"a=2"');
  });
});

test('the live API brings its page: built files, and nothing that they were made from', () => {
  const page = filesOf('node_modules/@tributary/graphql/dist/pages/dist').map((file) =>
    file.replace(/-[\w-]{8}\./, '-.'),
  );
  expect(page.toSorted()).toEqual([
    'assets/index-.css',
    'assets/index-.js',
    'assets/sse-transport-.js',
    'favicon.svg',
    'index.html',
  ]);
});

test('a strict project compiles against both packages, their declarations checked as well', async () => {
  const options = {
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(
    join(installed.root, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }),
  );
  const tsc = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = await run(process.execPath, [tsc, '-p', installed.root]).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { readonly stdout: string }).stdout,
  );
  expect(said).toBe('');
});

test('an application counts every record once on a real broker, through kill -9', async () => {
  const broker = await startTestBroker({ heap: '384m' });
  const words = ['apple', 'pear', 'plum', 'fig'];
  const apps: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const app = spawn(NODE, ['application.mjs'], {
      cwd: installed.root,
      env: {
        PATH: process.env['PATH'],
        BROKERS: broker.brokers.join(','),
        STATE_DIR: join(installed.root, 'state'),
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    apps.push(app);
    return app;
  };
  try {
    await broker.createTopics({ topic: 'words', partitions: 4 }, { topic: 'counts', partitions: 2 });
    let sent = 0;
    const send = async (count: number): Promise<void> => {
      await publishOnce(broker.connection, {
        topic: 'words',
        messages: Array.from({ length: count }, (_, n) => ({
          partition: n % 4,
          value: words[(sent + n) % words.length] as string,
        })),
      });
      sent += count;
    };
    const counted = async (): Promise<Record<string, number>> => {
      const { partitions } = await readTopic(broker.connection, 'counts');
      return Object.fromEntries(partitions.flat().map(({ key, value }) => [String(key), Number(String(value))]));
    };
    const total = async (): Promise<number> => Object.values(await counted()).reduce((sum, count) => sum + count, 0);

    await send(4_000);
    const first = start();
    await until(async () => (await total()) > 0, 'the application has counted some');
    // It dies with work in hand: some of these are read and not committed.
    const more = send(4_000);
    first.kill('SIGKILL');
    await once(first, 'exit');
    await more;
    const second = start();
    await until(async () => (await total()) >= sent, 'the application has counted all');
    await send(4);
    await until(async () => (await total()) >= sent, 'and what came last');
    expect(await counted()).toEqual(Object.fromEntries(words.map((word) => [word, sent / words.length])));
    second.kill('SIGTERM');
    expect(await once(second, 'exit')).toEqual([0, null]);
  } finally {
    for (const app of apps) app.kill('SIGKILL');
    await broker.stop();
  }
});
