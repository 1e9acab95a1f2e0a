import { expect, test } from '@jest/globals';
import { DeadLetter, type HeaderList } from '../topology/record.ts';
import { CompressionCodec } from '../kafka/compression.ts';
import { CutPart } from '../kafka/cut-record.ts';
import { deadLetterRecord, isCut, originalHeaders, shorterLetter } from './dead-letter.ts';

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
  expect([letter.isDeadLetter, letter.codec]).toEqual([true, 0]);
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

test('a dead letter is packed as its record was: it may fit into its topic with no other codec', () => {
  const letter = deadLetterRecord(
    { ...record, codec: CompressionCodec.zstd },
    new DeadLetter('NOT_JSON', 'm'),
    'dlq',
    1,
  );
  expect(letter.codec).toBe(CompressionCodec.zstd);
});

test('of a record that was not read whole, the letter says what the whole was', () => {
  const cut = {
    value: CutPart.of(Buffer.alloc(20_000, 'v')).whole(),
    key: CutPart.of(Buffer.alloc(2_000, 'k'), 1_024).whole(),
    headersLeftOut: 3,
  };
  const { headers = [] } = deadLetterRecord({ ...record, cut }, new DeadLetter('TOO_LARGE', 'm'), 'dlq', 1);
  expect(isCut(headers)).toBe(true);
  expect(Object.fromEntries(headers.map(([name, content]) => [name, String(content)]))).toMatchObject({
    '__tributary.cut.value.bytes': '20000',
    '__tributary.cut.value.sha256': cut.value?.sha256,
    '__tributary.cut.key.bytes': '2000',
    '__tributary.cut.key.sha256': cut.key?.sha256,
    '__tributary.cut.headers': '3',
  });
});

test('the shortest letter has the beginning of its message, which user code may have made as long as it likes', () => {
  const letter = deadLetterRecord(
    { ...record, value: Buffer.alloc(300, 'v') },
    new DeadLetter('NOT_JSON', 'm'.repeat(100_000)),
    'dlq',
    1,
  );
  const message = shorterLetter(letter)?.headers?.find(([name]) => name === '__streams.errors.message')?.[1];
  expect(message?.length).toBe(256);
});
