import { expect, test } from '@jest/globals';
import { FakeBrokers } from '../tests/support/fake-brokers.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { readApplicationRecord } from './application-record.ts';

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
