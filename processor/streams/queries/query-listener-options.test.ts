import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { SILENT_LOGGER } from '../../../tests/support/hand-fed-results.ts';
import { QueryListener } from './query-listener.ts';
import { checkQueryListener, type QueryListenerOptions } from './query-listener-options.ts';

const RIGHT: QueryListenerOptions = { host: '127.0.0.1', port: 0, token: 'secret' };
const answers = { answer: () => Promise.reject(new Error('nobody asks')) };
const faultOf = (options: object): unknown => {
  try {
    checkQueryListener({ ...RIGHT, ...options });
    return undefined;
  } catch (error) {
    return error;
  }
};

test('options that cannot be used are named, all of them, and the token is never told', () => {
  expect(faultOf({})).toBeUndefined();
  expect(faultOf({ advertisedHost: 'processor-1', advertisedPort: 7_070 })).toBeUndefined();
  expect(faultOf({ host: '', port: 70_000, token: '', advertisedHost: 7, advertisedPort: 0 })).toMatchObject({
    code: 'CONFIG_INVALID',
    settings: ['host', 'port', 'token', 'advertisedHost', 'advertisedPort'].map((name) => `queryListener.${name}`),
    message: expect.stringContaining('queryListener.port takes a whole number from 0'),
  });
  for (const token of [undefined, 7, '  '])
    expect(faultOf({ token })).toMatchObject({ message: expect.stringContaining('queryListener.token') });
  expect(faultOf({ hots: 'x' })).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('host') });
});

test('port 0 is one that is free; a port that is taken and a host that is not here are named', async () => {
  const listener = new QueryListener(RIGHT, answers, SILENT_LOGGER);
  const address = await listener.start();
  expect(address).toMatchObject({ host: '127.0.0.1', port: expect.any(Number) });
  const again = new QueryListener({ ...RIGHT, port: address.port }, answers, SILENT_LOGGER);
  await expect(again.start()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    settings: ['queryListener.port'],
  });
  await listener.close();
  const nowhere = new QueryListener({ ...RIGHT, host: '192.0.2.1' }, answers, SILENT_LOGGER);
  await expect(nowhere.start()).rejects.toMatchObject({ settings: ['queryListener.host'] });
  // It is free again.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(address.port, '127.0.0.1', resolve));
  expect((server.address() as AddressInfo).port).toBe(address.port);
  server.close();
});

test('what is advertised is told in place of what is listened at', async () => {
  const listener = new QueryListener(
    { ...RIGHT, advertisedHost: 'processor-1.example', advertisedPort: 7_071 },
    answers,
    SILENT_LOGGER,
  );
  expect(await listener.start()).toEqual({ host: 'processor-1.example', port: 7_071 });
  await listener.close();
});
