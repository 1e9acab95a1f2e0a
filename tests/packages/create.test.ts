/** create-tributary, from its tarball: what it refuses and makes. tutorial.test.ts goes on to what answers. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { packAll, packCreate } from '../../tools/packages/packages.ts';

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
