import { expect, test } from '@jest/globals';

import { startApiUnderTest } from '../../../tests/support/api-under-test.ts';
import { RawSocket } from '../../../tests/support/raw-socket.ts';

test('a stop tells subscribers to come back, and ends none of them as if it were done', async () => {
  const api = await startApiUnderTest();
  const socket = await new RawSocket(api.url).ready();
  socket.subscribe('s', 'subscription { states { kind } }');
  await socket.of('s');
  const events = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { states { kind } }' }),
  });
  const reader = (events.body as ReadableStream<Uint8Array<ArrayBuffer>>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let received = '';
  while (!received.includes('SNAPSHOT')) received += (await reader.read()).value ?? '';
  const idle = await fetch(`${api.url}/health`);
  await idle.text();

  const stopped = api.server.stop();
  // 1001: clients connect again. An event stream that breaks off is connected again too; one that says `complete` is
  // not.
  expect(await socket.closed).toBe(1001);
  const rest = await (async () => {
    let text = '';
    for (;;) {
      const part = await reader.read().catch(() => null);
      if (part === null) return `${text}(broken off)`;
      if (part.done) return `${text}(ended)`;
      text += part.value;
    }
  })();
  expect(rest).toContain('(broken off)');
  expect(rest).not.toContain('complete');
  await stopped;
  expect(api.fed.model.hub.listenerCount).toBe(0);
  await expect(fetch(`${api.url}/health`)).rejects.toThrow();
});

test('a client that does not answer the farewell is not waited for', async () => {
  const api = await startApiUnderTest();
  const socket = await new RawSocket(api.url).ready();
  socket.socket.pause();
  // Or this would never end.
  await api.server.stop();
  socket.socket.terminate();
});

test('a port in use is an error of the start', async () => {
  const api = await startApiUnderTest();
  await expect(startApiUnderTest({ port: api.server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await api.server.stop();
});
