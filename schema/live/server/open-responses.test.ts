import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';

import { OpenResponses } from './open-responses.ts';

/** A response, as far as it is looked at. */
class FakeResponse extends EventEmitter {
  readonly #type: string;
  destroyed = false;

  constructor(type: string) {
    super();
    this.#type = type;
  }

  getHeader(): string {
    return this.#type;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const opened = (open: OpenResponses, type: string): FakeResponse => {
  const response = new FakeResponse(type);
  open.add(response as unknown as ServerResponse);
  return response;
};

test.each([
  ['in the order in which they began', [0, 1, 2, 3]],
  ['in the opposite order', [3, 2, 1, 0]],
  ['in some order', [1, 3, 0, 2]],
])('responses that end %s are not waited for, and no others are forgotten', async (_, order) => {
  const open = new OpenResponses();
  const responses = Array.from({ length: 4 }, () => opened(open, 'application/json'));
  let drained = false;
  const drain = open.drain(60_000).then(() => (drained = true));
  for (const at of order) {
    await Promise.resolve();
    expect(drained).toBe(false);
    responses[at]?.emit('close');
  }
  await drain;
});

test('event streams are counted and cut, wherever they stand among the others', async () => {
  const open = new OpenResponses();
  const all = Array.from({ length: 6 }, (_, at) => opened(open, at % 2 === 0 ? 'text/event-stream' : 'text/html'));
  all[1]?.emit('close');
  all[0]?.emit('close');
  expect(open.eventStreams).toBe(2);
  const drain = open.drain(60_000);
  expect(all.map(({ destroyed }) => destroyed)).toEqual([false, false, true, false, true, false]);
  all[3]?.emit('close');
  all[5]?.emit('close');
  await drain;
  expect(open.eventStreams).toBe(0);
});

test('an event stream that began while others were waited for is cut, too', async () => {
  const open = new OpenResponses();
  const other = opened(open, 'application/json');
  const drain = open.drain(1);
  const late = opened(open, 'text/event-stream');
  await drain;
  expect([late.destroyed, other.destroyed]).toEqual([true, false]);
});
