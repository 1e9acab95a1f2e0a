import { afterEach, describe, expect, test } from '@jest/globals';
import { FakeBrokers } from '../tests/support/fake-brokers.ts';
import { batchBytes } from '../tests/support/record-batch-bytes.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { DEADLINE_MS, stays, until as untilItHolds } from '../../../tests/support/until.ts';
import { StreamsError } from '../errors.ts';
import { compress, CompressionCodec } from '../kafka/compression.ts';
import { RecordFetcher, type RecordFetcherOptions } from './record-fetcher.ts';
import type { FetchedPartition } from './fetched-partition.ts';

let opened: RecordFetcher[] = [];
afterEach(async () => {
  await Promise.all(opened.map((fetcher) => fetcher.close()));
  opened = [];
});

function open(brokers: FakeBrokers, options: RecordFetcherOptions = {}): RecordFetcher {
  const fetcher = new RecordFetcher(brokers, quietLogger, { maxWaitMs: 10, ...options });
  opened.push(fetcher);
  return fetcher;
}

/** Takes until so many values have come. `forMs`: only so long, where none must come. */
async function take(fetcher: RecordFetcher, count: number, forMs = DEADLINE_MS): Promise<string[]> {
  const values: string[] = [];
  const deadline = performance.now() + forMs;
  while (values.length < count && performance.now() < deadline) values.push(...valuesOf(await fetcher.take(50)));
  return values;
}

/** So many values come, and then no more. */
async function takeAll(fetcher: RecordFetcher, count: number): Promise<string[]> {
  const values = await take(fetcher, count);
  return [...values, ...(await take(fetcher, 1, 200))];
}

const valuesOf = (parts: readonly FetchedPartition[]): string[] =>
  parts.flatMap(({ records }) => records.map((record) => String(record.valueText())));

const until = (condition: () => boolean): Promise<void> => untilItHolds(condition, String(condition));

test('a partition whose broker died is read from its new leader, even if no other is read there', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('t', 0, 1, ['a', 'b']);
  const fetcher = open(brokers);
  fetcher.seek('t', 0, 0);
  expect(await take(fetcher, 2)).toEqual(['a', 'b']);

  brokers.dead.add(1);
  log.leader = 2;
  log.values.push('c');
  expect(await take(fetcher, 1)).toEqual(['c']);
});

test('a broker that answers does not hide one that is dead', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a']);
  const dead = brokers.add('t', 1, 2, ['b']);
  const told: [boolean, string][] = [];
  const fetcher = open(brokers, { onAway: (away, reason) => told.push([away, reason]) });
  fetcher.seek('t', 0, 0);
  fetcher.seek('t', 1, 0);
  expect((await take(fetcher, 2)).sort()).toEqual(['a', 'b']);
  expect(told).toEqual([]);

  brokers.dead.add(2);
  while (told.length === 0) await fetcher.take(20);
  for (let round = 0; round < 10; round += 1) await fetcher.take(20);
  expect(brokers.fetches.filter(({ nodeId }) => nodeId === 1).length).toBeGreaterThan(5);
  expect(told.at(-1)).toEqual([true, 'broker 2 refuses connections']);

  brokers.dead.delete(2);
  dead.values.push('c');
  expect(await take(fetcher, 1)).toEqual(['c']);
  expect(told.at(-1)).toEqual([false, '']);
});

test('a partition without a leader, and one that the broker refuses, are named', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a']);
  const orphan = brokers.add('t', 1, -1, ['b']);
  const told: [boolean, string][] = [];
  const fetcher = open(brokers, { onAway: (away, reason) => told.push([away, reason]) });
  fetcher.seek('t', 0, 0);
  fetcher.seek('t', 1, 0);
  expect(await take(fetcher, 1)).toEqual(['a']);
  await until(() => told.length > 0);
  expect(told.at(-1)).toEqual([true, 't-1 has no leader']);

  orphan.leader = 1;
  expect(await take(fetcher, 1)).toEqual(['b']);
  expect(told.at(-1)).toEqual([false, '']);

  const REPLICA_NOT_AVAILABLE = 9;
  orphan.errorCode = REPLICA_NOT_AVAILABLE;
  await until(() => told.at(-1)?.[0] === true);
  expect(told.at(-1)?.[1]).toBe('t-1 cannot be read: the broker answers with error 9');
  fetcher.remove('t', 1);
  expect(told.at(-1)).toEqual([false, '']);
});

// A processor that had just begun was not ready for a moment, and said that the broker was away.
test('a partition whose leader the next refresh knows is no trouble', async () => {
  const brokers = new FakeBrokers();
  const made = brokers.add('t', 0, -1, ['a']);
  made.leader = 1;
  const told: [boolean, string][] = [];
  const fetcher = open(brokers, { onAway: (away, reason) => told.push([away, reason]) });
  fetcher.seek('t', 0, 0);
  expect(await take(fetcher, 1)).toEqual(['a']);
  expect(told).toEqual([]);
});

// A thread whose commit hangs takes nothing. It was counted as one that waits for its broker, for ever, and never
// replaced.
test('trouble that is over is told also while nobody takes what has arrived', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a']);
  const orphan = brokers.add('t', 1, -1, ['b']);
  brokers.add('t', 2, 2, ['c']);
  brokers.dead.add(2);
  const told: [boolean, string][] = [];
  const fetcher = open(brokers, { onAway: (away, reason) => told.push([away, reason]) });
  for (const partition of [0, 1, 2]) fetcher.seek('t', partition, 0);
  await until(() => told.length > 0);

  orphan.leader = 1;
  await until(() => told.at(-1)?.[1] === 'broker 2 refuses connections');
  brokers.dead.delete(2);
  await until(() => told.at(-1)?.[0] === false);
  expect((await take(fetcher, 3)).sort()).toEqual(['a', 'b', 'c']);
});

test('a topic that must not be read is no trouble that passes: it is thrown, and named', async () => {
  const brokers = new FakeBrokers();
  const forbidden = brokers.add('secret', 0, 1, ['a']);
  const TOPIC_AUTHORIZATION_FAILED = 29;
  forbidden.errorCode = TOPIC_AUTHORIZATION_FAILED;
  const fetcher = open(brokers);
  fetcher.seek('secret', 0, 0);
  await expect(take(fetcher, 1)).rejects.toMatchObject({
    code: 'BROKER_ACCESS_DENIED',
    message: expect.stringContaining('secret'),
  });
});

test('an answer to a fetch from before a seek, or of a partition removed since, is dropped', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a', 'b', 'c']);
  brokers.add('t', 1, 1, ['x']);
  const fetcher = open(brokers);
  let moved = false;
  brokers.onAnswer = async () => {
    if (moved) return;
    moved = true;
    fetcher.seek('t', 0, 2);
    fetcher.remove('t', 1);
    fetcher.seek('t', 1, 1);
  };
  fetcher.seek('t', 0, 0);
  fetcher.seek('t', 1, 0);
  expect(await takeAll(fetcher, 1)).toEqual(['c']);
});

test('what has arrived and was not taken is dropped by a seek', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a', 'b', 'c']);
  const fetcher = open(brokers);
  fetcher.seek('t', 0, 0);
  await until(() => brokers.fetches.length > 0);
  await stays(() => true, 'it arrives', 20);
  fetcher.seek('t', 0, 1);
  expect(await takeAll(fetcher, 2)).toEqual(['b', 'c']);
});

test('a leader that moves while two answers are under way delivers each record once, in order', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('t', 0, 1, ['a', 'b']);
  brokers.add('t', 1, 2);
  const fetcher = open(brokers);
  fetcher.seek('t', 1, 0);
  brokers.onAnswer = async (nodeId) => {
    if (nodeId !== 1) return;
    // The answer of broker 1 is held until broker 2 has delivered the same records and one more.
    brokers.onAnswer = undefined;
    log.leader = 2;
    log.values.push('c');
    await brokers.refresh();
    await stays(() => true, 'broker 2 delivers', 60);
  };
  fetcher.seek('t', 0, 0);
  expect(await takeAll(fetcher, 3)).toEqual(['a', 'b', 'c']);
});

test('a position that the log does not hold is told once, and is left alone until a seek', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a']);
  const fetcher = open(brokers, { outOfRangeAfterMs: 200 });
  fetcher.seek('t', 0, 7);
  const parts: FetchedPartition[] = [];
  const takes = async (): Promise<boolean> => {
    parts.push(...(await fetcher.take(20)));
    return parts.length > 0;
  };
  await untilItHolds(takes, 'it is told');
  // Told once.
  await stays(takes, 'nothing else comes', 500);
  expect(
    parts.map(({ outOfRange, nextOffset, logStartOffset }) => ({ outOfRange, nextOffset, logStartOffset })),
  ).toEqual([{ outOfRange: true, nextOffset: 7, logStartOffset: -1 }]);
  fetcher.seek('t', 0, 0);
  expect(await take(fetcher, 1)).toEqual(['a']);
});

test('a broker that has lost a partition, and has not heard of it, does not make a position out of range', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('t', 0, 1, ['a']);
  const fetcher = open(brokers, { outOfRangeAfterMs: 5_000 });
  fetcher.seek('t', 0, 2);
  await stays(() => true, 'it is refused a few times');
  log.values.push('b', 'c');
  expect(await take(fetcher, 1)).toEqual(['c']);
});

test('no partition starves when an answer has room for one only', async () => {
  const brokers = new FakeBrokers();
  brokers.maxBytes = 1;
  for (let partition = 0; partition < 4; partition += 1) brokers.add('t', partition, 1, [`p${String(partition)}`]);
  const endless = brokers.partitions.get('t-0');
  const fetcher = open(brokers);
  for (let partition = 0; partition < 4; partition += 1) fetcher.seek('t', partition, 0);
  brokers.onAnswer = async () => {
    endless?.values.push('more');
  };
  const seen = new Set<string>();
  await untilItHolds(async () => {
    for (const value of valuesOf(await fetcher.take(50))) seen.add(value);
    return seen.size === 5;
  }, 'all are read');
  expect([...seen].sort()).toEqual(['more', 'p0', 'p1', 'p2', 'p3']);
});

test('holds no more than one further answer while the caller works', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('t', 0, 1, ['a']);
  brokers.onAnswer = async () => {
    log.values.push('more');
  };
  const fetcher = open(brokers);
  fetcher.seek('t', 0, 0);
  await until(() => brokers.fetches.length > 0);
  await stays(() => brokers.fetches.length === 1, 'there is one answer');
  expect(valuesOf(await fetcher.take(50))).toEqual(['a']);
});

test('an unreadable partition is read again when its topic is known to be the same, and not before', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('t', 0, 1, ['a']);
  const asked: string[] = [];
  let topic: 'the same' | 'away' | 'another' = 'the same';
  const checkTopics = async (topics: readonly string[]): Promise<void> => {
    asked.push(...topics);
    if (topic === 'away') throw new Error('the topic is not there');
    if (topic === 'another') throw new StreamsError('SOURCE_TOPIC_RECREATED', 't was made anew');
  };
  const fetcher = open(brokers, { checkTopics });
  fetcher.seek('t', 0, 0);
  expect(await take(fetcher, 1)).toEqual(['a']);
  expect(asked).toEqual([]);

  topic = 'away';
  log.errorCode = 3;
  await until(() => asked.length > 1);
  log.errorCode = 0;
  log.values.push('b');
  expect(await take(fetcher, 1, 500)).toEqual([]);
  topic = 'the same';
  expect(await take(fetcher, 1)).toEqual(['b']);
  expect(new Set(asked)).toEqual(new Set(['t']));

  // Made anew while no request was under way that could have told.
  topic = 'another';
  brokers.dead.add(1);
  await stays(() => true, 'a fetch fails', 50);
  log.values.push('c');
  brokers.dead.clear();
  await expect(take(fetcher, 1)).rejects.toMatchObject({ code: 'SOURCE_TOPIC_RECREATED' });
});

describe('what cannot be read, or not at once', () => {
  const batchAt = (baseOffset: number, values: readonly string[], more: object = {}): Buffer =>
    batchBytes({
      baseOffset: BigInt(baseOffset),
      records: values.map((value, offsetDelta) => ({
        offsetDelta,
        timestampDelta: 0n,
        key: null,
        value: Buffer.from(value),
      })),
      ...more,
    });
  const takeAll = async (fetcher: RecordFetcher): Promise<unknown> => {
    for (;;) await fetcher.take(50);
  };

  test.each([
    [
      'a wrong checksum',
      (batch: Buffer) => (batch.writeUInt32BE(7, 17), batch),
      'batch at offset 2: the CRC-32C does not match',
    ],
    [
      'bytes that do not unpack',
      () => batchAt(2, ['x'], { codec: 4, pack: () => Buffer.from('not zstd') }),
      'batch at offset 2: the compressed records do not unpack',
    ],
    [
      'a length without end',
      (batch: Buffer) => (batch.writeInt32BE(0x7fff_0000, 8), batch),
      'that hold no whole batch',
    ],
    ['a length that leaves the answer at once', (whole: Buffer) => whole.subarray(0, 20), 'that hold no whole batch'],
    ['a length of nothing', (batch: Buffer) => (batch.writeInt32BE(-1, 8), batch), 'a length of -1 bytes'],
  ])('%s is an error that names the place, while others are read', async (_, damage, message) => {
    const brokers = new FakeBrokers();
    brokers.add('t', 0, 1, ['a']);
    brokers.add('t', 1, 1).recordSet = (offset) => (offset < 2 ? batchAt(0, ['b', 'c']) : damage(batchAt(2, ['d'])));
    const fetcher = open(brokers);
    fetcher.seek('t', 0, 0);
    fetcher.seek('t', 1, 0);
    expect((await take(fetcher, 3)).sort()).toEqual(['a', 'b', 'c']);
    const failure = await takeAll(fetcher).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'RECORDS_UNREADABLE',
      message: expect.stringMatching(/^t-1.*Nothing has been skipped/),
    });
    expect(String(failure)).toContain(message);
  });

  test('what arrived damaged once is asked for again', async () => {
    const brokers = new FakeBrokers();
    let answers = 0;
    brokers.add('t', 0, 1).recordSet = (offset) => {
      if (offset > 0) return Buffer.alloc(0);
      const batch = batchAt(0, ['a']);
      if ((answers += 1) <= 2) batch.writeUInt32BE(7, 17);
      return batch;
    };
    const fetcher = open(brokers);
    fetcher.seek('t', 0, 0);
    expect(await take(fetcher, 1)).toEqual(['a']);
  });

  test(
    'packed batches are unpacked as far as there is room, one without room piece by piece, ' +
      'each record once and in order',
    async () => {
      const brokers = new FakeBrokers();
      const wanted = new Map<number, string[]>();
      for (const [partition, codec] of [CompressionCodec.gzip, CompressionCodec.lz4, CompressionCodec.zstd].entries()) {
        const batches: { first: number; bytes: Buffer }[] = [];
        const values: string[] = [];
        for (const [count, size] of [
          [3, 20_000],
          [40, 30_000],
          [2, 10],
          [400, 20_000],
          [5, 20_000],
        ] as const) {
          const mine = Array.from({ length: count }, (_, index) =>
            `${String(partition)}:${String(values.length + index)}:`.padEnd(size, 'x'),
          );
          batches.push({
            first: values.length,
            bytes: batchAt(values.length, mine, { codec, pack: (plain: Buffer) => compress(codec, plain) }),
          });
          values.push(...mine);
        }
        wanted.set(partition, values);
        brokers.add('t', partition, 1, values).recordSet = (offset) =>
          Buffer.concat(
            batches
              .filter((_, index) => (batches[index + 1]?.first ?? values.length) > offset)
              .map(({ bytes }) => bytes),
          );
      }
      const fetcher = open(brokers, { unpackedBytes: 1_000_000 });
      for (const partition of wanted.keys()) fetcher.seek('t', partition, 0);
      const found = new Map<number, string[]>([
        [0, []],
        [1, []],
        [2, []],
      ]);
      for (let left = 1_350; left > 0;) {
        for (const part of await fetcher.take(50)) {
          const values = valuesOf([part]);
          // A piece is of 4 MiB; in one answer there is room for a million bytes.
          expect(values.join('').length).toBeLessThan(4_300_000);
          found.get(part.partition)?.push(...values);
          left -= values.length;
        }
      }
      expect(found).toEqual(wanted);
    },
  );

  test('a seek in the middle of a batch that is read in pieces ends the pieces', async () => {
    const brokers = new FakeBrokers();
    const values = Array.from({ length: 900 }, (_, index) => `${String(index)}:`.padEnd(20_000, 'x'));
    brokers.add('t', 0, 1, values).recordSet = (offset) =>
      offset < 900 ? batchAt(0, values, { codec: 4, pack: (plain: Buffer) => compress(4, plain) }) : Buffer.alloc(0);
    const fetcher = open(brokers, { unpackedBytes: 1_000_000 });
    fetcher.seek('t', 0, 0);
    await take(fetcher, 1);
    fetcher.seek('t', 0, 850);
    const found = await take(fetcher, 50);
    expect(found.map((value) => Number.parseInt(value, 10))).toEqual(
      Array.from({ length: 50 }, (_, index) => 850 + index),
    );
  });
});

test('a held partition is not asked for until it is released; the others are read on meanwhile', async () => {
  const brokers = new FakeBrokers();
  const held = brokers.add('t', 0, 1, ['a']);
  const other = brokers.add('t', 1, 1, ['x']);
  const fetcher = open(brokers);
  fetcher.seek('t', 0, 0);
  fetcher.seek('t', 1, 0);
  expect((await take(fetcher, 2)).sort()).toEqual(['a', 'x']);

  fetcher.hold('t', 0);
  // What was under way when it was held still comes.
  while (brokers.fetches.at(-1)?.asked.length !== 1) await fetcher.take(20);
  held.values.push('b');
  other.values.push('y', 'z');
  expect(await take(fetcher, 2)).toEqual(['y', 'z']);
  const before = brokers.fetches.length;
  while (brokers.fetches.length < before + 3) expect(valuesOf(await fetcher.take(20))).toEqual([]);

  fetcher.release('t', 0);
  expect(await take(fetcher, 1)).toEqual(['b']);
});

test('a broker all of whose partitions are held is left alone, and read again after a release', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('t', 0, 1, ['a']);
  const told: boolean[] = [];
  const fetcher = open(brokers, { onAway: (away) => told.push(away) });
  fetcher.seek('t', 0, 0);
  expect(await take(fetcher, 1)).toEqual(['a']);
  fetcher.hold('t', 0);
  let fetches = -1;
  while (fetches !== brokers.fetches.length) {
    fetches = brokers.fetches.length;
    for (let round = 0; round < 5; round += 1) await fetcher.take(20);
  }
  // What is not asked for is not away.
  log.errorCode = 6;
  for (let round = 0; round < 5; round += 1) await fetcher.take(20);
  expect([brokers.fetches.length, told]).toEqual([fetches, []]);
  log.errorCode = 0;
  log.values.push('b');
  fetcher.release('t', 0);
  expect(await take(fetcher, 1)).toEqual(['b']);
});

test('a seek ends a hold', async () => {
  const brokers = new FakeBrokers();
  brokers.add('t', 0, 1, ['a', 'b']);
  const fetcher = open(brokers);
  fetcher.seek('t', 0, 0);
  expect(await take(fetcher, 2)).toEqual(['a', 'b']);
  fetcher.hold('t', 0);
  fetcher.seek('t', 0, 1);
  expect(await take(fetcher, 1)).toEqual(['b']);
});
