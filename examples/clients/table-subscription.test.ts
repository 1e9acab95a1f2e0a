import { afterEach, expect, jest, test } from '@jest/globals';
import type { Client, SubscribePayload } from 'graphql-ws';
import { subscribeToTable, type TableResult, type TableUpdate, withUpdate } from './table-subscription.ts';

interface Row {
  readonly id: string;
  readonly cents: number;
}

/** A socket whose server is this test. */
class Told {
  /** What the client has asked for, as it goes over the wire. */
  readonly asked: unknown[] = [];
  readonly handedOn: TableUpdate<Row>[] = [];
  readonly errors: unknown[] = [];
  #payload: SubscribePayload = { query: '' };
  #next: (result: TableResult<Row>) => void = () => undefined;

  readonly client = {
    subscribe: (payload: SubscribePayload, sink: { next: (result: TableResult<Row>) => void }) => {
      this.#payload = payload;
      this.#next = sink.next;
      this.connect();
      return () => undefined;
    },
  } as unknown as Client;

  /** As graphql-ws does after each break: the payload once more. */
  connect(): void {
    this.asked.push((JSON.parse(JSON.stringify(this.#payload)) as { variables: unknown }).variables);
  }

  send(update: Partial<TableUpdate<Row>>): void {
    this.#next({ data: { update: { kind: 'DELTA', cursor: '', rows: [], removed: [], more: false, ...update } } });
  }

  notReady(retryAfterMs: number): void {
    const errors = [{ message: 'wait', extensions: { code: 'NOT_READY', retryAfterMs } }];
    this.#next({ data: null, errors } as unknown as TableResult<Row>);
  }

  fail(): void {
    this.#next({ data: null, errors: [{ message: 'no' }] } as TableResult<Row>);
  }
}

const row = (id: string, cents = 0): Row => ({ id, cents });
let end: () => void = () => undefined;
afterEach(() => end());

function told(variables: Record<string, unknown> = {}): Told {
  const server = new Told();
  end = subscribeToTable<Row>(
    server.client,
    { query: '', variables },
    {
      next: ({ data, errors }) => void (data ? server.handedOn.push(data.update) : server.errors.push(errors)),
      error: (error) => void server.errors.push(error),
      complete: () => undefined,
    },
  );
  return server;
}

test('after a break it is asked again from the last cursor', () => {
  const server = told({ first: 3 });
  server.send({ kind: 'SNAPSHOT', cursor: 'c1', rows: [row('a')] });
  server.send({ cursor: 'c2', rows: [row('b')] });
  server.connect();
  expect(server.asked).toEqual([{ first: 3 }, { first: 3, after: 'c2' }]);
});

test('a cursor that was given is where it begins', () => {
  expect(told({ after: 'c0' }).asked).toEqual([{ after: 'c0' }]);
});

test('a snapshot in parts is handed on when it is whole', () => {
  const server = told();
  server.send({ kind: 'SNAPSHOT', cursor: 'p1', rows: [row('a')], more: true });
  expect(server.handedOn).toEqual([]);
  server.send({ kind: 'SNAPSHOT', cursor: 'c1', rows: [row('b')] });
  expect(server.handedOn).toMatchObject([{ kind: 'SNAPSHOT', cursor: 'c1', rows: [row('a'), row('b')] }]);
  server.send({ cursor: 'c2', rows: [row('c')] });
  expect(server.handedOn[1]).toMatchObject({ kind: 'DELTA', rows: [row('c')] });
});

test('parts of a snapshot that a break cut off are forgotten', () => {
  const server = told();
  server.send({ kind: 'SNAPSHOT', cursor: 'c1', rows: [row('a')] });
  server.send({ kind: 'SNAPSHOT', cursor: 'p2', rows: [row('gone')], more: true });
  server.connect();
  expect(server.asked).toEqual([{}, { after: 'c1' }]);
  server.send({ kind: 'SNAPSHOT', cursor: 'c3', rows: [row('b')] });
  expect(server.handedOn.map(({ rows }) => rows)).toEqual([[row('a')], [row('b')]]);
});

test('errors of the operation are handed on', () => {
  const server = told();
  server.fail();
  expect(server.errors).toEqual([[{ message: 'no' }]]);
});

test('a SNAPSHOT replaces all rows, a DELTA merges and removes', () => {
  const update = (more: Partial<TableUpdate<Row>>): TableUpdate<Row> => ({
    kind: 'DELTA',
    cursor: '',
    rows: [],
    removed: [],
    more: false,
    ...more,
  });
  const first = withUpdate<Row>(new Map([['z', row('z')]]), update({ kind: 'SNAPSHOT', rows: [row('a'), row('b')] }));
  expect([...first.keys()]).toEqual(['a', 'b']);
  const second = withUpdate(first, update({ rows: [row('a', 5)], removed: ['b', 'never'] }));
  expect([...second.values()]).toEqual([row('a', 5)]);
  expect(first.size).toBe(2);
});

test('an API that is not ready yet is asked again when it says to, from the last cursor, and nobody is told', () => {
  jest.useFakeTimers();
  try {
    const server = told();
    server.send({ kind: 'SNAPSHOT', cursor: 'one' });
    server.connect();
    server.notReady(500);
    jest.advanceTimersByTime(499);
    expect(server.asked).toHaveLength(2);
    jest.advanceTimersByTime(1);
    expect(server.asked).toEqual([{}, { after: 'one' }, { after: 'one' }]);
    server.send({ cursor: 'two', rows: [row('a')] });
    server.notReady(500);
    end();
    jest.advanceTimersByTime(1_000);
    expect([server.asked.length, server.handedOn.length, server.errors]).toEqual([3, 2, []]);
  } finally {
    jest.useRealTimers();
  }
});
