import { once } from 'node:events';
import { createServer, Socket, type AddressInfo } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import type { KafkaConnectionConfig } from './kafka-connection-config.ts';
import { ClientSockets, createKafka } from './kafka-client.ts';

const tls = process.getBuiltinModule('node:tls');

afterEach(() => {
  jest.restoreAllMocks();
});

/** With what a TLS connection is opened; undefined: it is none. */
async function openedWith(more: Pick<KafkaConnectionConfig, 'tls'>, host: string): Promise<unknown> {
  const connect = jest.spyOn(tls, 'connect').mockImplementation(() => {
    const socket = new Socket();
    process.nextTick(() => socket.destroy(new Error('nobody is there')));
    return socket as ReturnType<typeof tls.connect>;
  });
  const admin = createKafka({ brokers: [`${host}:1`], clientId: 'c', ...more }, quietLogger).admin();
  await expect(admin.connect()).rejects.toThrow();
  await admin.disconnect();
  return connect.mock.calls[0]?.[0];
}

test('a connection is by TLS where that is said, with the certificates that are given for it', async () => {
  const to = { host: 'localhost', port: 1, servername: 'localhost' };
  expect(await openedWith({ tls: { ca: 'a certificate' } }, 'localhost')).toEqual({ ...to, ca: ['a certificate'] });
});

test('without certificates of its own it is by TLS all the same', async () => {
  const to = { host: 'localhost', port: 1, servername: 'localhost' };
  expect(await openedWith({ tls: {} }, 'localhost')).toEqual(to);
});

// A server name that is an address is refused by TLS itself.
test('to an address it is without the name of a server', async () => {
  expect(await openedWith({ tls: {} }, '127.0.0.1')).toEqual({ host: '127.0.0.1', port: 1 });
});

test('without TLS none of it is asked for', async () => {
  expect(await openedWith({}, '127.0.0.1')).toBeUndefined();
});

test('bytes give their memory back when they are written, and have arrived as they were', async () => {
  const arrived: Buffer[] = [];
  const server = createServer((socket) => socket.on('data', (bytes) => arrived.push(bytes as Buffer)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const sockets = new ClientSockets();
  try {
    const { port } = server.address() as AddressInfo;
    const socket = sockets.factory({ host: '127.0.0.1', port, ssl: undefined as never, onConnect: () => undefined });
    // As an encoder of kafkajs has them.
    const request = Buffer.alloc(1 << 20, 'abc').subarray(0, 700_000);
    const few = Buffer.from('few');
    const all = Buffer.concat([request, few]);
    socket.write(request, 'binary');
    socket.write(few, 'binary');
    socket.end();
    const [served] = (await once(server, 'connection')) as [Socket];
    await once(served, 'end');
    expect(Buffer.concat(arrived).equals(all)).toBe(true);
    expect([request.length, few.toString()]).toEqual([0, 'few']);
  } finally {
    sockets.end();
    server.close();
  }
});
