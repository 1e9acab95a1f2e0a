import type { Logger } from '@tributary/streams';
import type { ApiServer } from '@tributary/graphql';
import { type LoginApiOptions, startLoginApi } from '../../schema/logins/login-api.ts';
import { type HandFedModel, handFedModel } from './hand-fed-results.ts';
import { until } from './until.ts';

export { SILENT_LOGGER } from './hand-fed-results.ts';

export interface ApiUnderTest {
  readonly server: ApiServer;
  readonly fed: HandFedModel;
  readonly url: string;
  /** What was logged, one line of JSON each: to be searched for what must not be there. */
  readonly logged: string[];
}

export const NEWEST_LOGIN_MS = Date.UTC(2026, 0, 2, 12);

/** A whole API on a free port, over results written by hand: California has 3 iOS and 1 Android, Texas 1 and 4. */
export async function startApiUnderTest(
  given: Partial<LoginApiOptions> & { readonly caughtUp?: boolean } = {},
): Promise<ApiUnderTest> {
  const { caughtUp, ...options } = given;
  const logged: string[] = [];
  const log = (fields: object, message: string): void =>
    void logged.push(JSON.stringify([message, fields, 'err' in fields ? String(fields.err) : '']));
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const fed = handFedModel({ logger, ...(caughtUp === undefined ? {} : { caughtUp }) });
  const server = await startLoginApi({
    model: fed.model,
    application: { guarantee: 'exactly_once', topology: 'Topologies:\n' },
    logger,
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: ['https://friend.example'],
    graphiql: true,
    apiToken: undefined,
    dashboardFolder: '/nonexistent',
    ...options,
  });
  fed.feed(
    fed.results.state('CA', { ios: 3, android: 1, lastLoginAtMs: NEWEST_LOGIN_MS }),
    fed.results.state('TX', { ios: 1, android: 4, lastLoginAtMs: NEWEST_LOGIN_MS - 1 }),
    fed.results.minute(NEWEST_LOGIN_MS, 'CA', { ios: 3, android: 1 }),
  );
  return { server, fed, url: server.url, logged };
}

export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Record<string, unknown> | null | undefined;
  readonly codes: readonly unknown[];
  readonly errors: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[] | undefined;
}

/** POSTs an operation as JSON. */
export async function postGraphql(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
  const answer = (await response.json()) as { data?: Record<string, unknown> | null; errors?: GraphqlAnswer['errors'] };
  return {
    status: response.status,
    headers: response.headers,
    data: answer.data,
    errors: answer.errors,
    codes: answer.errors?.map(({ extensions }) => extensions?.['code']) ?? [],
  };
}

/** Until `test` holds; fails when it never does. */
export function eventually(test: () => boolean | Promise<boolean>): Promise<void> {
  return until(test, String(test));
}
