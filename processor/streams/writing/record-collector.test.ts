import { expect, test } from '@jest/globals';
import { RecordCollector } from './record-collector.ts';

const record = (value: string | null) => ({
  topic: 't',
  partition: 0,
  key: Buffer.from('key'),
  value: value === null ? null : Buffer.from(value),
});

test('gives what it was given, in order; knows how many bytes wait, also after they are taken or dropped', () => {
  const collector = new RecordCollector();
  collector.add(record('12345'));
  collector.add(record(null));
  expect([collector.size, collector.bytes]).toEqual([2, 11]);
  expect(collector.take().map(({ value }) => value?.toString())).toEqual(['12345', undefined]);
  expect([collector.size, collector.bytes]).toEqual([0, 0]);
  collector.add(record('1'));
  collector.clear();
  expect(collector.bytes).toBe(0);
});
