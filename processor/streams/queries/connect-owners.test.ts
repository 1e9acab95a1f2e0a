import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { MemoryOwners } from '../tests/support/memory-owners.ts';
import { ownerReadsContract } from '../../../tests/support/owner-reads-contract.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { until } from '../../../tests/support/until.ts';
import { connectOwners } from './connect-owners.ts';
import type { OwnerQuestion, RangeAnswer, RowsAnswer } from './owner-reads.ts';
import { frameOf, MAGIC, MOST_QUESTION_BYTES, proofOf } from './query-frames.ts';
import { encodeMessage } from './query-messages.ts';

const TOKEN = 'a secret of these tests';
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(...args: Parameters<typeof MemoryOwners.start>): Promise<MemoryOwners> {
  const owners = await MemoryOwners.start(...args);
  opened.push(owners);
  return owners;
}

ownerReadsContract('over TCP', async () => {
  const owners = await MemoryOwners.start(TOKEN);
  return {
    reads: owners.reads,
    commit: (partition, changes) => owners.commit(partition, changes),
    follow: (partition) => owners.follow(partition),
    hold: (partition, held) => owners.hold(partition, held),
    close: () => owners.close(),
  };
});

const get = (keys: readonly string[], also: Partial<OwnerQuestion> = {}): OwnerQuestion => ({
  store: 'totals',
  partition: 0,
  allowStale: false,
  read: { kind: 'rows', keys: keys.map((key) => Buffer.from(key)) },
  ...also,
});
const textOf = (answer: unknown): unknown =>
  (answer as RowsAnswer).rows.map((row) => (row === null ? null : Buffer.from(row).toString()));

/** Sends these bytes and resolves to what came back when the connection has ended. */
async function bytesBackFrom({ host, port }: { host: string; port: number }, sent: Buffer): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ host, port });
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => resolve());
  socket.write(sent);
  await promise;
  return Buffer.concat(received);
}

test('who has not got the token is told nothing, not even a byte', async () => {
  const owners = await start(TOKEN, { helloMs: 300 });
  const nonce = Buffer.alloc(32, 7);
  const callers = [
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    Buffer.from('POST /graphql HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}'),
    Buffer.alloc(500, 1),
    Buffer.concat([MAGIC, nonce, proofOf('another token', 'hello', nonce)]),
    Buffer.concat([MAGIC, nonce, proofOf(TOKEN, 'welcome', nonce)]),
    // It says nothing more.
    MAGIC,
    Buffer.alloc(0),
  ];
  for (const sent of callers) expect(await bytesBackFrom(owners.addresses[0], sent)).toEqual(Buffer.alloc(0));
  await owners.commit(0, [['a', '1']]);
  const [answer] = await connectedWith(owners, 'another token').ask([get(['a'])], 1_000);
  expect(answer).toMatchObject({ code: 'STORE_NOT_HERE', message: expect.stringContaining('the same token?') });
});

test('a hello that was overheard opens nothing', async () => {
  const owners = await start(TOKEN, { helloMs: 300, idleMs: 300 });
  const nonce = Buffer.alloc(32, 7);
  const overheard = Buffer.concat([MAGIC, nonce, proofOf(TOKEN, 'hello', nonce)]);
  const question = frameOf({ id: 1, body: encodeMessage({ questions: [get(['a'])], waitMs: 0 }) });
  const back = await bytesBackFrom(owners.addresses[0], Buffer.concat([overheard, Buffer.alloc(32, 1), question]));
  // The welcome, and no answer.
  expect(back.length).toBe(64);
});

test('an instance that has not got the token is not asked', async () => {
  const asked: Buffer[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      asked.push(chunk);
      socket.write(Buffer.alloc(64, 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  const port = (server.address() as { port: number }).port;
  const owners = await start(TOKEN);
  owners.advertise(0, { host: '127.0.0.1', port });
  const [answer] = await owners.reads.ask([get(['a'])], 1_000);
  expect(answer).toMatchObject({ message: expect.stringContaining('it has another token') });
  const all = Buffer.concat(asked).toString('latin1');
  expect([all.includes(TOKEN), all.includes('totals')]).toEqual([false, false]);
});

test('a frame that is too large, or no question, ends the connection; the caller asks again on a new one', async () => {
  const owners = await start(TOKEN);
  await owners.commit(0, [['a', '1']]);
  const keys = Array.from({ length: 1_000 }, (_, index) => String(index).padEnd(2_000, 'x'));
  expect(keys.length * 2_000).toBeGreaterThan(MOST_QUESTION_BYTES);
  expect((await owners.reads.ask([get(keys)], 100))[0]).toMatchObject({ code: 'STORE_NOT_HERE' });
  expect((await owners.reads.ask([get(['a'])], 60_000)).map(textOf)).toEqual([['1']]);
});

test('nobody is asked where the instances are after the end', async () => {
  let isClosed = false;
  const reads = connectOwners({
    token: TOKEN,
    logger: quietLogger,
    subTopologyOf: () => 0,
    instances: () => {
      if (isClosed) throw new Error('asked after the end');
      return [];
    },
  });
  await reads.close();
  isClosed = true;
  expect(await reads.ask([get(['a'])], 0)).toEqual([expect.objectContaining({ code: 'STORE_NOT_HERE' })]);
});

test('what no owner could answer is refused in its place', async () => {
  const owners = await start(TOKEN);
  await owners.commit(0, [['a', '1']]);
  const answers = await owners.reads.ask(
    [
      get(Array.from({ length: 1_001 }, String)),
      get(['a'], { store: 'unlogged' }),
      get(['a'], { minPosition: -1 }),
      get(['a']),
    ],
    60_000,
  );
  expect(answers.map((answer) => (answer as { code?: string }).code)).toEqual([
    'CONFIG_INVALID',
    'CONFIG_INVALID',
    'CONFIG_INVALID',
    undefined,
  ]);
  expect((await owners.reads.ask([get(['a'], { store: 'nothing' })], 50))[0]).toMatchObject({
    code: 'STORE_NOT_HERE',
    message: expect.stringContaining('no such store'),
  });
});

test('an owner that goes is followed by its standby, and that by the new owner', async () => {
  const owners = await start(TOKEN);
  await owners.commit(0, [['a', '1']]);
  await owners.follow(0);
  const ask = async (): Promise<unknown> => {
    const answer = (await owners.reads.ask([get(['a'], { allowStale: true })], 60_000))[0] as RowsAnswer;
    return [...(textOf(answer) as string[]), answer.stale];
  };
  expect(await ask()).toEqual(['1', false]);
  await owners.stop(0);
  expect(await ask()).toEqual(['1', true]);
  // The statuses still name the one that is gone.
  owners.take(0, 1);
  await owners.commit(0, [['a', '2']]);
  expect(await ask()).toEqual(['2', false]);
  await owners.restart(0);
  expect(await ask()).toEqual(['2', false]);
});

test('who has the task is heard from an instance that had it, before the statuses say so', async () => {
  const owners = await start(TOKEN);
  owners.take(0, 1, { inStatus: false });
  await owners.commit(0, [['a', '1']]);
  const answer = (await owners.reads.ask([get(['a'])], 60_000))[0] as RowsAnswer;
  expect([textOf(answer), answer.stale]).toEqual([['1'], false]);
});

test('a position behind markers of transactions is reached when nothing else lies before it', async () => {
  const owners = await start(TOKEN);
  const position = await owners.commit(0, [['a', '1']]);
  const minPosition = position + 2;
  const behind = await owners.reads.ask([get(['a'], { minPosition })], 100);
  expect(behind[0]).toMatchObject({ code: 'STORE_NOT_HERE' });
  owners.emptyUpTo = minPosition;
  const answer = (await owners.reads.ask([get(['a'], { minPosition })], 60_000))[0] as RowsAnswer;
  expect([textOf(answer), answer.position]).toEqual([['1'], minPosition]);
});

test('more rows than one answer takes come in several, each of one commit', async () => {
  const owners = await start(TOKEN);
  const value = 'v'.repeat(3_000);
  await owners.commit(
    0,
    Array.from({ length: 2_500 }, (_, index) => [String(index).padStart(5, '0'), value] as const),
  );
  let [from, seen, pages]: [Uint8Array | undefined, number, number] = [undefined, 0, 0];
  do {
    const read = { kind: 'range', limit: 5_000, ...(from === undefined ? {} : { from }) } as const;
    const answer = (await owners.reads.ask([get([], { read })], 60_000))[0] as RangeAnswer;
    [from, seen, pages] = [answer.next, seen + answer.rows.length, pages + 1];
  } while (from !== undefined);
  expect([seen, pages > 5]).toEqual([2_500, true]);
});

test('a caller that does not take its answers is let go, and others are answered meanwhile', async () => {
  const owners = await start(TOKEN, { slowReaderMs: 50, mostUnsentBytes: 1 << 20 });
  const value = 'v'.repeat(100_000);
  await owners.commit(
    0,
    Array.from({ length: 20 }, (_, index) => [String(index), value] as const),
  );
  const slow = connect(owners.addresses[0]);
  opened.push({ close: () => slow.destroy() });
  slow.on('error', () => undefined);
  const nonce = Buffer.alloc(32, 7);
  slow.write(Buffer.concat([MAGIC, nonce, proofOf(TOKEN, 'hello', nonce)]));
  const [welcome] = (await once(slow, 'data')) as [Buffer];
  slow.pause();
  slow.write(proofOf(TOKEN, 'session', nonce, welcome.subarray(0, 32)));
  const read = { kind: 'range', limit: 100 } as const;
  const questions = Array.from({ length: 200 }, () => get([], { read }));
  slow.write(frameOf({ id: 1, body: encodeMessage({ questions, waitMs: 0 }) }));
  await until(() => owners.refusals.some((reason) => reason.includes('does not take')), 'the slow reader is let go');
  expect((await owners.reads.ask([get(['1'])], 60_000)).map(textOf)).toEqual([[value]]);
});

function connectedWith(owners: MemoryOwners, token: string): ReturnType<typeof connectOwners> {
  const reads = connectOwners({ ...owners.options, token });
  opened.push(reads);
  return reads;
}
