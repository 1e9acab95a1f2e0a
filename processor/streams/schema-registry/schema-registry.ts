import { StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';
import { BlockingHttp } from './blocking-http.ts';
import { mockRegistry } from './mock-registry.ts';
import { RegistryClient } from './registry-client.ts';

const TIMEOUT_MS = 3_000;
const LEAST_TIMEOUT_MS = 100;
/** A thread that waits sends no heartbeats: more would cost it its tasks. */
const MOST_TIMEOUT_MS = 5_000;

export interface SchemaRegistryOptions {
  /** Where it is: `http://registry:8081`; several are tried in turn. `mock://name` is one in memory, for tests. */
  readonly url: string | readonly string[];
  /** Of basic authentication, with the password. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Sent with each request, such as `authorization` for another way of authentication. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** So long a thread waits for an answer, with all tries: 3 s by default, 5 s at most. */
  readonly timeoutMs?: number | undefined;
}

const clients = new WeakMap<SchemaRegistry, RegistryClient>();

/** A schema registry, with what was learned from it. Made by `schemaRegistry`; serdes take it. */
export class SchemaRegistry {
  /** Where it is. */
  readonly url: string;

  /** @internal */
  constructor(client: RegistryClient) {
    this.url = client.name;
    clients.set(this, client);
  }
}

/** What a serde asks. @throws StreamsError CONFIG_INVALID for what is no registry. */
export function clientOf(what: string, registry: SchemaRegistry): RegistryClient {
  const client = registry instanceof SchemaRegistry ? clients.get(registry) : undefined;
  if (client !== undefined) return client;
  throw new StreamsError(
    'CONFIG_INVALID',
    `${what} takes what schemaRegistry({ url }) has returned, not ${textOf(registry)}`,
  );
}

/**
 * A registry of schemas that speaks Confluent's REST API. Nothing is asked before a serde has to know: an id once, and
 * a schema that is written once; the thread waits for the answer. One that does not answer is waited for
 * (SCHEMA_REGISTRY_AWAY): nothing is dead-lettered for it, and no offset moves.
 * @throws StreamsError CONFIG_INVALID
 */
export function schemaRegistry(options: SchemaRegistryOptions): SchemaRegistry {
  checkOptions('schemaRegistry', options, ['url', 'username', 'password', 'headers', 'timeoutMs']);
  const { username, password, headers = {}, timeoutMs = TIMEOUT_MS } = options;
  const urls = urlsOf(options.url);
  if (!Number.isFinite(timeoutMs) || timeoutMs < LEAST_TIMEOUT_MS || timeoutMs > MOST_TIMEOUT_MS)
    throw new StreamsError(
      'CONFIG_INVALID',
      `timeoutMs of schemaRegistry is from ${String(LEAST_TIMEOUT_MS)} to ${String(MOST_TIMEOUT_MS)}, not ` +
        `${textOf(timeoutMs)}: a stream thread that waits longer would lose its tasks`,
    );
  checkOptions('headers of schemaRegistry', headers, Object.keys(headers));
  for (const [name, value] of Object.entries(headers))
    if (typeof value !== 'string')
      throw new StreamsError('CONFIG_INVALID', `the header "${name}" of schemaRegistry is text, not ${textOf(value)}`);
  if ((username === undefined) !== (password === undefined))
    throw new StreamsError('CONFIG_INVALID', 'schemaRegistry takes username and password, both or neither');
  const basic =
    username === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
  const [mock] = urls;
  const transport =
    mock?.startsWith('mock:') === true
      ? mockRegistry(mock)
      : new BlockingHttp({ urls, timeoutMs, headers: { ...headers, ...basic } });
  return new SchemaRegistry(new RegistryClient(transport));
}

function urlsOf(given: unknown): readonly string[] {
  const urls: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (urls.length === 0) throw new StreamsError('CONFIG_INVALID', 'schemaRegistry needs a url');
  return urls.map((url) => {
    const { protocol, username, hostname } = parsedUrl(url);
    if (protocol === 'mock:' && hostname !== '' && urls.length === 1) return String(url);
    if (username !== '')
      throw new StreamsError(
        'CONFIG_INVALID',
        'the url of schemaRegistry holds a user name: give username and password, which no message repeats',
      );
    if (protocol !== 'http:' && protocol !== 'https:')
      throw new StreamsError(
        'CONFIG_INVALID',
        `the url of schemaRegistry begins with http://, https:// or mock:// (then with a name, and alone), ` +
          `not ${textOf(url)}`,
      );
    return String(url).replace(/\/+$/, '');
  });
}

function parsedUrl(url: unknown): URL {
  if (typeof url === 'string' && URL.canParse(url)) return new URL(url);
  throw new StreamsError(
    'CONFIG_INVALID',
    `schemaRegistry needs a url such as "http://localhost:8081", or a list of them, not ${textOf(url)}`,
  );
}
