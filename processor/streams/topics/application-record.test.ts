import { describe, expect, test } from '@jest/globals';
import { FakeBrokers } from '../tests/support/fake-brokers.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import {
  ApplicationRecordReader,
  hasNewerFormats,
  readApplicationRecord,
  TOPIC_FORMATS,
} from './application-record.ts';

const KEY = '!application';
const RECORD = JSON.stringify({ topology: { 'sub-topology 0 reads': 'words' }, topicIds: { words: 'w1' } });

function read(...rows: (readonly [key: string, value: string | null])[]): ReturnType<typeof readApplicationRecord> {
  const brokers = new FakeBrokers();
  brokers.add(
    'app-status',
    0,
    1,
    rows.map(([key, value]) => ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })),
  );
  return readApplicationRecord(brokers, 'app', quietLogger);
}

test.each([
  '',
  'null',
  '7',
  '"x"',
  '[]',
  '{}',
  RECORD.slice(0, -2),
  '{"topology":null,"topicIds":{}}',
  '{"topology":{},"topicIds":{"words":7}}',
  '{"topology":[1],"topicIds":{}}',
])('a record that no release has written, %j, is named with its place and what to do', async (garbage) => {
  await expect(read(['p1', '{}'], [KEY, RECORD], [KEY, garbage], ['p1', null])).rejects.toMatchObject({
    code: 'INTERNAL_TOPIC_INVALID',
    message: expect.stringMatching(/^app-status-0 offset 2 .*key !application and no value.*reset/s),
  });
});

test('a tombstone takes it back, and so does a record after it', async () => {
  await expect(read([KEY, RECORD], [KEY, 'garbage'], [KEY, null])).resolves.toBeUndefined();
  await expect(read([KEY, 'garbage'], [KEY, RECORD], ['p1', 'garbage'])).resolves.toMatchObject({
    topicIds: { words: 'w1' },
  });
});

test('from outside it is read again and again, each record once, and anew when its topic is', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('app-status', 0, 1);
  brokers.ids.set('app-status', 'first');
  const reader = new ApplicationRecordReader(brokers, 'app', quietLogger);
  const write = (key: string, value: string | null): void =>
    void log.values.push({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) });
  const next = (topic: string): string => JSON.stringify({ topology: { reads: topic }, topicIds: {} });

  await expect(reader.read()).resolves.toBeUndefined();
  write('p1', '{}');
  write(KEY, next('words'));
  await expect(reader.read()).resolves.toMatchObject({ topology: { reads: 'words' } });
  write('p1', '{}');
  await expect(reader.read()).resolves.toMatchObject({ topology: { reads: 'words' } });
  write(KEY, 'garbage');
  await expect(reader.read()).rejects.toMatchObject({ code: 'INTERNAL_TOPIC_INVALID' });
  await expect(reader.read()).rejects.toMatchObject({ code: 'INTERNAL_TOPIC_INVALID' });
  write(KEY, next('more words'));
  await expect(reader.read()).resolves.toMatchObject({ topology: { reads: 'more words' } });
  const asked = brokers.fetches.flatMap(({ asked: [place] }) => place?.offset);
  expect(asked.filter((offset) => offset === 0)).toHaveLength(1);

  log.values.length = 0;
  for (let index = 0; index < 9; index += 1) write('p1', '{}');
  brokers.ids.set('app-status', 'second');
  await expect(reader.read()).resolves.toBeUndefined();
});

test('where brokers have no ids, a topic that ends earlier than before was made anew', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add('app-status', 0, 1, [{ key: Buffer.from(KEY), value: Buffer.from(RECORD) }, 'x', 'y']);
  const reader = new ApplicationRecordReader(brokers, 'app', quietLogger);
  await expect(reader.read()).resolves.toBeDefined();
  log.values.length = 0;
  await expect(reader.read()).resolves.toBeUndefined();
});

describe('the forms of what is in the topics', () => {
  const withFormats = (formats: object): string =>
    JSON.stringify({ topology: { reads: 'words' }, topicIds: {}, formats });
  const readFromOutside = async (record: string): Promise<unknown> => {
    const brokers = new FakeBrokers();
    brokers.add('app-status', 0, 1, [{ key: Buffer.from(KEY), value: Buffer.from(record) }]);
    return new ApplicationRecordReader(brokers, 'app', quietLogger).read();
  };

  test('are in the record, and those of this release are read', async () => {
    await expect(readFromOutside(withFormats(TOPIC_FORMATS))).resolves.toMatchObject({ formats: TOPIC_FORMATS });
    await expect(read([KEY, withFormats({ changelogs: 'one' })])).rejects.toMatchObject({
      code: 'INTERNAL_TOPIC_INVALID',
    });
  });

  test.each([
    [{ ...TOPIC_FORMATS, changelogs: 2 }, 'its changelogs have the format 2, and this release knows 1'],
    [{ ...TOPIC_FORMATS, indexes: 1 }, 'its indexes have the format 1, and this release knows none'],
  ])('a newer one is refused, since it would be read wrongly: %j', async (formats, why) => {
    await expect(readFromOutside(withFormats(formats))).rejects.toMatchObject({
      code: 'FORMAT_UNKNOWN',
      message: expect.stringContaining(why),
      topic: 'app-status',
    });
  });

  test('are written where the record of a release before says nothing of them, or less', () => {
    const record = { topology: {}, topicIds: {} };
    expect(hasNewerFormats(record)).toBe(true);
    expect(hasNewerFormats({ ...record, formats: { ...TOPIC_FORMATS, status: 0 } })).toBe(true);
    expect(hasNewerFormats({ ...record, formats: { ...TOPIC_FORMATS } })).toBe(false);
  });
});
