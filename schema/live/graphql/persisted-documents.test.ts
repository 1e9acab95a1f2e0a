import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import {
  type ApiUnderTest,
  postGraphql,
  SILENT_LOGGER,
  startApiUnderTest,
} from '../../../tests/support/api-under-test.ts';
import { PersistedDocuments } from './persisted-documents.ts';
import { buildClient } from '../../../tools/development/client-build.ts';
import { projectRoot } from '../../../tools/command-line/project-root.ts';
import { codesIn, RawSocket } from '../../../tests/support/raw-socket.ts';

// Servers and sockets on a busy machine take their time.
const QUERY = '{ states { totals { total } } }';
const LIVE = 'subscription { states { kind } }';
const TOO_DEEP = `${'{ ... on Query '.repeat(8)}{ __typename }${' }'.repeat(8)}`;
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const TOTALS = { states: { totals: { total: 9 } } };

let folder: string;
let api: ApiUnderTest;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-persisted-'));
  await writeFile(
    join(folder, 'persisted-documents.json'),
    JSON.stringify(Object.fromEntries([QUERY, LIVE, TOO_DEEP].map((text) => [hashOf(text), text]))),
  );
  api = await startApiUnderTest({ dashboardFolder: folder });
});
afterAll(async () => {
  await api.server.stop();
  await rm(folder, { recursive: true });
});

test.each([
  ['documentId', { documentId: `sha256:${hashOf(QUERY)}` }],
  ['documentId without its kind', { documentId: hashOf(QUERY) }],
  ["Apollo's way", { extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(QUERY) } } }],
  ["graphql-ws' way", { query: '', extensions: { persistedQuery: hashOf(QUERY) } }],
])('a document can be named instead of sent: %s', async (_, body) => {
  expect((await postGraphql(api.url, body)).data).toEqual(TOTALS);
});

test('over SSE and WebSocket too', async () => {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ documentId: hashOf(LIVE) }),
  });
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let text = '';
  while (!text.includes('SNAPSHOT')) text += (await reader.read()).value ?? '';
  await reader.cancel();

  const socket = await new RawSocket(api.url).ready();
  socket.send({ type: 'subscribe', id: 'q', payload: { query: '', extensions: { persistedQuery: hashOf(QUERY) } } });
  expect(await socket.of('q')).toMatchObject({ type: 'next', payload: { data: TOTALS } });
  socket.send({
    type: 'subscribe',
    id: 'n',
    payload: { query: '', extensions: { persistedQuery: hashOf('nothing') } },
  });
  expect(codesIn(await socket.of('n'))).toEqual(['BAD_USER_INPUT']);
  socket.close();
});

test('one that is not here is refused; the limits hold for those that are', async () => {
  const { errors, codes } = await postGraphql(api.url, { documentId: hashOf('nothing') });
  expect([codes, errors?.[0]?.extensions?.['argument']]).toEqual([['BAD_USER_INPUT'], 'documentId']);
  expect((await postGraphql(api.url, { documentId: hashOf(TOO_DEEP) })).codes).toEqual(['QUERY_TOO_LARGE']);
});

test('the manifest as the build writes it: each hash with its kind', async () => {
  await buildClient();
  const built = JSON.parse(await readFile(join(projectRoot, 'client/dist/persisted-documents.json'), 'utf8')) as Record<
    string,
    string
  >;
  const [[hash, text] = ['', '']] = Object.entries(built).filter(([, document]) =>
    document.includes('query DataQualityNow'),
  );
  await writeFile(join(folder, 'persisted-documents.json'), JSON.stringify({ ...built, [hashOf(QUERY)]: QUERY }));
  expect(hashOf(text)).toBe(hash.replace('sha256:', ''));
  // It was not there when the API started: the build has come since.
  for (const documentId of [hash, hash.replace('sha256:', '')]) {
    const { codes } = await postGraphql(api.url, { documentId });
    expect(codes).not.toContain('BAD_USER_INPUT');
  }
});

test.each([
  ['no JSON', '{'],
  ['other keys', '{"states": "{ states { totals { total } } }"}'],
  ['other values', `{"${hashOf(QUERY)}": 1}`],
])('a manifest of %s is an error at the start', async (_, text) => {
  const broken = await mkdtemp(join(tmpdir(), 'tributary-persisted-'));
  await writeFile(join(broken, 'persisted-documents.json'), text);
  expect(() => new PersistedDocuments(broken, SILENT_LOGGER)).toThrow('is no manifest of persisted documents');
  await rm(broken, { recursive: true });
});

test('a manifest that breaks later takes nothing away, and is told', async () => {
  const path = join(folder, 'persisted-documents.json');
  const whole = await readFile(path, 'utf8');
  await writeFile(path, '{');
  expect((await postGraphql(api.url, { documentId: hashOf('nothing') })).codes).toEqual(['BAD_USER_INPUT']);
  expect((await postGraphql(api.url, { documentId: hashOf(QUERY) })).data).toEqual(TOTALS);
  expect(api.logged.some((line) => line.includes('persisted documents cannot be read'))).toBe(true);
  await writeFile(path, whole);
});

test('a query that was sent is what counts', async () => {
  expect((await postGraphql(api.url, { query: '{ __typename }', documentId: hashOf(QUERY) })).data).toEqual({
    __typename: 'Query',
  });
});
