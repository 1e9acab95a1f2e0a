import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Logger } from '../logger.ts';
import { parseStreamsConfig, type ThreadInit } from '../streams-config.ts';
import { Supervisor, threadsReady } from './supervisor.ts';
import type { FromThread, ToThread } from './thread-messages.ts';

const HANG_MS = 4_000;

/** A worker that does and says what the test wants. */
class StandIn extends EventEmitter {
  readonly threadId = 1;
  terminated = false;

  readonly heard: ToThread[] = [];

  postMessage(message: ToThread): void {
    this.heard.push(message);
  }

  terminate(): Promise<number> {
    this.terminated = true;
    return Promise.resolve(1);
  }

  say(message: FromThread): void {
    this.emit('message', message);
  }
}

let supervisor: Supervisor;
const standIns: StandIn[] = [];
const errors: string[] = [];
const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_fields, message) => errors.push(message),
};

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick'] });
  supervise();
});
afterEach(() => {
  jest.useRealTimers();
});

/** In place of the one before, whose watch is over. */
function supervise(config: { readonly maxTaskIdleMs?: number } = {}): void {
  jest.clearAllTimers();
  errors.length = 0;
  standIns.splice(0, Infinity, new StandIn(), new StandIn());
  const init: ThreadInit = {
    threadName: 'app-StreamThread-1',
    groupInstanceId: 'app-1',
    processId: 'process',
    slotDirectory: '',
    connection: { brokers: ['localhost:9092'], clientId: 'app' },
    config: parseStreamsConfig({ applicationId: 'app', stateDir: '/nowhere', threadHangTimeoutMs: HANG_MS, ...config }),
    partitionCounts: {},
    topicIds: {},
    subTopologyNumbers: [],
    deadLettered: [],
    handlers: [],
  };
  const listeners = {
    onFatal: () => undefined,
    onChange: () => undefined,
    onOwners: () => undefined,
    onRestore: () => undefined,
  };
  supervisor = new Supervisor(
    [init],
    logger,
    listeners,
    { module: '', options: {} },
    standIns.slice() as unknown as Worker[],
  );
  supervisor.start();
}

const [first, second] = [(): StandIn => standIns[0] as StandIn, (): StandIn => standIns[1] as StandIn];

test('a thread that takes long to load its code, on a busy machine, is not one that hangs', () => {
  jest.advanceTimersByTime(5 * HANG_MS);
  expect([errors, first().terminated]).toEqual([[], false]);
  first().say({ kind: 'loaded' });
  jest.advanceTimersByTime(HANG_MS / 2);
  expect([errors, first().terminated]).toEqual([[], false]);
});

test('one that was loaded and says nothing any more is replaced, and its successor has time to load again', () => {
  first().say({ kind: 'loaded' });
  jest.advanceTimersByTime(2 * HANG_MS);
  expect(errors).toEqual([
    expect.stringMatching(/replacing it: it has said nothing for \d+ ms: it hangs in user code$/),
  ]);
  expect(first().terminated).toBe(true);
  jest.advanceTimersByTime(5 * HANG_MS);
  expect([errors.length, second().terminated]).toEqual([1, false]);
});

test('one whose code never loads is replaced all the same', () => {
  jest.advanceTimersByTime(11 * HANG_MS);
  expect(errors).toEqual([
    expect.stringMatching(/replacing it: it has said nothing for \d+ ms: its code does not load$/),
  ]);
  expect(first().terminated).toBe(true);
});

const status = (commits: number): FromThread => ({
  kind: 'status',
  tasks: [{ id: '0_0', role: 'ACTIVE', state: 'RUNNING', inputs: [], lag: 5 }],
  records: 0,
  commits,
  globalRecords: 0,
  cache: { hits: 0, misses: 0, rows: 0, bytes: 0 },
  brokerAway: null,
  longWait: null,
  diskTrouble: null,
  registryAway: null,
  steady: true,
  purgeable: [],
});

test('a pause holds for a thread that takes the place of another, until it is resumed', () => {
  const started = (standIn: StandIn): boolean | undefined =>
    standIn.heard.find((message) => message.kind === 'start')?.paused;
  first().say({ kind: 'loaded' });
  supervisor.pause();
  expect([started(first()), first().heard.at(-1)?.kind]).toEqual([false, 'pause']);
  jest.advanceTimersByTime(2 * HANG_MS);
  expect([first().terminated, started(second())]).toEqual([true, true]);
  supervisor.resume();
  expect(second().heard.at(-1)?.kind).toBe('resume');
});

test('a thread that is paused is not one that makes no progress', () => {
  const live = (): void => {
    for (let at = 0; at < 100; at += 1) {
      jest.advanceTimersByTime(1_000);
      first().say(status(0));
    }
  };
  first().say({ kind: 'loaded' });
  supervisor.pause();
  live();
  expect([errors, first().terminated]).toEqual([[], false]);
  supervisor.resume();
  live();
  expect(errors).toEqual([expect.stringMatching(/committed nothing for \d+ ms although there is lag/)]);
});

test('one whose tasks may wait for an empty input is given the time that is configured for it, and more no', () => {
  const IDLE_MS = 300_000;
  supervise({ maxTaskIdleMs: IDLE_MS });
  expect(first().heard[0]).toMatchObject({ kind: 'start', init: { config: { maxTaskIdleMs: IDLE_MS } } });
  first().say({ kind: 'loaded' });
  const waitFor = (ms: number): void => {
    for (let at = 0; at < ms; at += 1_000) {
      jest.advanceTimersByTime(1_000);
      first().say(status(0));
    }
  };
  waitFor(IDLE_MS);
  expect([errors, first().terminated]).toEqual([[], false]);
  waitFor(100_000);
  expect(errors).toEqual([expect.stringMatching(/committed nothing for \d+ ms although there is lag/)]);
});

test('a question to a thread that ends is answered: it has nothing', async () => {
  const asked = supervisor.askOwner({ kind: 'get', taskId: '0_0', store: 's', stale: false, key: new Uint8Array() });
  await nextTick();
  expect(first().heard.at(-1)).toMatchObject({ kind: 'ask', questions: [{ question: { kind: 'get', store: 's' } }] });
  first().emit('exit', 1);
  expect(await asked).toEqual({ kind: 'absent', state: undefined });
  const again = supervisor.askAny({ kind: 'global', store: 's' });
  expect(await again).toEqual({ kind: 'absent', state: undefined });
});

test('questions of one turn go to a thread in one message, and its answers find who asked', async () => {
  const asked = [1, 2].map((key) =>
    supervisor.askOwner({ kind: 'get', taskId: '0_0', store: 's', stale: false, key: new Uint8Array([key]) }),
  );
  await nextTick();
  const messages = first().heard.filter(({ kind }) => kind === 'ask');
  const ids = messages.flatMap((message) => (message.kind === 'ask' ? message.questions.map(({ id }) => id) : []));
  expect([messages.length, ids.length]).toEqual([1, 2]);
  const answers = ids.map((id, at) => ({ id, answer: { kind: 'count', count: at } as const })).reverse();
  first().say({ kind: 'answers', answers });
  expect(await Promise.all(asked)).toEqual([
    { kind: 'count', count: 0 },
    { kind: 'count', count: 1 },
  ]);
});

test('one that reads a long global table makes progress; one that reads no more of it does not', () => {
  const NO_PROGRESS_MS = 60_000;
  first().say({ kind: 'loaded' });
  const reading = (globalRecords: number): void => {
    first().say({
      kind: 'status',
      tasks: [],
      records: 0,
      commits: 0,
      globalRecords,
      cache: { hits: 0, misses: 0, rows: 0, bytes: 0 },
      brokerAway: null,
      longWait: null,
      diskTrouble: null,
      registryAway: null,
      steady: false,
      purgeable: [],
    });
    jest.advanceTimersByTime(HANG_MS / 2);
  };
  // Time in which a thread is not ready yet counts a tenth.
  const rounds = (11 * NO_PROGRESS_MS) / (HANG_MS / 2);
  for (let round = 1; round <= rounds; round += 1) reading(round);
  expect([errors, first().terminated]).toEqual([[], false]);
  for (let round = 1; round <= rounds && errors.length === 0; round += 1) reading(rounds);
  expect(errors).toEqual([expect.stringMatching(/it has committed nothing for \d+ ms/)]);
});

test('threads that load wait for each other, but not for one that has failed, nor for ever', async () => {
  jest.useRealTimers();
  const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let ready = false;
  const together = threadsReady([one.promise, other.promise], 2 ** 30).then(() => {
    ready = true;
  });
  one.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect(ready).toBe(false);
  other.reject(new Error('its code cannot be loaded'));
  await together;

  await threadsReady([Promise.resolve(), new Promise(() => undefined)], 1);
});
