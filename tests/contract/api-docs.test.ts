/** docs/api.md: each line that can be copied is run as it stands, against an API of this test. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildSchema, parse, validate } from 'graphql';
import { parse as parseYaml } from 'yaml';
import { readFileSync } from 'node:fs';

import { MAX_CONNECTIONS, MAX_ERRORS, REQUEST_LIMITS, SOCKET_LIMITS, STALLED_AFTER_MS } from '@tributary/graphql';
import { readTypeDefinitions } from '../../schema/logins/resolvers/api-schema.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { type ApiUnderTest, eventually, startApiUnderTest } from '../support/api-under-test.ts';
import { codeBlocks, page, tableRows } from '../support/markdown.ts';

const docs = page('docs/api.md');
let api: ApiUnderTest;
let folder: string;
beforeAll(async () => {
  api = await startApiUnderTest();
  // Within the project, so that the example finds the packages; among no sources, which other tests read and copy.
  const data = join(projectRoot, '.data');
  await mkdir(data, { recursive: true });
  folder = await mkdtemp(join(data, 'api-docs-'));
});
afterAll(async () => {
  await api.server.stop();
  await rm(folder, { recursive: true });
});

const here = (code: string) => code.replaceAll('127.0.0.1:4000', `127.0.0.1:${api.server.port}`);

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs it until its output fits, and ends it. */
async function untilOutput(
  command: string,
  args: readonly string[],
  fits: (output: string) => boolean,
): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  try {
    await eventually(() => fits(output));
  } catch {
    throw new Error(`it said only: ${output}`);
  } finally {
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 200))]);
    // It may have ended by itself, as most do.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }
  return output;
}

const commands = codeBlocks(docs, 'sh').map(({ code }) => code);

(has('curl') ? describe : describe.skip)('what can be pasted into a shell', () => {
  test.each(commands.map((code) => [code.slice(0, 200), code]))('%s', async (_, code) => {
    const output = await untilOutput(
      'sh',
      ['-c', here(code)],
      (text) =>
        text.includes(code.includes('-sN') ? 'SNAPSHOT' : code.includes('/insights') ? '"]' : '}') &&
        !text.includes('\0'),
    );
    expect(output).not.toContain('"errors"');
    if (!code.includes('/data')) expect(output).toContain('"data"');
  });
});

test('every query in it is one of the schema', () => {
  const schema = buildSchema(readTypeDefinitions());
  const queries = commands.flatMap((code) =>
    [...code.matchAll(/-d '(\{"query".*\})'/g)].map(([, body = '']) => (JSON.parse(body) as { query: string }).query),
  );
  expect(queries).toHaveLength(5);
  for (const query of queries) expect(validate(schema, parse(query))).toEqual([]);
});

function follower(language: string): string {
  return codeBlocks(docs, language).find(({ file }) => file?.startsWith('follow.'))?.code ?? '';
}

test('the subscriber in Node has 20 lines, and follows', async () => {
  const code = follower('js');
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(24);
  const file = join(folder, 'follow.mjs');
  await writeFile(file, here(code));
  let fed = false;
  const output = await untilOutput(process.execPath, [file], (text) => {
    if (text.includes('SNAPSHOT') && !fed) {
      fed = true;
      api.fed.feed(api.fed.results.state('WY', { ios: 4 }));
    }
    return text.includes('DELTA');
  });
  expect(output).toMatch(/SNAPSHOT 9 2\nDELTA 13 3\n/);
});

(has('python3') ? test : test.skip)('the subscriber in Python follows', async () => {
  const file = join(folder, 'follow.py');
  await writeFile(file, here(follower('python')));
  let fed = false;
  const output = await untilOutput('python3', [file], (text) => {
    if (text.includes('SNAPSHOT') && !fed) {
      fed = true;
      api.fed.feed(api.fed.results.state('WY', { ios: 5 }));
    }
    return text.includes('DELTA');
  });
  expect(output).toMatch(/SNAPSHOT \d+\nDELTA \d+\n/);
});

test('its limits are those of the code', () => {
  const numbers = tableRows(docs, 'Errors and limits')
    .map(([most = '', what = '']) => `${most} ${what}`)
    .join('\n')
    .replaceAll(',', '');
  for (const limit of [
    REQUEST_LIMITS.tokens,
    REQUEST_LIMITS.depth,
    REQUEST_LIMITS.aliases,
    REQUEST_LIMITS.directives,
    REQUEST_LIMITS.repeats,
    SOCKET_LIMITS.operations,
    SOCKET_LIMITS.sockets,
    MAX_CONNECTIONS,
  ])
    expect(numbers).toMatch(new RegExp(`^${limit} `, 'm'));
  expect([REQUEST_LIMITS.bodyBytes, STALLED_AFTER_MS, MAX_ERRORS]).toEqual([100_000, 30_000, 5]);
});

describe('what stands in front', () => {
  test('the compose file adds a proxy to services that there are', () => {
    const added = readFileSync(join(projectRoot, 'docs/proxy/docker-compose.yml'), 'utf8').replace('!reset []', '[]');
    const { services } = parseYaml(added) as { services: Record<string, { volumes?: string[] }> };
    expect(Object.keys(services)).toEqual(['api', 'proxy']);
    expect(services['proxy']).toMatchObject({
      image: expect.stringMatching(/^caddy:\d/),
      depends_on: { api: { condition: 'service_healthy' } },
    });
    expect(services['proxy']?.volumes?.[0]).toMatch(/^\.\/docs\/proxy\/Caddyfile:/);
  });

  test('both proxies keep the host, let sockets through and hold no event back', () => {
    const nginx = readFileSync(join(projectRoot, 'docs/proxy/nginx.conf'), 'utf8');
    for (const line of [
      'proxy_set_header Host $http_host;',
      'proxy_set_header Upgrade $http_upgrade;',
      'proxy_buffering off;',
      'proxy_http_version 1.1;',
    ])
      expect(nginx).toContain(line);
    expect(readFileSync(join(projectRoot, 'docs/proxy/Caddyfile'), 'utf8')).toContain('flush_interval -1');
  });
});
