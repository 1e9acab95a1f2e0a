import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { LiveFeed } from './live-feed.ts';
import { LostConnection } from './transport.ts';
import type { Link } from '../state/connection.ts';
import type { Reach } from './http.ts';
import type { Channel } from './live-feed.ts';
import type { Connect, ConnectOptions, Problem, Sink, TransportKind } from './transport.ts';

interface Subscribed {
  readonly variables: Record<string, unknown>;
  readonly sink: Sink;
  stopped: boolean;
}

/** An API in the test's hands: what was asked of it, over which transport, and how to break it. */
class FakeApi {
  readonly subscribed: Subscribed[] = [];
  readonly tried: TransportKind[] = [];
  refuses: ReadonlySet<TransportKind> = new Set();
  reach: Reach = 'reachable';
  options: ConnectOptions | null = null;

  readonly connect =
    (kind: TransportKind): Connect =>
    async (options) => {
      this.tried.push(kind);
      if (this.refuses.has(kind)) throw new LostConnection('closed', 'refused');
      this.options = options;
      return {
        kind,
        subscribe: (_, variables, sink) => {
          const subscribed = { variables, sink, stopped: false };
          this.subscribed.push(subscribed);
          return () => (subscribed.stopped = true);
        },
        close: () => undefined,
      };
    };

  get last(): Subscribed {
    const last = this.subscribed.at(-1);
    if (!last) throw new Error('nothing was subscribed to');
    return last;
  }
}

let api: FakeApi;
let links: Link[];
let taken: { data: unknown; resumed: boolean }[];
let problems: (Problem | null)[];

beforeEach(() => {
  jest.useFakeTimers();
  api = new FakeApi();
  links = [];
  taken = [];
  problems = [];
});

afterEach(() => {
  jest.useRealTimers();
});

function channelOf(key = 'k', poll: Channel['poll'] = null): Channel {
  return {
    key,
    document: 'subscription S { s }',
    variables: { windows: 5 },
    take: (data, resumed) => {
      taken.push({ data, resumed });
      return `cursor-${taken.length}`;
    },
    problem: (problem) => problems.push(problem),
    poll,
  };
}

async function started(channel: Channel | null = channelOf()): Promise<LiveFeed> {
  const feed = new LiveFeed(
    {
      connectors: { websocket: api.connect('websocket'), sse: api.connect('sse') },
      onLink: (link) => links.push(link),
      probe: async () => api.reach,
      random: () => 0.5,
    },
    null,
  );
  if (channel) feed.set('s', channel);
  feed.start();
  await jest.advanceTimersByTimeAsync(0);
  return feed;
}

const phases = (): string[] => links.map((link) => link.phase);

test('a lost connection comes back by itself and goes on from the last cursor', async () => {
  await started();
  expect(api.last.variables).toEqual({ windows: 5 });
  api.last.sink.next({ s: 1 });
  api.last.sink.next({ s: 2 });
  api.options?.lost(new LostConnection('closed', '1006'));
  expect(links.at(-1)).toMatchObject({ phase: 'waiting', attempt: 1 });
  await jest.advanceTimersByTimeAsync(1_000);
  expect(phases()).toEqual(['connecting', 'live', 'waiting', 'connecting', 'live']);
  expect(api.last.variables).toEqual({ windows: 5, after: 'cursor-2' });
  api.last.sink.next({ s: 3 });
  expect(taken.map((entry) => entry.resumed)).toEqual([true, false, true]);
});

test('never gives up while the API is away, and does not blame the WebSocket for it', async () => {
  await started();
  api.reach = 'unreachable';
  api.options?.lost(new LostConnection('closed', '1006'));
  await jest.advanceTimersByTimeAsync(600_000);
  expect(api.tried).toEqual(['websocket']);
  const last = links.at(-1);
  expect(last?.phase === 'waiting' && last.attempt > 50).toBe(true);
  api.reach = 'reachable';
  await jest.advanceTimersByTimeAsync(10_000);
  expect(links.at(-1)).toEqual({ phase: 'live', transport: 'websocket' });
});

test('three WebSocket failures while the API answers lead to server-sent events and polls', async () => {
  api.refuses = new Set(['websocket']);
  let polls = 0;
  const feed = await started(channelOf('k', async () => void (polls += 1)));
  feed.set('streamed', channelOf('other'));
  await jest.advanceTimersByTimeAsync(30_000);
  // The first is counted afterwards: nobody had asked yet whether the API is there.
  expect(api.tried).toEqual(['websocket', 'websocket', 'websocket', 'sse']);
  expect(links.at(-1)).toEqual({ phase: 'live', transport: 'sse' });
  expect(api.subscribed).toHaveLength(1);
  const before = polls;
  await jest.advanceTimersByTimeAsync(10_000);
  expect(polls).toBe(before + 5);
});

test("a failure of which it turns out that the API was away is none of the WebSocket's", async () => {
  api.refuses = new Set(['websocket']);
  api.reach = 'unreachable';
  await started();
  await jest.advanceTimersByTimeAsync(30_000);
  expect(api.tried).toEqual(['websocket']);
  api.reach = 'reachable';
  await jest.advanceTimersByTimeAsync(60_000);
  expect(api.tried).toEqual(['websocket', 'websocket', 'websocket', 'websocket', 'sse']);
});

test('over server-sent events a loss tries the WebSocket first again', async () => {
  api.refuses = new Set(['websocket']);
  await started();
  await jest.advanceTimersByTimeAsync(30_000);
  api.last.sink.next({ s: 1 });
  api.refuses = new Set();
  api.options?.lost(new LostConnection('closed', 'gone'));
  await jest.advanceTimersByTimeAsync(5_000);
  expect(links.at(-1)).toEqual({ phase: 'live', transport: 'websocket' });
});

test('and so does a network that was away', async () => {
  api.refuses = new Set(['websocket']);
  const feed = await started();
  await jest.advanceTimersByTimeAsync(30_000);
  api.last.sink.next({ s: 1 });
  api.refuses = new Set();
  api.reach = 'unreachable';
  feed.verify();
  await jest.advanceTimersByTimeAsync(1_000);
  api.reach = 'reachable';
  feed.wake();
  await jest.advanceTimersByTimeAsync(0);
  expect(links.at(-1)).toEqual({ phase: 'live', transport: 'websocket' });
  expect(api.last.variables).toEqual({ windows: 5, after: 'cursor-1' });
});

test('a refused token stops the trying until another is given', async () => {
  const feed = await started();
  api.options?.lost(new LostConnection('unauthorised', '4403'));
  await jest.advanceTimersByTimeAsync(60_000);
  expect(links.at(-1)).toEqual({ phase: 'unauthorised' });
  feed.setToken('secret');
  await jest.advanceTimersByTimeAsync(0);
  expect(links.at(-1)?.phase).toBe('live');
  expect(api.options?.token).toBe('secret');
});

test('an operation that fails, and is completed after that, is asked for again once', async () => {
  await started();
  for (let failure = 1; failure <= 4; failure += 1) {
    const { sink } = api.last;
    sink.ended({ code: 'FORBIDDEN', message: 'm' });
    sink.ended({ code: 'ENDED', message: 'The API ended the subscription.' });
    await jest.advanceTimersByTimeAsync(15_000);
    expect(api.subscribed).toHaveLength(1 + failure);
  }
});

test('what was heard with one token is no start for another: it may see other rows', async () => {
  const feed = await started();
  api.last.sink.next({ s: 1 });
  feed.setToken('secret');
  await jest.advanceTimersByTimeAsync(0);
  expect([api.options?.token, api.last.variables]).toEqual(['secret', { windows: 5 }]);
});

test('an operation that fails alone is reported and asked again, ever less often, and the others go on', async () => {
  const feed = await started();
  feed.set('other', channelOf('other'));
  const [failing, other] = api.subscribed;
  failing?.sink.ended({ code: 'NOT_READY', message: 'm' });
  expect(problems).toEqual([{ code: 'NOT_READY', message: 'm' }]);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(api.subscribed).toHaveLength(3);
  api.last.sink.ended({ code: 'NOT_READY', message: 'm' });
  await jest.advanceTimersByTimeAsync(1_999);
  expect(api.subscribed).toHaveLength(3);
  await jest.advanceTimersByTimeAsync(1);
  api.last.sink.next({ s: 1 });
  expect(problems.at(-1)).toBeNull();
  expect(other?.stopped).toBe(false);
});

test('the same channel set again goes on; another key replaces it, without the old cursor', async () => {
  const feed = await started();
  api.last.sink.next({ s: 1 });
  feed.set('s', channelOf('k'));
  expect(api.subscribed).toHaveLength(1);
  feed.set('s', channelOf('k2'));
  expect(api.subscribed.map((entry) => entry.stopped)).toEqual([true, false]);
  expect(api.last.variables).toEqual({ windows: 5 });
  feed.set('s', null);
  expect(api.last.stopped).toBe(true);
});

test('what a stopped subscription still says is not heard', async () => {
  const feed = await started();
  const { sink } = api.last;
  feed.set('s', null);
  sink.next({ s: 1 });
  sink.ended({ code: 'ENDED', message: '' });
  await jest.advanceTimersByTimeAsync(60_000);
  expect(taken).toEqual([]);
  expect(api.subscribed).toHaveLength(1);
});

test('waking up retries at once, and gives up a connection that was silent for too long', async () => {
  const feed = await started();
  api.options?.lost(new LostConnection('closed', '1006'));
  feed.wake();
  await jest.advanceTimersByTimeAsync(0);
  expect(links.at(-1)?.phase).toBe('live');
  feed.wake();
  expect(api.tried).toHaveLength(2);
  jest.setSystemTime(Date.now() + 60_000);
  feed.wake();
  await jest.advanceTimersByTimeAsync(0);
  expect(api.tried).toHaveLength(3);
  expect(links.at(-1)?.phase).toBe('live');
});

test(
  'told that the browser is offline, it finds out by itself, and goes on from the cursor where the API answers ' +
    'all the same',
  async () => {
    const feed = await started();
    api.last.sink.next({ s: 1 });
    feed.verify();
    expect(links.at(-1)).toEqual({ phase: 'connecting', attempt: 1 });
    await jest.advanceTimersByTimeAsync(0);
    expect(links.at(-1)?.phase).toBe('live');
    expect(api.last.variables).toEqual({ windows: 5, after: 'cursor-1' });
  },
);
