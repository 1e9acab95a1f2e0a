import { expect, test } from '@jest/globals';
import { FakeBrokers, type FakeValue } from '../tests/support/fake-brokers.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { keptOffsetsRecord, readKeptOffsets } from './kept-offsets.ts';

const PLACE = { topic: 'app-offsets', partition: 3, key: '0_3' };

function row(offsets: Record<string, number> | undefined, key = '0_3'): FakeValue {
  const record = keptOffsetsRecord(
    { ...PLACE, key },
    offsets === undefined ? undefined : new Map(Object.entries(offsets)),
  );
  return { key: record.key, value: record.value };
}

async function read(...values: FakeValue[]): Promise<Record<string, number> | undefined> {
  const brokers = new FakeBrokers();
  brokers.add(PLACE.topic, PLACE.partition, 1, values);
  const kept = await readKeptOffsets(brokers, PLACE, new AbortController().signal, quietLogger);
  return kept === undefined ? undefined : Object.fromEntries(kept);
}

test('the newest row of the task counts, be it the last of many or far from the end', async () => {
  expect(await read()).toBeUndefined();
  expect(await read(row({ 'in-3': 1, 'a-b-3': 2 ** 40 }))).toEqual({ 'in-3': 1, 'a-b-3': 2 ** 40 });
  expect(await read(...Array.from({ length: 500 }, (_, n) => row({ 'in-3': n })))).toEqual({ 'in-3': 499 });
  // Somebody else's keys are none of the task's business.
  expect(await read(row({ 'in-3': 7 }), ...Array.from({ length: 5_000 }, () => row({ 'in-3': 8 }, '0_4')))).toEqual({
    'in-3': 7,
  });
});

/** One that was started again after it had told an end, and has lost its newest record. */
class ForgetfulBrokers extends FakeBrokers {
  #asked = 0;

  override async offsetRange(...of: Parameters<FakeBrokers['offsetRange']>): ReturnType<FakeBrokers['offsetRange']> {
    const range = await super.offsetRange(...of);
    this.#asked += 1;
    return this.#asked === 1 ? { ...range, end: range.end + 1 } : range;
  }
}

test('an end that the broker has lost, and does not tell again, is not waited for', async () => {
  const brokers = new ForgetfulBrokers();
  brokers.add(PLACE.topic, PLACE.partition, 1, [row({ 'in-3': 7 }), row({ 'in-3': 9 })]);
  const kept = await readKeptOffsets(brokers, PLACE, new AbortController().signal, quietLogger);
  expect(kept).toEqual(new Map([['in-3', 9]]));
});

test('a row that was taken back is none', async () => {
  expect(await read(row({ 'in-3': 7 }), row(undefined))).toBeUndefined();
  expect(await read(row(undefined), row({ 'in-3': 9 }))).toEqual({ 'in-3': 9 });
});

test.each(['', 'x', '7', 'null', '[]', '{"in-3":"7"}', '{"in-3":-1}', '{"in-3":1e300}', '{"in-3":1.5}'])(
  '%j is refused, naming where it is',
  async (text) => {
    await expect(read(row({ 'in-3': 7 }), { key: Buffer.from('0_3'), value: Buffer.from(text) })).rejects.toMatchObject(
      { code: 'INTERNAL_TOPIC_INVALID', message: expect.stringMatching(/^app-offsets-3 offset 1 .*task 0_3/) },
    );
  },
);
