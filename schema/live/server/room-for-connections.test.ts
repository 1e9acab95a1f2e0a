import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { describe, expect, jest, test } from '@jest/globals';
import { watchConnections } from './connections.ts';

describe('who makes room, of those that are open', () => {
  /** A connection, as far as it is looked at. */
  class FakeSocket extends EventEmitter {
    readonly writableLength = 0;
    readonly bytesWritten = 0;
    isDestroyed = false;

    destroy(): void {
      this.isDestroyed = true;
      this.emit('close');
    }
  }

  /** `maxConnections` are open. Answers what becomes of them, in words, when one more comes. */
  function watched(maxConnections: number) {
    const server = new EventEmitter();
    const inc = jest.fn();
    const metrics = { refusedConnections: { inc } } as unknown as Parameters<typeof watchConnections>[1];
    const stop = watchConnections(server as unknown as Server, metrics, { maxConnections });
    const opened = (): FakeSocket => {
      const socket = new FakeSocket();
      server.emit('connection', socket);
      return socket;
    };
    const asked = (socket: FakeSocket, complete: boolean): EventEmitter => {
      const response = new EventEmitter();
      server.emit('request', { socket, complete }, response);
      return response;
    };
    const sockets = Array.from({ length: maxConnections }, opened);
    const comes = (): unknown => {
      const newcomer = opened();
      stop();
      return [[...sockets, newcomer].map(({ isDestroyed }) => isDestroyed), inc.mock.calls.map(([labels]) => labels)];
    };
    return { sockets: sockets as [FakeSocket, FakeSocket, FakeSocket], asked, comes };
  }

  test('the one that asked nothing yet, before those that have their answers', () => {
    const { sockets, asked, comes } = watched(3);
    for (const at of [0, 1] as const) asked(sockets[at], true).emit('close');
    expect(comes()).toEqual([[false, false, true, false], [{ reason: 'idle' }]]);
  });

  test('the one whose answer was out first, also where it began last', () => {
    const { sockets, asked, comes } = watched(3);
    for (const at of [2, 0, 1] as const) asked(sockets[at], true).emit('close');
    expect(comes()).toEqual([[false, false, true, false], [{ reason: 'idle' }]]);
  });

  test('one whose request is not there as a whole, and none that waits for its answer', () => {
    const { sockets, asked, comes } = watched(3);
    for (const at of [0, 1, 2] as const) asked(sockets[at], at !== 1);
    expect(comes()).toEqual([[false, true, false, false], [{ reason: 'idle' }]]);
  });

  test('the one that comes, where all others are served', () => {
    const { sockets, asked, comes } = watched(3);
    for (const socket of sockets) asked(socket, true);
    expect(comes()).toEqual([[false, false, false, true], [{ reason: 'connections' }]]);
  });
});
