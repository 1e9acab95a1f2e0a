import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';

import { SILENT_LOGGER } from '../../../tests/support/api-under-test.ts';
import { DashboardFiles } from './dashboard-files.ts';
import { GraphiqlPage } from './graphiql-page.ts';

// What fails once, as reading does while the process has no file descriptor left, is tried again and said as it is.

const noDescriptor = (): Error => Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });

let server: Server | undefined;
afterEach(() => new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve))));

/** Answers of a handler that fails become 500, as the API's own do. */
async function serve(
  handle: (path: string, request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  server = createServer((request, response) => {
    handle(request.url ?? '', request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

test('GraphiQL is loaded again after its first load failed', async () => {
  const bytes = Buffer.from('all of it');
  const loads = [
    () => Promise.reject(noDescriptor()),
    () =>
      Promise.resolve(
        new Map([['graphiql.js', { contentType: 'text/javascript', bytes, gzipped: bytes, etag: '"1"' }]]),
      ),
  ];
  const page = new GraphiqlPage([], () => (loads.shift() as (typeof loads)[0])());
  const url = await serve((path, request, response) => page.serveAsset(path, request, response));
  expect((await fetch(`${url}/graphiql/graphiql.js`)).status).toBe(500);
  const second = await fetch(`${url}/graphiql/graphiql.js`, { headers: { 'accept-encoding': 'identity' } });
  expect([second.status, await second.text()]).toEqual([200, 'all of it']);
});

test('a dashboard that cannot be read now is not called unbuilt, and is there at the next visit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-tried-'));
  await writeFile(join(folder, 'index.html'), '<title>Dashboard</title>');
  let fails = true;
  const files = new DashboardFiles(folder, SILENT_LOGGER, {
    readBytes: (path) => (fails ? Promise.reject(noDescriptor()) : readFile(path)),
  });
  const url = await serve((path, request, response) => files.serve(path, request, response));
  const first = await fetch(url, { headers: { accept: 'text/html' } });
  expect([first.status, first.headers.get('cache-control')]).toEqual([503, 'no-store']);
  expect(await first.text()).toContain('index.html of the dashboard could not be read: EMFILE');
  fails = false;
  expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toBe('<title>Dashboard</title>');
  await rm(folder, { recursive: true });
});
