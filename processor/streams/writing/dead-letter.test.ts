import { expect, test } from '@jest/globals';
import { DeadLetter, type HeaderList } from '../topology/record.ts';
import { deadLetterRecord, originalHeaders } from './dead-letter.ts';

const record = {
  topic: 'in',
  partition: 5,
  offset: 17,
  timestampMs: 0,
  key: Buffer.from([0, 0, 0, 0]),
  value: null,
  headers: {},
};

test('a dead letter has key, bytes and headers as they came, in order, then why and whence', () => {
  const headerList: HeaderList = [
    ['trace', Buffer.from('1')],
    ['10', null],
    ['9', Buffer.alloc(0)],
    ['trace', Buffer.from('2')],
  ];
  const letter = deadLetterRecord({ ...record, headerList }, new DeadLetter('NO_VALUE', 'there is no value'), 'dlq', 3);
  expect([letter.topic, letter.partition, letter.key, letter.value]).toEqual(['dlq', 2, record.key, null]);
  expect(letter.headers?.slice(0, 4)).toEqual(headerList);
  expect(letter.headers?.slice(4).map(([name, value]) => [name, String(value)])).toEqual([
    ['__streams.errors.exception', 'NO_VALUE'],
    ['__streams.errors.message', 'there is no value'],
    ['__streams.errors.topic', 'in'],
    ['__streams.errors.partition', '5'],
    ['__streams.errors.offset', '17'],
  ]);
  expect(originalHeaders(letter.headers ?? [])).toEqual(headerList);
});

test('a dead letter that is dead-lettered again says why and whence once, as of the last time', () => {
  const first = deadLetterRecord(record, new DeadLetter('NO_VALUE', 'm'), 'dlq', 1);
  const again = deadLetterRecord(
    { ...record, topic: 'dlq', offset: 3, headerList: first.headers ?? [] },
    new DeadLetter('NOT_JSON', 'm'),
    'dlq-2',
    1,
  );
  expect(again.headers).toHaveLength(5);
  expect(again.headers?.map(([, value]) => String(value))).toEqual(['NOT_JSON', 'm', 'dlq', '5', '3']);
});
