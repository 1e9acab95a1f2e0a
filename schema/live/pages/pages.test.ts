import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { type ApiUnderTest, postGraphql, startApiUnderTest } from '../../../tests/support/api-under-test.ts';
import { GRAPHIQL_EXAMPLES } from '../../logins/graphiql-examples.ts';

// Servers and sockets on a busy machine take their time.
const THEME_SCRIPT = "document.documentElement.dataset.theme = 'dark';";

let folder: string;
let api: ApiUnderTest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-pages-'));
  await mkdir(join(folder, 'dist', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'outside');
  await writeFile(
    join(folder, 'dist', 'index.html'),
    `<!doctype html><title>Dashboard</title><script>${THEME_SCRIPT}</script><script type="module" ` +
      `src="/assets/app-123.js"></script>`,
  );
  await writeFile(join(folder, 'dist', 'assets', 'app-123.js'), `console.log(${JSON.stringify('x'.repeat(5_000))})`);
  await writeFile(join(folder, 'dist', '.built-from'), 'stamp');
  await writeFile(join(folder, 'dist', 'favicon.svg'), '<svg/>');
  await symlink(join(folder, 'secret.txt'), join(folder, 'dist', 'link.txt'));
  api = await startApiUnderTest({ dashboardFolder: join(folder, 'dist') });
});
afterAll(async () => {
  await api.server.stop();
  await rm(folder, { recursive: true });
});

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** As written: fetch would tidy the path up first. */
function getRaw(path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ port: api.server.port, host: '127.0.0.1', path }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the dashboard', () => {
  test('is at /, fresh at each visit, under a policy that lets it run and nothing else', async () => {
    const response = await fetch(api.url, { headers: browser });
    expect(await response.text()).toContain('<title>Dashboard</title>');
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ]);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain(
      `script-src 'self' 'sha256-${createHash('sha256').update(THEME_SCRIPT).digest('base64')}'`,
    );
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${api.server.port}`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const etag = response.headers.get('etag') as string;
    expect((await fetch(api.url, { headers: { ...browser, 'if-none-match': etag } })).status).toBe(304);
  });

  test('what has a hash in its name is kept for good, and sent compressed', async () => {
    const response = await fetch(`${api.url}/assets/app-123.js`);
    expect([response.status, response.headers.get('content-type'), response.headers.get('content-encoding')]).toEqual([
      200,
      'text/javascript; charset=utf-8',
      'gzip',
    ]);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('vary')).toContain('Accept-Encoding');
    expect((await response.text()).length).toBeGreaterThan(5_000);
  });

  test('paths of the page itself give the page; files that are not there do not', async () => {
    expect(await (await fetch(`${api.url}/states/CA`, { headers: browser })).text()).toContain('Dashboard');
    expect((await fetch(`${api.url}/assets/gone.js`, { headers: browser })).status).toBe(404);
    expect((await fetch(`${api.url}/states/CA`)).status).toBe(404);
    expect((await fetch(`${api.url}/`, { method: 'POST' })).status).toBe(405);
  });

  test('nothing outside its folder can be had, and nothing hidden', async () => {
    for (const path of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/assets/../../secret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/..%5csecret.txt',
      '/link.txt',
      '/.built-from',
      '//secret.txt',
      '/%00',
      '/%',
      `/${'a'.repeat(5_000)}.js`,
    ]) {
      const { status, body } = await getRaw(path);
      expect([path, status, body.includes('outside') || body.includes('stamp')]).toEqual([path, 404, false]);
    }
    // The target as proxies send it: what counts is its path.
    for (const path of ['http://127.0.0.1/secret.txt', 'http://127.0.0.1/..%2fsecret.txt'])
      expect((await getRaw(path)).status).toBe(404);
  });

  test('where none is built, / says how to build it', async () => {
    const bare = await startApiUnderTest({ dashboardFolder: join(folder, 'nothing') });
    try {
      expect(await (await fetch(bare.url)).text()).toContain('npm start');
      expect((await fetch(`${bare.url}/ready`)).status).toBe(200);
    } finally {
      await bare.server.stop();
    }
  });
});

describe('GraphiQL', () => {
  test('is a visit to /graphql, and all that it loads comes from this server', async () => {
    const response = await fetch(`${api.url}/graphql`, { headers: browser });
    const page = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self';");
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map(([, url = '']) => url)
      .filter((url) => !url.startsWith('data:'));
    expect(loaded).toHaveLength(3);
    for (const url of loaded) {
      expect(url).toMatch(/^\/graphiql\//);
      expect([url, (await fetch(api.url + url)).status]).toEqual([url, 200]);
    }
    const start = await (await fetch(`${api.url}/graphiql/start.js`)).text();
    for (const [, worker] of start.matchAll(/: '(editor|json|graphql)'/g))
      expect((await fetch(`${api.url}/graphiql/${worker}.worker.js`)).status).toBe(200);
    expect((await fetch(`${api.url}/graphiql/other.js`)).status).toBe(404);
  });

  test.each(GRAPHIQL_EXAMPLES.map((query) => [/(?:query|subscription) (\w+)/.exec(query)?.[1] ?? '', query]))(
    'its first query %s runs as it stands',
    async (name, query) => {
      if (query.includes('subscription ')) {
        const response = await fetch(`${api.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
          body: JSON.stringify({ query }),
        });
        const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
          .pipeThrough(new TextDecoderStream())
          .getReader();
        let text = '';
        while (!text.includes('SNAPSHOT')) text += (await reader.read()).value ?? '';
        await reader.cancel();
      } else {
        const { codes, data } = await postGraphql(api.url, { query });
        expect([name, codes, Object.keys(data ?? {}).length]).toEqual([name, [], 1]);
      }
    },
  );
});
