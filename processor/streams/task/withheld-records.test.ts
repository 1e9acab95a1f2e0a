import { expect, test } from '@jest/globals';
import { batchBytes } from '../tests/support/record-batch-bytes.ts';
import { decodeRecordSet } from '../kafka/record-set.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { RecordWatch } from './record-watch.ts';
import { WithheldRecords } from './withheld-records.ts';

function fetchedOf(partition: number, values: readonly string[]): FetchedPartition {
  const bytes = batchBytes({
    baseOffset: 5n,
    records: values.map((value, offsetDelta) => ({
      offsetDelta,
      timestampDelta: 0n,
      key: Buffer.from('k'),
      value: Buffer.from(value),
      headers: [['h', null]],
    })),
  });
  const { records, nextOffset } = decodeRecordSet(bytes, {
    topic: 't',
    partition,
    fromOffset: 0,
    abortedTransactions: [],
    readCommitted: true,
  });
  return {
    topic: 't',
    partition,
    records,
    nextOffset,
    highWatermark: 9,
    lastStableOffset: 9,
    logStartOffset: 0,
    outOfRange: false,
  };
}

test('withheld records are told apart from the others, and still are what they were', () => {
  const withheld = new WithheldRecords();
  const fetched = fetchedOf(1, ['a', 'b', 'c']);
  expect(withheld.applyTo(fetched)).toBe(fetched);
  withheld.add([
    { topic: 't', partition: 1, offset: 6 },
    { topic: 't', partition: 2, offset: 5 },
  ]);
  const { records, nextOffset } = withheld.applyTo(fetched);
  expect([nextOffset, records.map((record) => record.unreadable?.reason)]).toEqual([
    8,
    [undefined, 'PROCESSING_HANGS', undefined],
  ]);
  expect(
    records.map(({ offset, key, value, timestampMs, codec, headerList }) => [
      offset,
      key?.toString(),
      value?.toString(),
      timestampMs,
      codec,
      headerList.length,
    ]),
  ).toEqual([
    [5, 'k', 'a', 0, 0, 1],
    [6, 'k', 'b', 0, 0, 1],
    [7, 'k', 'c', 0, 0, 1],
  ]);
  expect(withheld.applyTo(fetchedOf(3, ['a'])).records[0]?.unreadable).toBeUndefined();
});

test('another thread sees which record is worked on, and none between two', () => {
  const memory = RecordWatch.memory();
  const [worker, supervisor] = [new RecordWatch(['a', 'b'], memory), new RecordWatch(['a', 'b'], memory)];
  expect(supervisor.current()).toBeUndefined();
  worker.enter('b', 3);
  expect(supervisor.current()).toBeUndefined();
  worker.at(2 ** 52);
  expect(supervisor.current()).toEqual({ topic: 'b', partition: 3, offset: 2 ** 52 });
  worker.leave();
  expect(supervisor.current()).toBeUndefined();
  worker.enter('unknown', 3);
  worker.at(1);
  expect(supervisor.current()).toBeUndefined();
});
