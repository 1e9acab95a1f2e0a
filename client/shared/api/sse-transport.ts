import { authorisation, probe } from './http.ts';
import { deliver, LostConnection } from './transport.ts';
import type { Connect, Sink } from './transport.ts';

/**
 * Server-sent events for where WebSockets do not pass: GraphQL over SSE, a request for each subscription. HTTP/1.1
 * gives a page six, so the feed polls what need not be streamed while it runs on this.
 */
export const connectSse: Connect = async ({ token, heard, lost }) => {
  const reach = await probe(token);
  if (reach !== 'reachable')
    throw new LostConnection(reach === 'unauthorised' ? 'unauthorised' : 'closed', `the API is ${reach}`);
  const streams = new Set<AbortController>();
  const close = (): void => {
    for (const stream of streams) stream.abort();
  };
  heard();
  return {
    kind: 'sse',
    subscribe: (query, variables, sink) => {
      const stream = new AbortController();
      streams.add(stream);
      followStream(JSON.stringify({ query, variables }), token, stream.signal, heard, sink)
        .catch((error: unknown) => {
          // One stream that is cut off says that the connection is: all of them are of one server.
          if (stream.signal.aborted) return;
          close();
          lost(error instanceof LostConnection ? error : new LostConnection('closed', String(error)));
        })
        .finally(() => streams.delete(stream));
      return () => stream.abort();
    },
    close,
  };
};

/**
 * Hands on what one subscription gives, until the server completes it.
 * @throws LostConnection where it is refused or ends without that
 */
async function followStream(
  body: string,
  token: string | null,
  signal: AbortSignal,
  heard: () => void,
  sink: Sink,
): Promise<void> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...authorisation(token) },
    body,
    signal,
  });
  const { status } = response;
  if (!response.ok || response.body === null)
    throw new LostConnection(status === 401 || status === 403 ? 'unauthorised' : 'closed', `HTTP ${status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new LostConnection('closed', 'the stream ended');
    heard();
    text += value;
    const events = text.split(/\r?\n\r?\n/);
    // What comes after the last empty line has not come whole.
    text = events.pop() ?? '';
    for (const event of events) {
      if (signal.aborted) return;
      const data = [...event.matchAll(/^data: ?(.+)$/gm)].map(([, line]) => line).join('\n');
      if (/^event: ?complete$/m.test(event))
        return sink.ended({ code: 'ENDED', message: 'The API ended the subscription.' });
      if (data !== '') deliver(JSON.parse(data), sink);
    }
  }
}
