import { createClient } from 'graphql-ws';
import { authorisation } from './http.ts';
import { deliver, LostConnection, problemFrom } from './transport.ts';
import type { Connect, Connection } from './transport.ts';

const KEEP_ALIVE_MS = 10_000;
const PONG_WITHIN_MS = 4_000;
const ACK_WITHIN_MS = 5_000;

/** Close codes by which graphql-ws servers refuse a caller: 4401 unauthorised, 4403 forbidden. */
const REFUSALS: ReadonlySet<number> = new Set([4401, 4403]);

function lostFrom(event: unknown): LostConnection {
  if (event instanceof CloseEvent) {
    return new LostConnection(
      REFUSALS.has(event.code) ? 'unauthorised' : 'closed',
      `${event.code} ${event.reason}`.trim(),
    );
  }
  return new LostConnection('closed', event instanceof Error ? event.message : 'the connection failed');
}

/** Connects over `graphql-transport-ws` on the page's own origin. A server that stops answering pings is given up. */
export const connectWebSocket: Connect = ({ token, heard, lost }) =>
  new Promise<Connection>((resolve, reject) => {
    const url = new URL('/graphql', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    let phase: 'connecting' | 'open' | 'over' = 'connecting';
    let pongTimer: ReturnType<typeof setTimeout> | undefined;

    const end = (event: unknown): void => {
      clearTimeout(pongTimer);
      if (phase === 'over') return;
      const wasOpen = phase === 'open';
      phase = 'over';
      if (wasOpen) lost(lostFrom(event));
      else reject(lostFrom(event));
    };

    const client = createClient({
      url: url.href,
      lazy: false,
      retryAttempts: 0,
      keepAlive: KEEP_ALIVE_MS,
      connectionAckWaitTimeout: ACK_WITHIN_MS,
      // The first for the API's own token; the second as a viewer would have it by HTTP.
      connectionParams: token === null ? {} : { token, ...authorisation(token) },
      onNonLazyError: end,
      on: {
        connected: () => {
          phase = 'open';
          heard();
          resolve(connection);
        },
        message: heard,
        ping: (received) => {
          // A half-open socket accepts what is sent and says nothing: only a missing pong shows it.
          if (!received) pongTimer = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
        },
        pong: (received) => {
          if (received) clearTimeout(pongTimer);
        },
        closed: end,
      },
    });

    const connection: Connection = {
      kind: 'websocket',
      subscribe: (query, variables, sink) =>
        client.subscribe<Record<string, unknown>>(
          { query, variables },
          {
            next: (result) => deliver(result, sink),
            error: (error) => {
              if (phase === 'open' && Array.isArray(error)) sink.ended(problemFrom(error));
            },
            complete: () => {
              if (phase === 'open') sink.ended({ code: 'ENDED', message: 'The API ended the subscription.' });
            },
          },
        ),
      close: () => {
        phase = 'over';
        clearTimeout(pongTimer);
        client.terminate();
        void client.dispose();
      },
    };
  });
