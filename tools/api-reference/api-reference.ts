import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../command-line/project-root.ts';

/** `npm run docs`: docs/api-reference/ from the docstrings of what the packages export. */
const run = promisify(execFile);
const here = join(projectRoot, 'tools/api-reference');
const target = join(projectRoot, 'docs/api-reference');

const PAGES: readonly { readonly page: string; readonly title: string; readonly entry: string }[] = [
  { page: 'streams', title: '@tributary/streams', entry: 'processor/streams/index.ts' },
  { page: 'streams-testing', title: '@tributary/streams/testing', entry: 'processor/streams/testing.ts' },
  { page: 'streams-json', title: '@tributary/streams/json', entry: 'processor/streams/json.ts' },
  {
    page: 'streams-schema-registry',
    title: '@tributary/streams/schema-registry',
    entry: 'processor/streams/schema-registry.ts',
  },
  { page: 'streams-operations', title: '@tributary/streams/operations', entry: 'processor/streams/operations.ts' },
  { page: 'graphql', title: '@tributary/graphql', entry: 'schema/live/index.ts' },
];

/** typedoc needs a TypeScript with an API for programs, which is why it has a package of its own. */
async function install(): Promise<void> {
  await run('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: here });
}

async function write(page: string, title: string, entry: string, out: string): Promise<void> {
  const args = ['--plugin', 'typedoc-plugin-markdown', '--options', join(here, 'typedoc.json'), '--out', out];
  args.push('--tsconfig', join(here, 'tsconfig.json'), '--entryPoints', join(projectRoot, entry), '--name', title);
  await run(process.execPath, [join(here, 'node_modules/typedoc/bin/typedoc'), ...args], { cwd: here });
  await mkdir(target, { recursive: true });
  await copyFile(join(out, 'README.md'), join(target, `${page}.md`));
  const text = await readFile(join(target, `${page}.md`), 'utf8');
  // typedoc ends lines with blanks, and begins with rules between its own headings.
  const clean = text.replaceAll(/[ \t]+$/gm, '').replaceAll(/\n{3,}/g, '\n\n');
  await writeFile(join(target, `${page}.md`), `${clean.trim()}\n`);
}

await install();
const out = await mkdtemp(join(tmpdir(), 'tributary-docs-'));
try {
  for (const { page, title, entry } of PAGES) {
    await write(page, title, entry, join(out, page));
    process.stdout.write(`docs/api-reference/${page}.md\n`);
  }
} finally {
  await rm(out, { recursive: true, force: true });
}
