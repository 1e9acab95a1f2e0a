import { problemFrom } from './transport.ts';
import type { Problem } from './transport.ts';

/** The API answered a query with errors, or not with GraphQL at all. */
export class QueryError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.message}`);
    this.name = 'QueryError';
    this.problem = problem;
  }
}

export function authorisation(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function post(body: string, token: string | null, timeoutMs: number): Promise<Response> {
  return fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...authorisation(token),
    },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
}

/**
 * Asks the API once, without a cache; gives the data of its answer.
 * @throws QueryError with the API's code; code `HTTP_<status>` where the answer was no GraphQL.
 */
export async function ask(document: string, variables: object, token: string | null): Promise<object> {
  const response = await post(JSON.stringify({ query: document, variables }), token, 10_000);
  const answer: { data?: object | null; errors?: unknown } | null = await response.json().catch(() => null);
  if (answer?.data) return answer.data;
  throw new QueryError(
    answer?.errors ? problemFrom(answer.errors) : { code: `HTTP_${response.status}`, message: response.statusText },
  );
}

export type Reach = 'reachable' | 'unauthorised' | 'unreachable';

/** Tells a dead API from one that refuses the token: a browser's WebSocket says neither. */
export async function probe(token: string | null): Promise<Reach> {
  try {
    const response = await post(JSON.stringify({ query: '{ __typename }' }), token, 3_000);
    if (response.status === 401 || response.status === 403) return 'unauthorised';
    return response.status < 500 ? 'reachable' : 'unreachable';
  } catch {
    return 'unreachable';
  }
}
