import { createClient, NetworkError } from 'graphql-sse';
import { authorisation, probe } from './http.ts';
import { deliver, LostConnection, problemFrom } from './transport.ts';
import type { Connect, Connection } from './transport.ts';

/**
 * Server-sent events for where WebSockets do not pass. Each subscription is a request of its own, and HTTP/1.1 gives a
 * page six, so the feed polls what need not be streamed while it runs on this.
 */
export const connectSse: Connect = async ({ token, heard, lost }) => {
  const reach = await probe(token);
  if (reach !== 'reachable')
    throw new LostConnection(reach === 'unauthorised' ? 'unauthorised' : 'closed', `the API is ${reach}`);
  let over = false;
  const client = createClient({
    url: '/graphql',
    retryAttempts: 0,
    headers: authorisation(token),
    on: { message: heard },
  });
  const end = (error: unknown): void => {
    if (over) return;
    over = true;
    client.dispose();
    const unauthorised =
      error instanceof NetworkError && (error.response?.status === 401 || error.response?.status === 403);
    lost(
      new LostConnection(
        unauthorised ? 'unauthorised' : 'closed',
        error instanceof Error ? error.message : 'the stream ended',
      ),
    );
  };
  const connection: Connection = {
    kind: 'sse',
    subscribe: (query, variables, sink) =>
      client.subscribe<Record<string, unknown>>(
        { query, variables },
        {
          next: (result) => deliver(result, sink),
          error: (error) => {
            if (Array.isArray(error)) sink.ended(problemFrom(error));
            else end(error);
          },
          complete: () => {
            if (!over) sink.ended({ code: 'ENDED', message: 'The API ended the subscription.' });
          },
        },
      ),
    close: () => {
      over = true;
      client.dispose();
    },
  };
  heard();
  return connection;
};
