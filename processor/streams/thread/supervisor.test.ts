import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Logger } from '../logger.ts';
import { parseStreamsConfig, type ThreadInit } from '../streams-config.ts';
import { Supervisor } from './supervisor.ts';
import type { FromThread } from './thread-messages.ts';

const HANG_MS = 4_000;

/** A worker that does and says what the test wants. */
class StandIn extends EventEmitter {
  readonly threadId = 1;
  terminated = false;

  postMessage(): void {
    // It says what the test wants, and hears nothing.
  }

  terminate(): Promise<number> {
    this.terminated = true;
    return Promise.resolve(1);
  }

  say(message: FromThread): void {
    this.emit('message', message);
  }
}

const standIns: StandIn[] = [];
const errors: string[] = [];
const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_fields, message) => errors.push(message),
};

beforeEach(() => {
  jest.useFakeTimers();
  errors.length = 0;
  standIns.splice(0, Infinity, new StandIn(), new StandIn());
  const init: ThreadInit = {
    threadName: 'app-StreamThread-1',
    groupInstanceId: 'app-1',
    processId: 'process',
    slotDirectory: '',
    connection: { brokers: ['localhost:9092'], clientId: 'app' },
    config: parseStreamsConfig({ applicationId: 'app', stateDir: '/nowhere', threadHangTimeoutMs: HANG_MS }),
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
  new Supervisor(
    [init],
    logger,
    listeners,
    { module: '', options: {} },
    standIns.slice() as unknown as Worker[],
  ).start();
});
afterEach(() => {
  jest.useRealTimers();
});

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
