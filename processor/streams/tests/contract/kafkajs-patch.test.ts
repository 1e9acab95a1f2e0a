import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { batchBytes, markerBytes } from '../support/record-batch-bytes.ts';
import { fetchFrom, logStep, writeLog, type AbortedRange } from '../support/transactional-log.ts';
import { until } from '../../../../tests/support/until.ts';

/*
 * One block per mend of patches/kafkajs+2.2.4.patch; each fails on kafkajs as it is published. docs/kafkajs.md says
 * what went wrong without it.
 */

interface Message {
  readonly offset: string;
  readonly value: Buffer;
}
interface PartitionData {
  readonly partition: number;
  readonly highWatermark: string;
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly messages: readonly Message[];
}

const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const decodeMessages = load('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as (
  decoder: object,
) => Promise<Message[]>;
const Batch = load('kafkajs/src/consumer/batch.js') as new (
  topic: string,
  fetchedOffset: string,
  data: PartitionData,
) => { readonly messages: readonly Message[]; lastOffset(): string };

const logger = {
  namespace: () => logger,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What a kafkajs consumer hands to its handler for these bytes of a Fetch response. */
const consume = async (
  bytes: Buffer,
  fromOffset: number,
  aborted: readonly AbortedRange[],
): Promise<InstanceType<typeof Batch>> => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return new Batch('t', String(fromOffset), {
    partition: 0,
    highWatermark: '1000000',
    abortedTransactions: aborted.map((it) => ({
      producerId: String(it.producerId),
      firstOffset: String(it.firstOffset),
    })),
    messages: await decodeMessages(new Decoder(Buffer.concat([size, bytes]))),
  });
};

const data = (offset: number, producerId: number, key: Buffer = Buffer.from('k')): Buffer =>
  batchBytes({
    baseOffset: BigInt(offset),
    producerId: BigInt(producerId),
    isTransactional: true,
    records: [{ offsetDelta: 0, timestampDelta: 0n, key, value: Buffer.from(`${producerId}@${offset}`) }],
  });

describe('read_committed', () => {
  test('hides both of two overlapping aborted transactions, listed in the order they were aborted', async () => {
    const log = Buffer.concat([
      data(0, 1),
      data(1, 2),
      markerBytes(2n, 2n, 'abort'),
      data(3, 1),
      markerBytes(4n, 1n, 'abort'),
    ]);
    const aborted = [
      { producerId: 2n, firstOffset: 1 },
      { producerId: 1n, firstOffset: 0 },
    ];
    expect((await consume(log, 0, aborted)).messages.map((it) => it.value.toString())).toEqual([]);
  });

  test('takes a data key of four zero bytes for data, not for the end of an aborted transaction', async () => {
    const log = Buffer.concat([data(0, 1, Buffer.alloc(4)), data(1, 1), markerBytes(2n, 1n, 'abort')]);
    const { messages } = await consume(log, 0, [{ producerId: 1n, firstOffset: 0 }]);
    expect(messages.map((it) => it.value.toString())).toEqual([]);
  });

  test('shows exactly the committed records of any interleaving', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(logStep, { maxLength: 50 }),
        fc.nat(30),
        fc.integer({ min: 1, max: 9 }),
        async (steps, from, batches) => {
          const log = writeLog(steps);
          const logEnd = (log.batches.at(-1)?.lastOffset ?? -1) + 1;
          const seen: [number, string][] = [];
          let position = from;
          while (position < logEnd) {
            const { bytes, aborted } = fetchFrom(log, position, batches);
            const batch = await consume(bytes, position, aborted);
            seen.push(...batch.messages.map((it): [number, string] => [Number(it.offset), it.value.toString()]));
            position = Number(batch.lastOffset()) + 1;
          }
          expect(seen).toEqual(log.committed.filter(([offset]) => offset >= from));
        },
      ),
      { numRuns: 200 },
    );
  });
});

interface OutOfRange {
  readonly topic: string;
  readonly partition: number;
}
interface TestedGroup {
  preferredReadReplicasPerTopicPartition: Record<string, Record<number, object>>;
  offsetManager: {
    nextOffset(topic: string, partition: number): bigint;
    setDefaultOffset(at: OutOfRange): Promise<void>;
  };
  recoverFromOffsetOutOfRange(error: OutOfRange): Promise<void>;
}
const ConsumerGroup = load('kafkajs/src/consumer/consumerGroup.js') as new (options: object) => TestedGroup;

describe('an offset out of range', () => {
  const outOfRange = Object.assign(new Error('out of range'), { topic: 'logins', partition: 3 });

  const groupAt = (offset: bigint): { group: TestedGroup; committed: OutOfRange[] } => {
    const committed: OutOfRange[] = [];
    const group = new ConsumerGroup({ logger, groupId: 'g', topics: [], assigners: [], retry: {} });
    group.offsetManager = {
      nextOffset: () => offset,
      setDefaultOffset: async (at) => {
        committed.push(at);
      },
    };
    return { group, committed };
  };

  test('is an error that names group, topic, partition and offset, and commits nothing', async () => {
    const { group, committed } = groupAt(17n);
    await expect(group.recoverFromOffsetOutOfRange(outOfRange)).rejects.toMatchObject({
      name: 'KafkaJSNonRetriableError',
      retriable: false,
      cause: outOfRange,
      message: expect.stringContaining('Offset 17 of logins-3 is out of range for group "g"'),
    });
    expect(committed).toEqual([]);
  });

  test('at a follower is asked of the leader first', async () => {
    const { group } = groupAt(17n);
    group.preferredReadReplicasPerTopicPartition = { logins: { 3: { nodeId: 2, expireAt: Date.now() + 60_000 } } };
    await group.recoverFromOffsetOutOfRange(outOfRange);
    expect(group.preferredReadReplicasPerTopicPartition).toEqual({ logins: {} });
    await expect(group.recoverFromOffsetOutOfRange(outOfRange)).rejects.toThrow('out of range');
  });
});

interface Queue {
  maybeThrottle(forMs: number): void;
  push(request: { entry: { correlationId: number }; expectResponse: boolean; sendRequest: () => void }): void;
  fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
  destroy(): void;
}
const RequestQueue = load('kafkajs/src/network/requestQueue/index.js') as new (options: object) => Queue;

describe('the request queue', () => {
  let queues: Queue[] = [];
  afterEach(() => {
    jest.restoreAllMocks();
    for (const queue of queues) queue.destroy();
    queues = [];
  });

  const request = (correlationId: number, sent: number[]) => ({
    entry: { correlationId, resolve: () => undefined, reject: () => undefined },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  });
  const answer = (correlationId: number) => ({ correlationId, payload: Buffer.alloc(0), size: 0 });

  const queueWith = (options: object): Queue => {
    const queue = new RequestQueue({
      maxInFlightRequests: null,
      requestTimeout: 30_000,
      enforceRequestTimeout: false,
      clientId: 'c',
      broker: 'b',
      logger,
      ...options,
    });
    queues.push(queue);
    return queue;
  };

  test('sets no timer, let alone a negative one, while nothing waits', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const sent: number[] = [];
    const queue = queueWith({});
    queue.push(request(1, sent));
    queue.fulfillRequest(answer(1));
    expect(sent).toEqual([1]);
    expect(timers.mock.calls.map(([, delay]) => delay)).toEqual([]);
  });

  test('still sends what waited for a free place, and what a throttle held back', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const sent: number[] = [];
    const queue = queueWith({ maxInFlightRequests: 1 });
    queue.push(request(1, sent));
    queue.push(request(2, sent));
    expect(sent).toEqual([1]);
    queue.fulfillRequest(answer(1));
    expect(sent).toEqual([1, 2]);
    queue.fulfillRequest(answer(2));
    queue.maybeThrottle(60);
    queue.push(request(3, sent));
    expect(sent).toEqual([1, 2]);
    await until(() => sent.length === 3, 'the third is sent');
    expect(sent).toEqual([1, 2, 3]);
    expect(timers.mock.calls.every(([, delay]) => (delay ?? 0) > 0)).toBe(true);
  });
});

interface TestedConnection {
  readonly connectionStatus: string;
  readonly socket: Socket | null;
  connect(): Promise<boolean>;
  disconnect(): Promise<boolean>;
  send(request: object): Promise<string>;
  sendAuthRequest(request: object): Promise<unknown>;
}
const Connection = load('kafkajs/src/network/connection.js') as new (options: object) => TestedConnection;
const Encoder = load('kafkajs/src/protocol/encoder.js') as new () => { writeBuffer(bytes: Buffer): unknown };

describe('a connection', () => {
  const closes: (() => void)[] = [];
  afterEach(() => {
    for (const close of closes.splice(0)) close();
  });

  /** What a broker does with the requests of its nth connection. */
  type Behaviour = (socket: Socket, correlationId: number, nth: number) => void;

  async function brokerThat(onRequest: Behaviour): Promise<{ port: number; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      const nth = sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        // Requests of a few bytes come whole; several may come at once.
        for (let at = 0; at < bytes.length; at += 4 + bytes.readInt32BE(at))
          onRequest(socket, bytes.readInt32BE(at + 8), nth);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closes.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, sockets };
  }

  function connectionTo(port: number, options: object = {}): TestedConnection {
    const connection = new Connection({
      host: '127.0.0.1',
      port,
      logger,
      socketFactory: ({ host, port: to, onConnect }: { host: string; port: number; onConnect: () => void }) =>
        connect({ host, port: to }, onConnect),
      clientId: 'c',
      requestTimeout: 30_000,
      connectionTimeout: 30_000,
      ...options,
    });
    closes.push(() => connection.socket?.destroy());
    return connection;
  }

  const response = {
    decode: async (bytes: Buffer) => bytes,
    parse: async (bytes: Buffer) => bytes.toString(),
  };
  const request = {
    request: { apiKey: 3, apiVersion: 0, apiName: 'Metadata', encode: async () => new Encoder() },
    response,
  };

  function frame(correlationId: number, body: string): Buffer {
    const bytes = Buffer.alloc(8 + body.length);
    bytes.writeInt32BE(4 + body.length, 0);
    bytes.writeInt32BE(correlationId, 4);
    bytes.write(body, 8);
    return bytes;
  }

  test('that broke in the middle of an answer reads those of the next socket from their beginning', async () => {
    const { port } = await brokerThat((socket, correlationId, nth) => {
      if (nth > 1) socket.write(frame(correlationId, 'whole'));
      else socket.end(frame(correlationId, 'never read to its end').subarray(0, 12));
    });
    const connection = connectionTo(port);
    await connection.connect();
    await expect(connection.send(request)).rejects.toThrow('Closed connection');
    await connection.connect();
    expect(await connection.send(request)).toBe('whole');
  });

  test('that many ask for at once is one socket', async () => {
    const { port, sockets } = await brokerThat((socket, correlationId) => socket.write(frame(correlationId, 'yes')));
    const connection = connectionTo(port);
    const ask = async (): Promise<string> => {
      await connection.connect();
      return connection.send(request);
    };
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['yes', 'yes', 'yes']);
    expect(sockets.length).toBe(1);
  });

  test('that is ended by many while something waits is waited for by one listener', async () => {
    const held: (() => void)[] = [];
    const { port } = await brokerThat((socket, correlationId) => {
      held.push(() => socket.write(frame(correlationId, 'late')));
    });
    const connection = connectionTo(port);
    await connection.connect();
    const sent = connection.send(request);
    await until(() => held.length === 1, 'the request is there');
    const ended = Array.from({ length: 20 }, () => connection.disconnect());
    const { requestQueue } = connection as unknown as { readonly requestQueue: EventEmitter };
    expect(requestQueue.listenerCount('requestQueueEmpty')).toBe(1);
    for (const answer of held) answer();
    expect(await sent).toBe('late');
    await Promise.all(ended);
    expect(connection.connectionStatus).toBe('disconnected');
  });

  test('that is ended before it is there is not there afterwards, and whoever waits for it hears of it', async () => {
    const { port } = await brokerThat((socket, correlationId) => socket.write(frame(correlationId, 'yes')));
    const connection = connectionTo(port);
    const [connected] = await Promise.allSettled([connection.connect(), connection.disconnect()]);
    expect(connected).toMatchObject({ status: 'rejected' });
    expect(connection.connectionStatus).toBe('disconnected');
    await connection.connect();
    expect(await connection.send(request)).toBe('yes');
  });

  test('that is ended before it is there is none that whoever asks next waits for', async () => {
    const { port } = await brokerThat((socket, correlationId) => socket.write(frame(correlationId, 'yes')));
    const connection = connectionTo(port);
    const given = connection.connect().catch(String);
    await connection.disconnect();
    await connection.connect();
    expect(await connection.send(request)).toBe('yes');
    expect(await given).toContain('Connection closed');
  });

  test('whose broker never answers the TLS handshake leaves no socket behind', async () => {
    // As a broker that is stopped: its kernel takes the connection and its end, and nothing is said or ended.
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      closes.push(() => socket.destroy());
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closes.push(() => server.close());
    const sockets: Socket[] = [];
    const connection = connectionTo((server.address() as AddressInfo).port, {
      connectionTimeout: 100,
      socketFactory: ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }) => {
        const socket = connectTls({ host, port }, onConnect);
        sockets.push(socket);
        closes.push(() => socket.destroy());
        return socket;
      },
    });
    for (let attempt = 0; attempt < 3; attempt += 1)
      await expect(connection.connect()).rejects.toThrow('Connection timeout');
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  test('over which a request is not answered in time is left, and the next request takes another one', async () => {
    const { port, sockets } = await brokerThat((socket, correlationId, nth) => {
      if (nth > 1) socket.write(frame(correlationId, 'answered'));
    });
    const connection = connectionTo(port, { requestTimeout: 50 });
    await connection.connect();
    await expect(connection.send(request)).rejects.toThrow('timed out');
    await until(() => sockets[0]?.destroyed === true, 'the broker sees the end of the connection');
    await connection.connect();
    expect(await connection.send(request)).toBe('answered');
  });

  test.each(Array.from({ length: 12 }, (_, turns) => turns))(
    'that ends %d turns after a request was begun lets nobody wait for ever',
    async (turns) => {
      const { port } = await brokerThat(() => undefined);
      const connection = connectionTo(port);
      await connection.connect();
      const { socket } = connection;
      const sent = connection.send(request);
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      socket?.emit('end');
      await expect(sent).rejects.toThrow();
    },
  );

  test.each(['end', 'reset'] as const)('that a broker ends (%s) in an authentication says so', async (how) => {
    const { port } = await brokerThat((socket) => {
      if (how === 'end') socket.end();
      else socket.resetAndDestroy();
    });
    const connection = connectionTo(port);
    await connection.connect();
    const token = { encode: async () => frame(1, 'token') };
    await expect(connection.sendAuthRequest({ request: token, response })).rejects.toThrow('closed by the server');
  });
});

interface ProtocolRequest {
  readonly request: {
    readonly apiName: string;
    readonly apiVersion: number;
    encode(): Promise<{ readonly buffer: Buffer }>;
  };
}
interface TestedBroker {
  lookupRequest: (
    apiKey: number,
    definition: { protocol(at: { version: number }): (payload: object) => ProtocolRequest },
  ) => (payload: object) => ProtocolRequest;
  joinGroup(payload: object): Promise<unknown>;
  syncGroup(payload: object): Promise<unknown>;
  heartbeat(payload: object): Promise<unknown>;
  leaveGroup(payload: object): Promise<unknown>;
}
const Broker = load('kafkajs/src/broker/index.js') as new (options: object) => TestedBroker;

describe('static membership', () => {
  const brokerAt = (version: number): { broker: TestedBroker; sent: ProtocolRequest['request'][] } => {
    const sent: ProtocolRequest['request'][] = [];
    const connectionPool = {
      connectionTimeout: 1_000,
      host: 'h',
      port: 1,
      isConnected: () => true,
      send: async ({ request }: ProtocolRequest) => {
        sent.push(request);
        return {};
      },
    };
    const broker = new Broker({ connectionPool, logger, nodeId: 1 });
    broker.lookupRequest = (_, definition) => definition.protocol({ version });
    return { broker, sent };
  };

  test.each([
    ['joinGroup', 5, { groupId: 'g', sessionTimeout: 1, rebalanceTimeout: 1, groupProtocols: [] }],
    ['syncGroup', 3, { groupId: 'g', generationId: 1, memberId: 'm', groupAssignment: [] }],
    ['heartbeat', 3, { groupId: 'g', groupGenerationId: 1, memberId: 'm' }],
    ['leaveGroup', 3, { groupId: 'g', memberId: 'm' }],
  ] as const)('%s carries the group instance id', async (name, version, payload) => {
    const { broker, sent } = brokerAt(version);
    await broker[name]({ ...payload, groupInstanceId: 'instance-7' });
    await broker[name](payload);
    const [withId, without] = await Promise.all(
      sent.map(async (request) => (await request.encode()).buffer.toString('latin1')),
    );
    expect(withId).toContain('\x00\x0ainstance-7');
    expect(without).not.toContain('instance-7');
  });
});

const { createErrorFromCode } = load('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error & { code: number; retriable: boolean };
};

describe('an error code that kafkajs has no name for', () => {
  test('keeps its number: 90 is PRODUCER_FENCED', () => {
    expect(createErrorFromCode(90)).toMatchObject({ code: 90, retriable: false });
    expect(createErrorFromCode(47)).toMatchObject({ code: 47, type: 'INVALID_PRODUCER_EPOCH' });
  });
});

const createAdmin = load('kafkajs/src/admin/index.js') as (options: object) => {
  createTopics(options: object): Promise<boolean>;
  deleteTopicRecords(options: object): Promise<void>;
};

describe('creating topics', () => {
  test('waits for leaders also while the broker has not heard of the topic', async () => {
    const answers = [3, 5, 0];
    const broker = {
      createTopics: async () => undefined,
      metadata: async () => {
        const code = answers.shift() ?? 0;
        if (code !== 0) throw createErrorFromCode(code);
        return {};
      },
    };
    const cluster = { refreshMetadata: async () => undefined, findControllerBroker: async () => broker };
    const admin = createAdmin({ cluster, logger, retry: { retries: 0 } });
    expect(await admin.createTopics({ topics: [{ topic: 't' }], waitForLeaders: true })).toBe(true);
    expect(answers).toEqual([]);
  });
});

describe('deleting records', () => {
  test('loads the metadata it needs: a new admin client can do it first thing', async () => {
    const asked: string[] = [];
    const broker = {
      deleteRecords: async ({ topics }: { topics: object[] }) => {
        asked.push(JSON.stringify(topics));
      },
    };
    const metadataOf = (topic: string) => {
      if (!asked.includes(topic)) throw new Error(`Topic metadata of ${topic} not loaded`);
      return [{ partitionId: 0 }];
    };
    const cluster = {
      addTargetTopic: async (topic: string) => void asked.push(topic),
      refreshMetadataIfNecessary: async () => undefined,
      refreshMetadata: async () => undefined,
      findTopicPartitionMetadata: metadataOf,
      findLeaderForPartitions: (topic: string) => ({ 1: metadataOf(topic).map((it) => it.partitionId) }),
      fetchTopicsOffset: async () => [{ partitions: [{ partition: 0, offset: '9' }] }],
      findBroker: async () => broker,
    };
    const admin = createAdmin({ cluster, logger, retry: { retries: 0 } });
    await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 0, offset: '5' }] });
    expect(asked.at(-1)).toBe('[{"topic":"t","partitions":[{"partition":0,"offset":"5"}]}]');
  });
});

const Record = load('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => {
  readonly buffer: Buffer;
};

describe('headers', () => {
  test('given as a list are written as they stand: in order, repeated, null', () => {
    const list: readonly (readonly [string, Buffer | null])[] = [
      ['b', Buffer.from('1')],
      ['10', null],
      ['9', Buffer.alloc(0)],
      ['b', Buffer.from('2')],
      ['__proto__', Buffer.from('3')],
    ];
    const key = Buffer.from('k');
    const value = Buffer.from('v');
    const { buffer } = Record({ offsetDelta: 0, timestampDelta: 0, key, value, headers: list });
    const expected = batchBytes({
      baseOffset: 0n,
      records: [{ offsetDelta: 0, timestampDelta: 0n, key, value, headers: list }],
    });
    expect(buffer).toEqual(expected.subarray(61));
  });
});

describe('records whose fields are made when they are asked for', () => {
  interface WholeMessage extends Message {
    readonly key: Buffer | null;
    readonly timestamp: string;
    readonly headers: Readonly<Record<string, Buffer>>;
    readonly isControlRecord: boolean;
  }
  const read = async (bytes: Buffer): Promise<readonly WholeMessage[]> => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(bytes.length);
    return (await decodeMessages(new Decoder(Buffer.concat([size, bytes])))) as WholeMessage[];
  };
  const long = (max: bigint): fc.Arbitrary<bigint> =>
    fc.oneof(
      fc.bigInt(0n, 1n << 20n),
      fc.bigInt(0n, max),
      fc.constantFrom((1n << 53n) - 1n, 1n << 53n, (1n << 53n) + 1n),
    );
  const bytes = fc.option(fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)));

  test('hold what was written, also beyond 2^53', async () => {
    const record = fc.record({
      timestampDelta: fc.oneof(fc.bigInt(-1_000n, 1_000_000n), fc.bigInt(-(1n << 52n), 1n << 56n)),
      key: bytes,
      value: bytes,
      name: fc.string().map((name) => `h-${name}`),
      header: fc.uint8Array({ maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(
        long(1n << 62n),
        long(1n << 60n),
        fc.array(record, { minLength: 1, maxLength: 8 }),
        async (baseOffset, baseTimestamp, specs) => {
          const records = specs.map(({ timestampDelta, key, value, name, header }, offsetDelta) => ({
            offsetDelta,
            timestampDelta,
            key,
            value,
            headers: [[name, Buffer.from(header)]] as const,
          }));
          const messages = await read(batchBytes({ baseOffset, baseTimestamp, records }));
          expect(
            messages.map(({ offset, timestamp, key, value, isControlRecord }) => ({
              offset,
              timestamp,
              key,
              value,
              isControlRecord,
            })),
          ).toEqual(
            specs.map(({ timestampDelta, key, value }, n) => ({
              offset: String(baseOffset + BigInt(n)),
              timestamp: String(baseTimestamp + timestampDelta),
              key,
              value,
              isControlRecord: false,
            })),
          );
          expect(
            messages.map(({ headers }) => Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])),
          ).toEqual(specs.map(({ name, header }) => [[name, Buffer.from(header)]]));
        },
      ),
    );
  });

  test('are read from a batch of more records than a call takes arguments', async () => {
    const one = { offsetDelta: 0, timestampDelta: 0n, key: null, value: null };
    const bytes = batchBytes({
      baseOffset: 7n,
      records: [one],
      pack: (plain) => Buffer.concat(Array.from({ length: 200_000 }, () => plain)),
    });
    bytes.writeInt32BE(200_000, 57);
    expect(await read(bytes)).toHaveLength(200_000);
  });

  test('can be written out whole', async () => {
    const [message] = await read(
      batchBytes({
        baseOffset: 5n,
        baseTimestamp: 9n,
        records: [{ offsetDelta: 0, timestampDelta: 1n, key: null, value: Buffer.from('v') }],
      }),
    );
    expect(JSON.parse(JSON.stringify(message))).toMatchObject({
      offset: '5',
      timestamp: '10',
      key: null,
      headers: {},
      isControlRecord: false,
    });
  });
});

test('a broker by its address of IPv6 is found, and one by its name still is', async () => {
  const poolBuilder = load('kafkajs/src/cluster/connectionPoolBuilder.js') as (options: object) => {
    build(): Promise<{ readonly host: string; readonly port: number }>;
  };
  const addressOf = async (broker: string): Promise<string> => {
    const { host, port } = await poolBuilder({
      brokers: [broker],
      clientId: 'c',
      connectionTimeout: 1,
      requestTimeout: 1,
      logger,
    }).build();
    return `${host} ${String(port)}`;
  };
  expect(await addressOf('[::1]:9092')).toBe('::1 9092');
  expect(await addressOf('[2001:db8::7]:19092')).toBe('2001:db8::7 19092');
  expect(await addressOf('kafka.example.:9092')).toBe('kafka.example. 9092');
  expect(await addressOf('10.0.0.1:9093')).toBe('10.0.0.1 9093');
});
