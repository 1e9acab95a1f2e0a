import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { avroSerde, schemaRegistry, type SchemaRegistryOptions } from '../schema-registry.ts';
import { BlockingHttp } from './blocking-http.ts';

/*
 * The thread that asks stands still meanwhile, so the server has a thread of its own. Each path has a list of answers,
 * the last of which stays; a request of another path is told as it came.
 */
const SERVER = `
const { createServer } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
const left = new Map(Object.entries(workerData));
const seen = ({ method, url, headers }) => ({ method, url, headers });
createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    const answers = left.get(request.url);
    const answer = answers === undefined
      ? { status: 200, body: JSON.stringify({ ...seen(request), body }) }
      : answers.length > 1 ? answers.shift() : answers[0];
    if (answer === 'hang') return;
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
  });
}).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

type Answer = 'hang' | { readonly status: number; readonly body: string };
const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function serve(answers: Readonly<Record<string, readonly Answer[]>> = {}): Promise<string> {
  const worker = new Worker(SERVER, { eval: true, workerData: answers });
  opened.push(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  return `http://127.0.0.1:${String(port)}`;
}

function http(urls: readonly string[], timeoutMs = 5_000): BlockingHttp {
  const asking = new BlockingHttp({ urls, headers: { authorization: 'Basic eA==' }, timeoutMs });
  opened.push(() => asking.close());
  return asking;
}

const code = (status: number, error: number, message: string, details?: string[]): Answer => ({
  status,
  body: JSON.stringify({ error_code: error, message, details }),
});
const away = (why: RegExp): unknown =>
  expect.objectContaining({ code: 'SCHEMA_REGISTRY_AWAY', message: expect.stringMatching(why) });
const refused = (why: RegExp): unknown =>
  expect.objectContaining({ code: 'SCHEMA_REGISTRY_REFUSED', message: expect.stringMatching(why) });

test('asks, and waits for the answer', async () => {
  const asking = http([await serve()]);
  const { status, body } = asking.ask({ method: 'POST', path: '/subjects/a%2Fb', body: '{"schema":"x"}' });
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    method: 'POST',
    url: '/subjects/a%2Fb',
    body: '{"schema":"x"}',
    headers: { authorization: 'Basic eA==', 'content-type': 'application/vnd.schemaregistry.v1+json' },
  });
  expect(JSON.parse(asking.ask({ method: 'GET', path: '/again' }).body)).toMatchObject({ method: 'GET', body: '' });
  // A worker that was ended after a while is started again.
  asking.close();
  expect(asking.ask({ method: 'GET', path: '/later' }).status).toBe(200);
});

test('what passes is tried again', async () => {
  const asking = http([
    await serve({ '/a': [code(503, 50003, 'no leader'), code(429, 429, 'slowly'), { status: 200, body: '{}' }] }),
  ]);
  expect(asking.ask({ method: 'GET', path: '/a' })).toEqual({ status: 200, body: '{}' });
});

test('the next URL is tried where one is away', async () => {
  const asking = http(['http://127.0.0.1:1', await serve()]);
  expect(asking.ask({ method: 'GET', path: '/a' }).status).toBe(200);
});

test('a registry that is away is said after the time, with the reason', async () => {
  const server = await serve({ '/a': [code(500, 50001, 'the store is away')], '/b': ['hang'] });
  expect(() => http(['http://127.0.0.1:1'], 150).ask({ method: 'GET', path: '/a' })).toThrow(
    away(/ECONNREFUSED|bad port|no answer in 150 ms|hangs/),
  );
  const asking = http([server], 300);
  expect(() => asking.ask({ method: 'GET', path: '/a' })).toThrow(
    away(/answered HTTP 500: .*the store is away|no answer in 300 ms|hangs/),
  );
  expect(() => asking.ask({ method: 'GET', path: '/b' })).toThrow(away(/no answer in 300 ms|hangs/));
});

/** A registry whose answers to reading schema 1 and to registering are these. */
const registryOf = async (answer: Answer, options: Partial<SchemaRegistryOptions> = {}) => {
  const url = await serve({ '/schemas/ids/1': [answer], '/subjects/t-value/versions': [answer] });
  return schemaRegistry({ url, timeoutMs: 5_000, ...options });
};
const VALUE = Buffer.from('00000000010261', 'hex');

test('a serde reads and writes by a registry, and asks once', async () => {
  const url = await serve({
    '/schemas/ids/1': [{ status: 200, body: '{"schema":"\\"string\\""}' }, code(404, 40403, 'gone')],
    '/subjects/t-value/versions': [{ status: 200, body: '{"id":1}' }, code(500, 50001, 'no more')],
  });
  const serde = avroSerde<string>(schemaRegistry({ url, timeoutMs: 5_000, username: 'u', password: 'p' }), {
    schema: 'string',
    topic: 't',
  });
  for (const value of ['a', 'b']) expect(serde.deserialize(serde.serialize(value))).toBe(value);
});

test.each<[string, Answer, RegExp]>([
  [
    'credentials',
    { status: 401, body: '{"error_code":401,"message":"Unauthorized"}' },
    /HTTP 401: give schemaRegistry/,
  ],
  ['something else at the address', { status: 404, body: '<html>' }, /HTTP 404, which is no answer of a schema reg/],
  ['an answer without content', { status: 200, body: '{}' }, /is it (one|a schema registry)\?/],
  [
    'no compatibility',
    code(409, 409, 'Schema is incompatible', ['READER_FIELD_MISSING']),
    /incompatible.*READER_FIELD/,
  ],
  ['no schema', code(422, 42201, 'Invalid schema'), /Invalid schema \(42201\)/],
])("what a registry refuses is nobody's value's fault: %s", async (_, answer, why) => {
  const serde = avroSerde(await registryOf(answer), { schema: 'string', topic: 't' });
  expect(() => serde.serialize('a')).toThrow(refused(why));
  expect(() => serde.deserialize(VALUE)).toThrow(refused(why));
});

test('a registry that is away is no fault of a value', async () => {
  const registry = await registryOf(code(503, 503, 'later'), { timeoutMs: 300 });
  const serde = avroSerde(registry, { schema: 'string', topic: 't' });
  expect(() => serde.serialize('a')).toThrow(away(/later|no answer in 300 ms|hangs/));
  expect(() => serde.deserialize(VALUE)).toThrow(away(/later|no answer in 300 ms|hangs/));
});

test('an unknown id is asked for once in a while', async () => {
  const url = await serve({
    '/schemas/ids/1': [code(404, 40403, 'Schema 1 not found'), { status: 200, body: '{"schema":"\\"string\\""}' }],
  });
  const serde = avroSerde(schemaRegistry({ url, timeoutMs: 5_000 }));
  for (let n = 0; n < 2; n += 1) expect(() => serde.deserialize(VALUE)).toThrow(/does not know the schema 1/);
});

test.each<[unknown, RegExp]>([
  [{}, /needs a url such as/],
  [{ url: [] }, /needs a url/],
  [{ url: 'registry:8081' }, /begins with http:\/\/, https:\/\/ or mock:\/\//],
  [{ url: 'http://u:p@registry' }, /give username and password/],
  [{ url: ['mock://a', 'http://b'] }, /and alone/],
  [{ url: 'http://a', usrname: 'u' }, /no option "usrname": did you mean "username"\?/],
  [{ url: 'http://a', username: 'u' }, /username and password, both or neither/],
  [{ url: 'http://a', timeoutMs: 60_000 }, /timeoutMs of schemaRegistry is from 100 to 5000/],
  [{ url: 'http://a', headers: { a: 1 } }, /the header "a" of schemaRegistry is text/],
])('options of a registry are checked: %j', (options, why) => {
  expect(() => schemaRegistry(options as SchemaRegistryOptions)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) }),
  );
});
