import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApiKey, WireProxy } from '../support/wire-proxy.ts';
import { until, stays } from '../support/until.ts';

/** A request frame: length, api key, api version, correlation id, client id, body. */
const requestFrame = (apiKey: number, correlationId: number, clientId = 'me', body = 'body'): Buffer => {
  const frame = Buffer.alloc(14 + clientId.length + body.length);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt16BE(apiKey, 4);
  frame.writeInt16BE(7, 6);
  frame.writeInt32BE(correlationId, 8);
  frame.writeInt16BE(clientId.length, 12);
  frame.write(clientId + body, 14);
  return frame;
};

const answerFrame = (correlationId: number): Buffer => {
  const frame = Buffer.alloc(8);
  frame.writeInt32BE(4, 0);
  frame.writeInt32BE(correlationId, 4);
  return frame;
};

/** Stands for a broker: notes the correlation ids that arrive and answers each. */
class EchoServer {
  readonly arrived: number[] = [];
  readonly #server: Server = createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const correlationId = rest.readInt32BE(8);
        this.arrived.push(correlationId);
        socket.write(answerFrame(correlationId));
        rest = rest.subarray(4 + rest.readInt32BE(0));
      }
    });
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }
}

describe('the wire proxy', () => {
  let broker: EchoServer;
  let proxy: WireProxy;
  let client: Socket;
  let answered: number[];

  beforeEach(async () => {
    broker = new EchoServer();
    proxy = await WireProxy.listen();
    proxy.forwardTo(await broker.listen());
    answered = [];
    client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 8) answered.push(chunk.readInt32BE(at + 4));
    });
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    broker.close();
  });

  test('passes frames, however they are cut into packets, and says what they are', async () => {
    const bytes = Buffer.concat([requestFrame(ApiKey.Produce, 1), requestFrame(ApiKey.Fetch, 2, 'other')]);
    for (const byte of bytes) {
      client.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await until(() => answered.length === 2, 'two are answered');
    expect(
      proxy.frames.map(({ direction, apiKey, apiVersion, correlationId, clientId }) => [
        direction,
        apiKey,
        apiVersion,
        correlationId,
        clientId,
      ]),
    ).toEqual(
      expect.arrayContaining([
        ['request', 0, 7, 1, 'me'],
        ['request', 1, 7, 2, 'other'],
        ['response', 0, 7, 1, 'me'],
        ['response', 1, 7, 2, 'other'],
      ]),
    );
  });

  test('holds one kind of request while later ones overtake it, even past the end of its client', async () => {
    const held = proxy.hold({ direction: 'request', apiKey: ApiKey.Produce, times: 1 });
    client.write(
      Buffer.concat([requestFrame(ApiKey.Produce, 1), requestFrame(ApiKey.EndTxn, 2), requestFrame(ApiKey.Produce, 3)]),
    );
    await held.reached(1);
    await until(() => answered.length === 2, 'two are answered');
    expect(broker.arrived).toEqual([2, 3]);
    client.destroy();
    await stays(() => broker.arrived.length === 2, 'it is held');
    held.release();
    await until(() => broker.arrived.length === 3, 'three have arrived');
    expect(broker.arrived).toEqual([2, 3, 1]);
  });

  test('delays, drops and discards', async () => {
    proxy.delay({ direction: 'response', clientId: 'slow' }, 80);
    proxy.drop({ direction: 'request', apiKey: ApiKey.Heartbeat });
    const held = proxy.hold({ direction: 'response', apiKey: ApiKey.Fetch });
    client.write(
      Buffer.concat([
        requestFrame(ApiKey.Metadata, 1, 'slow'),
        requestFrame(ApiKey.Heartbeat, 2),
        requestFrame(ApiKey.Fetch, 3),
        requestFrame(ApiKey.Produce, 4),
      ]),
    );
    await until(() => answered.length === 2, 'two are answered');
    expect(answered).toEqual([4, 1]);
    expect(broker.arrived).toEqual([1, 3, 4]);
    held.discard();
    await stays(() => answered.length === 2, 'what is discarded does not come');
  });

  test('a delayed request arrives, though its client has gone', async () => {
    const delayed = proxy.delay({ direction: 'request', apiKey: ApiKey.EndTxn }, 60);
    client.write(requestFrame(ApiKey.EndTxn, 1));
    await delayed.reached(1);
    client.destroy();
    await until(() => broker.arrived.length === 1, 'it has arrived');
  });

  test('cuts the connection at the frame, and lets the client come back', async () => {
    proxy.cut({ direction: 'response', apiKey: ApiKey.EndTxn, times: 1 });
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.write(requestFrame(ApiKey.EndTxn, 1));
    await closed;
    expect(broker.arrived).toEqual([1]);
    expect(answered).toEqual([]);
    client = connect(proxy.port, '127.0.0.1');
    client.write(requestFrame(ApiKey.EndTxn, 2));
    await until(() => broker.arrived.length === 2, 'two have arrived');
  });
});
