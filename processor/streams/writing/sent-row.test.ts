import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeBatch } from '../kafka/batch-encoder.ts';
import { jsonSerde, knownOf, stringSerde, type Serde } from '../topology/serdes.ts';
import { RecordCollector } from './record-collector.ts';
import { SentRow } from './sent-row.ts';

const batch = {
  timestampMs: 0,
  producerId: -1n,
  producerEpoch: -1,
  firstSequence: -1,
  isTransactional: false,
  codec: 0,
};

test('a record is what it was made of, whatever becomes of that and is made after it', () => {
  const value = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'grapheme' }), fc.constant(null));
  const record = fc.record({ key: fc.uint8Array({ maxLength: 200 }), value, timestampMs: fc.nat() });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 400 }), (given) => {
      const plain = given.map((one) => ({
        topic: 'pairs',
        partition: 3,
        key: Buffer.from(one.key),
        value: one.value === null ? null : Buffer.from(one.value as Uint8Array),
        timestampMs: one.timestampMs,
      }));
      const [collector, ofPlain] = [new RecordCollector(), new RecordCollector()];
      for (const one of plain) ofPlain.add(one);
      for (const { key, value: of, timestampMs } of given) {
        collector.add(new SentRow('pairs', 3, key, of, timestampMs));
        key.fill(1);
        if (of instanceof Uint8Array) of.fill(1);
      }
      expect(collector.bytes).toBe(ofPlain.bytes);
      const records = collector.take();
      expect(
        records.map(({ topic, partition, key, value: of, timestampMs, headers }) => ({
          ...{ topic, partition, key, value: of, timestampMs, headers },
        })),
      ).toEqual(plain.map((one) => ({ ...one, headers: undefined })));
      if (records.length > 0)
        expect(encodeBatch({ ...batch, records })).toEqual(encodeBatch({ ...batch, records: plain }));
    }),
    { numRuns: 60 },
  );
});

test('texts of any length and any characters are whole, in pieces that they fill to the end', () => {
  const texts = [1, 20_000, 21_846, 70_000].flatMap((length) => ['a', 'ä', '€', '😀'].map((one) => one.repeat(length)));
  const key = Buffer.from('k');
  const many = Array.from({ length: 4_000 }, (_, at) => '€'.repeat(at % 50));
  const all = [...texts, ...many, ...texts];
  const rows = all.map((text) => new SentRow('pairs', 0, key, text, 0));
  expect(rows.every((row, at) => row.value?.toString() === all[at] && row.key.equals(key))).toBe(true);
  const [before, next] = rows.slice(100, 102);
  // Many records share a piece.
  expect(next?.bytes).toBe(before?.bytes);
});

test.each([
  ['json', jsonSerde<unknown>(), fc.jsonValue()],
  ['text', stringSerde as Serde<unknown>, fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())],
] as const)('the text that a serde of %s is known to write has the bytes that it writes', (_, serde, values) => {
  const textOf = knownOf(serde).textOf as unknown as (value: unknown) => string;
  fc.assert(
    fc.property(values as fc.Arbitrary<unknown>, (value) => {
      expect(Buffer.from(textOf(value), 'utf8')).toEqual(serde.serialize(value));
    }),
  );
  for (const one of [-0, 5, '\u20ac', '']) {
    if (serde === (stringSerde as unknown) && typeof one !== 'string') continue;
    expect(Buffer.from(textOf(one), 'utf8')).toEqual(serde.serialize(one));
  }
});

test('a serde that refuses a value refuses its text', () => {
  const json = knownOf(jsonSerde<unknown>()).textOf as unknown as (value: unknown) => string;
  const text = knownOf(stringSerde).textOf as unknown as (value: unknown) => string;
  for (const refused of [NaN, [Infinity], new Map(), { of: new Set() }, undefined, () => 1])
    expect(() => json(refused)).toThrow(/JSON has no/);
  expect(() => text('\ud800')).toThrow(/half of a surrogate pair/);
});
