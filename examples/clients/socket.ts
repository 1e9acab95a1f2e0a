import { type Client, createClient } from 'graphql-ws';

/** One socket for all subscriptions of a page, opened again whenever it breaks. `url`: of the API, http or https. */
export function connect(url: string): Client {
  return createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    retryAttempts: Infinity,
    shouldRetry: () => true,
    // A connection that is dead without a word is noticed by it.
    keepAlive: 10_000,
  });
}
