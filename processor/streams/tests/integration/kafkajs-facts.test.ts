import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { CompressionCodec } from '../../kafka/compression.ts';
import { READ_UNCOMMITTED } from '../../kafka/broker.ts';
import { CODE } from '../../kafka/kafka-errors.ts';
import { codeOf, RawKafka } from '../support/raw-kafka.ts';
import { until, stays } from '../../../../tests/support/until.ts';
import { ApiKey, startProxiedBroker, type ProxiedBroker } from '../../../../tests/support/wire-proxy.ts';

/*
 * What the runtime takes for granted of a broker, asked of a real one with the protocol versions that kafkajs speaks. A
 * broker release that changes one of these turns a guarantee of the runtime into a hope.
 */

const INVALID_TIMESTAMP = 32;

let cluster: ProxiedBroker;
let raw: RawKafka;

beforeAll(async () => {
  cluster = await startProxiedBroker({
    properties: {
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
      'log.cleaner.backoff.ms': '200',
    },
  });
  raw = await RawKafka.open(cluster.broker.connection);
});
afterAll(async () => {
  await raw.close();
  await cluster.stop();
});

const untilEqual = async <T>(ask: () => Promise<T>, wanted: T): Promise<void> => {
  let last: T;
  await until(
    async () => {
      last = await ask();
      return last === wanted;
    },
    () => `${String(last)} is ${String(wanted)}`,
  );
};

const withAdmin = async <T>(act: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = new Kafka({ brokers: cluster.broker.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};

const deleteRecords = (topic: string, before: number): Promise<void> =>
  withAdmin((admin) => admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] }));

describe('transactions', () => {
  test('InitProducerId ends the open transaction of the previous owner, whose every request is refused', async () => {
    await cluster.broker.createTopics('fenced');
    const zombie = await raw.init('fenced');
    await raw.begin(zombie, 'fenced');
    await raw.produce('fenced', ['from the zombie'], zombie);
    expect((await raw.range('fenced')).end).toBe(0);

    const owner = await raw.init('fenced');
    expect([owner.producerId, owner.producerEpoch > zombie.producerEpoch]).toEqual([zombie.producerId, true]);
    expect(await raw.readAll('fenced')).toEqual([]);
    expect(await raw.range('fenced')).toEqual({ first: 0, end: 2 });

    const codes = {
      endTxn: await codeOf(raw.end(zombie, 'commit')),
      addPartitions: await codeOf(raw.begin(zombie, 'fenced')),
      addOffsets: await codeOf(raw.addOffsets(zombie, 'g')),
      txnOffsetCommit: await codeOf(raw.commitOffsetInTransaction(zombie, 'g', 'fenced', 1)),
      produce: await codeOf(raw.produce('fenced', ['late'], zombie, 1)),
    };
    // Never 90 (PRODUCER_FENCED): that number came with later versions of these requests.
    expect(codes).toEqual({
      endTxn: CODE.INVALID_PRODUCER_EPOCH,
      addPartitions: CODE.INVALID_PRODUCER_EPOCH,
      addOffsets: CODE.INVALID_PRODUCER_EPOCH,
      txnOffsetCommit: CODE.INVALID_PRODUCER_EPOCH,
      produce: CODE.INVALID_PRODUCER_EPOCH,
    });
  });

  test('an offset of a fenced owner is refused once the new owner has committed one', async () => {
    await cluster.broker.createTopics('fenced-offsets');
    const zombie = await raw.init('fenced-offsets');
    await raw.addOffsets(zombie, 'fenced-offsets');
    await raw.commitOffsetInTransaction(zombie, 'fenced-offsets', 'fenced-offsets', 1);
    const owner = await raw.init('fenced-offsets');
    await raw.addOffsets(owner, 'fenced-offsets');
    await raw.commitOffsetInTransaction(owner, 'fenced-offsets', 'fenced-offsets', 5);
    const refused = await codeOf(raw.commitOffsetInTransaction(zombie, 'fenced-offsets', 'fenced-offsets', 2));
    expect(refused).toBe(CODE.INVALID_PRODUCER_EPOCH);
    await raw.end(owner, 'commit');
    await untilEqual(() => raw.committed('fenced-offsets', 'fenced-offsets'), 5);
  });

  test('a commit whose answer was lost is a commit: the next InitProducerId keeps records and offsets', async () => {
    const topic = 'lost-answer';
    await cluster.broker.createTopics(topic);
    const victim = await RawKafka.open(cluster.connection, 'victim');
    const identity = await victim.init(topic);
    await victim.begin(identity, topic);
    await victim.produce(topic, ['kept'], identity);
    await victim.addOffsets(identity, topic);
    await victim.commitOffsetInTransaction(identity, topic, topic, 9);
    const lost = cluster.proxy.cut({ direction: 'response', apiKey: ApiKey.EndTxn, clientId: 'victim', times: 1 });
    await expect(victim.end(identity, 'commit')).rejects.toThrow();
    expect(lost.taken.length).toBe(1);
    await victim.close();

    await raw.init(topic);
    expect(await raw.readAll(topic)).toEqual(['kept']);
    expect(await raw.committed(topic, topic)).toBe(9);
  });

  test('records and offsets are refused outside an open transaction', async () => {
    await cluster.broker.createTopics('outside');
    const identity = await raw.init('outside');
    expect({
      produce: await codeOf(raw.produce('outside', ['x'], identity)),
      txnOffsetCommit: await codeOf(raw.commitOffsetInTransaction(identity, 'outside', 'outside', 1)),
      endTxn: await codeOf(raw.end(identity, 'commit')),
    }).toEqual({
      produce: CODE.INVALID_TXN_STATE,
      txnOffsetCommit: CODE.INVALID_TXN_STATE,
      endTxn: CODE.INVALID_TXN_STATE,
    });
    expect(await raw.range('outside', READ_UNCOMMITTED)).toEqual({ first: 0, end: 0 });
  });

  test('OffsetFetch gives the old offset while a transaction with a new one is open', async () => {
    await cluster.broker.createTopics('pending');
    const identity = await raw.init('pending');
    for (const [before, offset] of [
      [-1, 3],
      [3, 8],
    ] as const) {
      await raw.addOffsets(identity, 'pending');
      await raw.commitOffsetInTransaction(identity, 'pending', 'pending', offset);
      expect(await raw.committed('pending', 'pending')).toBe(before);
      await raw.end(identity, 'commit');
      await untilEqual(() => raw.committed('pending', 'pending'), offset);
    }
  });

  test('a transaction open past its time-out is aborted by the broker, and its producer is fenced', async () => {
    await cluster.broker.createTopics('timed-out');
    const identity = await raw.init('timed-out', 1_000);
    await raw.begin(identity, 'timed-out');
    await raw.produce('timed-out', ['too slow'], identity);
    await untilEqual(async () => (await raw.range('timed-out')).end, 2);
    expect(await raw.readAll('timed-out')).toEqual([]);
    expect(await codeOf(raw.end(identity, 'commit'))).toBe(CODE.INVALID_PRODUCER_EPOCH);
  });

  test('one id writes transaction after transaction with one epoch and running sequence numbers', async () => {
    await cluster.broker.createTopics('again');
    const identity = await raw.init('again');
    for (let i = 0; i < 5; i++) {
      await raw.begin(identity, 'again');
      await raw.produce('again', [`${i}a`, `${i}b`], identity, i * 2);
      await raw.end(identity, i % 2 === 0 ? 'commit' : 'abort');
    }
    await untilEqual(async () => (await raw.range('again')).end, 15);
    expect(await raw.readAll('again')).toEqual(['0a', '0b', '2a', '2b', '4a', '4b']);
  });
});

describe('reading', () => {
  test('read committed ends at the last stable offset, read uncommitted at the high watermark', async () => {
    await cluster.broker.createTopics('ends');
    await raw.produce('ends', ['plain']);
    const identity = await raw.init('ends');
    await raw.begin(identity, 'ends');
    await raw.produce('ends', ['open', 'open'], identity);
    expect(await raw.range('ends')).toEqual({ first: 0, end: 1 });
    expect(await raw.range('ends', READ_UNCOMMITTED)).toEqual({ first: 0, end: 3 });
    expect(await raw.fetch('ends', 0)).toMatchObject({
      values: ['plain'],
      nextOffset: 1,
      lastStableOffset: 1,
      highWatermark: 3,
    });
    expect((await raw.fetch('ends', 0, { isolationLevel: READ_UNCOMMITTED })).values).toEqual([
      'plain',
      'open',
      'open',
    ]);
    await raw.end(identity, 'commit');
    await untilEqual(async () => (await raw.range('ends')).end, 4);
    expect(await raw.fetch('ends', 1)).toMatchObject({ values: ['open', 'open'], nextOffset: 4, lastStableOffset: 4 });
  });

  test('the fetch position passes markers and aborted records at the very end', async () => {
    await cluster.broker.createTopics('tail');
    const identity = await raw.init('tail');
    await raw.begin(identity, 'tail');
    await raw.produce('tail', ['aborted'], identity);
    await raw.end(identity, 'abort');
    await untilEqual(async () => (await raw.range('tail')).end, 2);
    expect(await raw.fetch('tail', 0)).toMatchObject({ values: [], nextOffset: 2 });
    expect(await raw.fetch('tail', 1)).toMatchObject({ values: [], nextOffset: 2 });
    expect(await raw.fetch('tail', 2)).toMatchObject({ values: [], nextOffset: 2, errorCode: 0 });
  });

  test('a long poll at the last stable offset is answered by the commit of the transaction', async () => {
    await cluster.broker.createTopics('woken');
    const reader = await RawKafka.open(cluster.broker.connection, 'reader');
    await reader.fetch('woken', 0, { maxWaitMs: 10 });
    const identity = await raw.init('woken');
    await raw.begin(identity, 'woken');
    await raw.produce('woken', ['at last'], identity);
    let answered = false;
    const polled = reader.fetch('woken', 0, { maxWaitMs: 20_000 }).finally(() => {
      answered = true;
    });
    await stays(() => !answered, 'the poll is not answered', 500);
    await raw.end(identity, 'commit');
    expect((await polled).values).toEqual(['at last']);
    await reader.close();
  });

  test('Fetch has a connection of its own: a long poll holds up no other request to the same broker', async () => {
    await cluster.broker.createTopics('busy', 'elsewhere');
    const order: string[] = [];
    const polled = raw.fetch('busy', 0, { maxWaitMs: 20_000 }).finally(() => order.push('polled'));
    await raw.produce('elsewhere', ['x']);
    await raw.range('elsewhere');
    await raw.committed('any', 'elsewhere');
    order.push('the others');
    await raw.produce('busy', ['end of the poll']);
    expect((await polled).values).toEqual(['end of the poll']);
    expect(order).toEqual(['the others', 'polled']);
  });

  test('offsets outside the log are refused with code 1, below its start as well as past its end', async () => {
    await cluster.broker.createTopics('range');
    await raw.produce('range', ['a', 'b']);
    expect((await raw.fetch('range', 2)).errorCode).toBe(0);
    expect((await raw.fetch('range', 3)).errorCode).toBe(CODE.OFFSET_OUT_OF_RANGE);
    await deleteRecords('range', 2);
    expect((await raw.fetch('range', 1)).errorCode).toBe(CODE.OFFSET_OUT_OF_RANGE);
    expect(await raw.range('range')).toEqual({ first: 2, end: 2 });
  });

  test('the position passes offsets that compaction removed, the end is reached', async () => {
    const configs = {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '300',
    };
    await cluster.broker.createTopics({ topic: 'compacted', configs });
    for (let i = 0; i < 6; i++) {
      await raw.produce('compacted', [{ key: Buffer.from('same'), value: `${i}` }]);
      await sleep(250);
    }
    // The active segment is never compacted, so the last record starts a new one.
    await raw.produce('compacted', [{ key: Buffer.from('other'), value: 'last' }]);
    await untilEqual(async () => (await raw.readAll('compacted')).length, 2);
    expect(await raw.readAll('compacted')).toEqual(['5', 'last']);
    expect(await raw.readAll('compacted', 1)).toEqual(['5', 'last']);
    expect((await raw.range('compacted')).end).toBe(7);
  });
});

describe('writing', () => {
  test('Produce answers with the base offset of the batch', async () => {
    await cluster.broker.createTopics('based');
    expect(await raw.produce('based', ['a', 'b', 'c'])).toBe(0);
    expect(await raw.produce('based', ['d'])).toBe(3);
    const identity = await raw.init('based');
    await raw.begin(identity, 'based');
    expect(await raw.produce('based', ['e'], identity)).toBe(4);
    await raw.end(identity, 'commit');
    await untilEqual(async () => (await raw.range('based')).end, 6);
    expect(await raw.produce('based', ['f'])).toBe(6);
  });

  test('a batch sent again with its sequence number is acknowledged and not written; a gap is refused', async () => {
    await cluster.broker.createTopics('sequenced');
    const identity = await raw.init('sequenced');
    await raw.begin(identity, 'sequenced');
    expect(await raw.produce('sequenced', ['a', 'b'], identity, 0)).toBe(0);
    expect(await raw.produce('sequenced', ['a', 'b'], identity, 0)).toBe(0);
    expect(await codeOf(raw.produce('sequenced', ['x'], identity, 7))).toBe(45);
    await raw.end(identity, 'commit');
    await untilEqual(async () => (await raw.range('sequenced')).end, 3);
    expect(await raw.readAll('sequenced')).toEqual(['a', 'b']);
  });

  test('a time over an hour ahead is refused, one of long ago is not', async () => {
    await cluster.broker.createTopics('times');
    const at = (offsetMs: number) => [{ value: 'x', timestampMs: Date.now() + offsetMs }];
    expect(await codeOf(raw.produce('times', at(62 * 60_000)))).toBe(INVALID_TIMESTAMP);
    expect(await codeOf(raw.produce('times', at(58 * 60_000)))).toBe(0);
    expect(await codeOf(raw.produce('times', at(-3 * 365 * 86_400_000)))).toBe(0);
    expect(await raw.readAll('times')).toEqual(['x', 'x']);
  });

  test('with LogAppendTime every record has the time of the broker', async () => {
    await cluster.broker.createTopics({ topic: 'appended', configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const before = Date.now();
    await raw.produce('appended', [
      { value: 'a', timestampMs: 1_000 },
      { value: 'b', timestampMs: 2_000 },
    ]);
    const { records } = await raw.fetch('appended', 0);
    expect(records.map((it) => it.timestampMs >= before && it.timestampMs <= Date.now())).toEqual([true, true]);
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'what Kafka itself packed with %s is read, with keys and times',
    async (name) => {
      const topic = `packed-${name}`;
      await cluster.broker.createTopics({ topic, configs: { 'compression.type': name } });
      const sent = Array.from({ length: 2_000 }, (_, i) => ({
        key: Buffer.from(`key-${i}`),
        value: `value ${i} `.repeat(20),
        timestampMs: 1_790_000_000_000 + i,
      }));
      await raw.produce(topic, sent);
      const { recordSet, records } = await raw.fetch(topic, 0);
      // Byte 22 holds the low bits of the first batch's attributes: the broker did pack it.
      expect((recordSet[22] ?? 0) & 7).toBe(CompressionCodec[name]);
      expect(records.map((it) => ({ key: it.key, value: it.valueText(), timestampMs: it.timestampMs }))).toEqual(sent);
    },
  );
});

describe('topics', () => {
  test('a topic that is made anew has another id, and one that is not there has none', async () => {
    const ids = async (...topics: string[]): Promise<Map<string, string>> => raw.cluster.topicIds(topics);
    await cluster.broker.createTopics({ topic: 'ids', partitions: 3 }, 'ids-too');
    const before = await ids('ids', 'ids-too', 'ids-never');
    expect([...before.keys()].sort()).toEqual(['ids', 'ids-too']);
    expect(new Set(before.values()).size).toBe(2);
    await withAdmin((admin) => admin.deleteTopics({ topics: ['ids'] }));
    await untilEqual(async () => (await ids('ids')).size, 0);
    await cluster.broker.createTopics({ topic: 'ids', partitions: 3 });
    const after = await ids('ids', 'ids-too');
    expect(after.get('ids')).not.toBe(before.get('ids'));
    expect(after.get('ids-too')).toBe(before.get('ids-too'));
  });

  test('records of a topic that is only compacted cannot be deleted', async () => {
    await cluster.broker.createTopics({ topic: 'compacted-only', configs: { 'cleanup.policy': 'compact' } });
    await withAdmin(async (admin) => {
      await expect(
        admin.deleteTopicRecords({ topic: 'compacted-only', partitions: [{ partition: 0, offset: '0' }] }),
      ).rejects.toThrow(/deleting records/);
    });
  });

  test('deleting a topic deletes the offsets that groups committed for it', async () => {
    await cluster.broker.createTopics('deleted');
    await raw.produce('deleted', ['a', 'b', 'c']);
    const identity = await raw.init('deleted');
    await raw.addOffsets(identity, 'deleted');
    await raw.commitOffsetInTransaction(identity, 'deleted', 'deleted', 2);
    await raw.end(identity, 'commit');
    await untilEqual(() => raw.committed('deleted', 'deleted'), 2);
    await withAdmin((admin) => admin.deleteTopics({ topics: ['deleted'] }));
    await untilEqual(() => raw.committed('deleted', 'deleted'), -1);
  });
});
