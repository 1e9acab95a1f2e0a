/** create-tributary: from its tarball, in a folder outside the repository, to an application that answers. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { packAll, packCreate } from '../../tools/packages/packages.ts';
import { postGraphql } from '../support/api-under-test.ts';
import { startTestBroker } from '../support/broker.ts';
import { testPort } from '../support/test-port.ts';
import { until } from '../support/until.ts';
import { installInto } from './installed-packages.ts';

const run = promisify(execFile);
let root: string;
/** What the tarball holds. */
let unpacked: string;
let app: string;

interface Said {
  readonly code: number;
  readonly text: string;
}

async function said(program: string, args: readonly string[], cwd: string): Promise<Said> {
  // Node's runner tells a runner inside of another one by this variable, and runs nothing then.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  try {
    const { stdout, stderr } = await run(program, args, { cwd, env });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as {
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    };
    return { code, text: stdout + stderr };
  }
}

const create = (...args: readonly string[]): Promise<Said> =>
  said(process.execPath, [join(unpacked, 'create.mjs'), ...args], root);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-create-'));
  const tarballs = await packAll(join(root, 'tarballs'));
  const tarball = await packCreate(root, tarballs);
  await run('tar', ['-xzf', tarball, '-C', root]);
  unpacked = join(root, 'package');
  expect((await create('my-views')).text).toContain('npm start');
  app = join(root, 'my-views');
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('what it refuses', () => {
  test.each([
    ['no folder', [], 'Name the folder'],
    ['a second folder', ['one', 'two'], '"two" is more'],
    ['an option that nobody knows', ['--template', 'x'], 'There is no option --template'],
    ['a name that no application can have', ['My App'], '"My App" can be no name'],
    ['a folder with something in it', ['package'], 'is not empty'],
  ])('%s', async (_, args, why) => {
    const { code, text } = await create(...args);
    expect([code, text]).toEqual([2, expect.stringContaining(why)]);
    expect(text).toContain('create-tributary FOLDER');
  });
});

test('the application has the name of its folder, the packages with it, and no word of the template', async () => {
  const manifest = JSON.parse(await readFile(join(app, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  expect(manifest.name).toBe('my-views');
  expect(manifest.dependencies).toMatchObject({
    '@tributary/streams': 'file:packages/tributary-streams-0.1.0.tgz',
    '@tributary/graphql': 'file:packages/tributary-graphql-0.1.0.tgz',
  });
  for (const file of ['package.json', 'README.md', 'compose.yml', 'src/names.ts'])
    expect(await readFile(join(app, file), 'utf8')).not.toContain('template-app');
  expect(await readFile(join(app, '.gitignore'), 'utf8')).toContain('node_modules');
});

test('its Kafka is the one of the repository’s containers', async () => {
  const image = async (file: string): Promise<unknown> =>
    (parse(await readFile(file, 'utf8')) as { services: { kafka: { image: string } } }).services.kafka.image;
  expect(await image(join(app, 'compose.yml'))).toBe(await image(join(projectRoot, 'docker-compose.yml')));
});

test('it installs, compiles, passes its tests, starts with one command and answers', async () => {
  await installInto(
    app,
    (await readdir(join(app, 'packages'))).map((name) => join(app, 'packages', name)),
  );
  expect(await said(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), '-p', '.'], app)).toEqual({
    code: 0,
    text: '',
  });
  const tests = await said(process.execPath, ['--test', '--test-reporter=spec', 'src/**/*.test.ts'], app);
  expect(tests.text).toMatch(/^ℹ fail 0$/m);
  expect(tests.text).toMatch(/^ℹ pass 3$/m);

  const nowhere = spawn(process.execPath, ['src/start.ts'], {
    cwd: app,
    env: { PATH: process.env['PATH'], KAFKA_BROKERS: '127.0.0.1:9' },
  });
  const words: Buffer[] = [];
  nowhere.stderr.on('data', (chunk: Buffer) => words.push(chunk));
  expect(await once(nowhere, 'close')).toEqual([1, null]);
  expect(Buffer.concat(words).toString()).toContain('No Kafka answers at 127.0.0.1:9. Start one with "docker compose');

  const broker = await startTestBroker({ heap: '384m' });
  const url = `http://127.0.0.1:${String(await testPort())}`;
  const started = spawn(process.execPath, ['src/start.ts'], {
    cwd: app,
    env: { PATH: process.env['PATH'], KAFKA_BROKERS: broker.brokers.join(','), PORT: new URL(url).port },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    const query = '{ pagesPage { totalCount nodes { page views } } pageMinutesPage { totalCount } }';
    await until(async () => {
      const { data } = await postGraphql(url, { query }).catch(() => ({ data: undefined }));
      const pages = Object.values((data ?? {}) as Record<string, { readonly totalCount: number }>);
      return pages.length === 2 && pages.every(({ totalCount }) => totalCount > 0);
    }, 'its API has rows of both tables');
    started.kill('SIGTERM');
    expect(await once(started, 'exit')).toEqual([0, null]);
  } finally {
    started.kill('SIGKILL');
    await broker.stop();
  }
});
