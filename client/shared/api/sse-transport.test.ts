import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectSse } from './sse-transport.ts';
import type { LostConnection, Problem } from './transport.ts';

const realFetch = globalThis.fetch;
let answers: Response[];
let asked: RequestInit[];
let said: unknown[];
let lost: LostConnection[];

beforeEach(() => {
  answers = [];
  asked = [];
  said = [];
  lost = [];
  globalThis.fetch = (_, init) => {
    asked.push(init ?? {});
    return Promise.resolve(answers.shift() ?? Response.json({ data: {} }));
  };
});

afterEach(() => {
  globalThis.fetch = realFetch;
});

function streamOf(...chunks: string[]): Response {
  const text = new ReadableStream<string>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  return new Response(text.pipeThrough(new TextEncoderStream()));
}

/** Subscribes over SSE, and comes back when the stream has ended one way or another. */
async function follow(answer: Response, token: string | null = null): Promise<void> {
  let over = (): void => undefined;
  const connection = await connectSse({
    token,
    heard: () => undefined,
    lost: (why) => {
      lost.push(why);
      over();
    },
  });
  answers.push(answer);
  await new Promise<void>((resolve) => {
    over = resolve;
    const ended = ({ code }: Problem): void => {
      said.push(code);
      resolve();
    };
    connection.subscribe('subscription S { s }', { a: 1 }, { next: (data) => said.push(data), ended });
  });
}

test('each event is handed on, however the network cuts them', async () => {
  await follow(
    streamOf(
      ':\n\n',
      'event: next\ndata: {"data":{"s":1}}\n\nevent: next\nda',
      'ta: {"data":{"s":2}}\n',
      '\nevent: complete\ndata:\n\n',
    ),
    't',
  );
  expect([said, lost]).toEqual([[{ s: 1 }, { s: 2 }, 'ENDED'], []]);
  expect(asked.at(-1)).toMatchObject({
    body: '{"query":"subscription S { s }","variables":{"a":1}}',
    headers: { accept: 'text/event-stream', authorization: 'Bearer t' },
  });
});

test('an error of the operation ends the subscription and not the connection', async () => {
  const error = '{"errors":[{"message":"m","extensions":{"code":"NOT_READY"}}]}';
  await follow(streamOf(`event: next\r\ndata: ${error}\r\n\r\nevent: complete\r\n\r\n`));
  expect([said[0], lost]).toEqual(['NOT_READY', []]);
});

test('a stream that is cut off is a lost connection; a refused one says why', async () => {
  await follow(streamOf('event: next\ndata: {"data":{"s":1}}\n\n'));
  expect([said, lost.map(({ why }) => why)]).toEqual([[{ s: 1 }], ['closed']]);
  await follow(new Response(null, { status: 401 }));
  expect(lost.map(({ why }) => why)).toEqual(['closed', 'unauthorised']);
});

test('an API that does not answer is no connection', async () => {
  answers.push(new Response(null, { status: 502 }));
  await expect(connectSse({ token: null, heard: () => undefined, lost: () => undefined })).rejects.toMatchObject({
    why: 'closed',
  });
});
