import { expect, jest, test } from '@jest/globals';
import { StreamsError } from '../errors.ts';
import { choosePartitions } from './choose-partitions.ts';
import { UNKNOWN_PARTITION, type OutgoingRecord } from './streams-producer.ts';

const COUNTS: Readonly<Record<string, number>> = { three: 3, five: 5 };
const countOf = (topic: string): number => COUNTS[topic] as number;

const record = (topic: string, value: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  topic,
  partition: UNKNOWN_PARTITION,
  key: null,
  value: Buffer.from(value),
  ...more,
});

const refusing = (): {
  refused: [OutgoingRecord, StreamsError][];
  onRefused: Parameters<typeof choosePartitions>[2];
} => {
  const refused: [OutgoingRecord, StreamsError][] = [];
  return { refused, onRefused: (one, error) => refused.push([one, error]) };
};

test('a record whose partition was not known gets it by the count of its topic, in its place among the others', () => {
  const { refused, onRefused } = refusing();
  const last = { choosePartition: (count: number) => count - 1 };
  const known = record('other', 'b', { partition: 7 });
  expect(
    choosePartitions([record('three', 'a', last), known, record('five', 'c', last)], countOf, onRefused),
  ).toStrictEqual([
    { topic: 'three', partition: 2, key: null, value: Buffer.from('a') },
    known,
    { topic: 'five', partition: 4, key: null, value: Buffer.from('c') },
  ]);
  expect(refused).toEqual([]);
});

test('where every partition is known nothing is asked, and the records are the same', () => {
  const records = [record('three', 'a', { partition: 1 }), record('three', 'b', { partition: 0 })];
  const counts = jest.fn(countOf);
  expect(choosePartitions(records, counts, refusing().onRefused)).toBe(records);
  expect(counts).not.toHaveBeenCalled();
});

test('one whose partitioner fails is refused as it came and left out, and those behind it are placed', () => {
  const { refused, onRefused } = refusing();
  const error = new StreamsError('USER_CODE_FAILED', 'no partition');
  const failing = record('three', 'b', {
    origin: null,
    choosePartition: () => {
      throw error;
    },
  });
  const fine = { choosePartition: () => 1 };
  const placed = choosePartitions([record('three', 'a', fine), failing, record('five', 'c', fine)], countOf, onRefused);
  expect(placed.map(({ value, partition }) => [String(value), partition])).toEqual([
    ['a', 1],
    ['c', 1],
  ]);
  expect(refused).toEqual([[failing, error]]);
  expect(refused[0]?.[0]).toBe(failing);
});

test('what is no failure of user code, and a refusal that is not let pass, end it', () => {
  const { refused, onRefused } = refusing();
  const broken = record('three', 'a', {
    choosePartition: () => {
      throw new TypeError('a fault');
    },
  });
  expect(() => choosePartitions([broken], countOf, onRefused)).toThrow(new TypeError('a fault'));
  expect(refused).toEqual([]);
  const failing = record('three', 'a', {
    choosePartition: () => {
      throw new StreamsError('USER_CODE_FAILED', 'no partition');
    },
  });
  const fail = (_: OutgoingRecord, error: StreamsError): never => {
    throw error;
  };
  expect(() => choosePartitions([failing], countOf, fail)).toThrow('no partition');
});
