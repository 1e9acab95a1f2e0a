import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';

import { postGraphql } from '../../../tests/support/api-under-test.ts';
import { handFedModel } from '../../../tests/support/hand-fed-results.ts';
import { smallApi } from '../../../tests/support/small-api.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from './api-server.ts';

let server: ApiServer;
afterEach(() => server.stop());

async function start(options: Partial<ApiServerOptions>): Promise<void> {
  server = await startApiServer(smallApi(options).options);
}

const visit = (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url + path, { method, headers: { accept: 'text/html', ...headers } });

test('without a page there is nothing at /, and no document to be named', async () => {
  await start({ page: null });
  for (const path of ['/', '/assets/app.js', '/persisted-documents.json', '/customers'])
    expect([path, (await visit(path)).status]).toEqual([path, 404]);
  expect((await visit('/', 'POST')).status).toBe(405);
  expect((await visit('/graphql')).status).toBe(200);
  expect((await postGraphql(server.url, { documentId: 'a'.repeat(64) })).codes).toEqual(['BAD_USER_INPUT']);
});

test('a page is in its folder, and says so where that is not built', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-page-'));
  await start({ page: { folder, notBuilt: '<title>Not yet</title>' } });
  const before = await visit('/');
  expect([before.status, await before.text()]).toEqual([404, '<title>Not yet</title>']);
  await writeFile(join(folder, 'index.html'), '<title>Page</title>');
  expect(await (await visit('/')).text()).toBe('<title>Page</title>');
  await rm(folder, { recursive: true });
});

describe('what a page is told', () => {
  const data = { '/page/tables.json': (viewer: unknown) => ({ tables: [], viewer }) };
  const page = { folder: '/nonexistent', data };

  test('needs no copy of results', async () => {
    await start({ page, model: handFedModel({ caughtUp: false }).model });
    const told = await visit('/page/tables.json', 'GET', { accept: '*/*' });
    expect([told.status, await told.json()]).toEqual([200, { tables: [] }]);
    expect((await visit('/page/other.json')).status).toBe(404);
  });

  test('is for those who may ask: with the token, as a viewer, and no page of another site', async () => {
    await start({ page, apiToken: 'token', viewer: ({ headers }) => headers['user'] ?? Promise.reject() });
    const accept = '*/*';
    const authorization = 'Bearer token';
    const asked = (headers: Record<string, string>) => visit('/page/tables.json', 'GET', { accept, ...headers });
    expect((await asked({ user: 'a' })).status).toBe(401);
    expect((await asked({ authorization })).status).toBe(401);
    expect((await asked({ authorization, user: 'a', origin: 'https://evil.example' })).status).toBe(403);
    expect(await (await asked({ authorization, user: 'a' })).json()).toEqual({ tables: [], viewer: 'a' });
  });
});
