import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeBatch, type BatchToSend } from '../kafka/batch-encoder.ts';
import { CompressionCodec } from '../kafka/compression.ts';
import { OutgoingPartial } from './outgoing-partial.ts';
import { partitionOf } from './partitioner.ts';
import { encodePartial, partialHead, partialHeaders } from './repartition-record.ts';

const PLACE = { topic: 'app-by-word-repartition', partitions: 7 };
const encoded = (records: BatchToSend['records']): Buffer =>
  encodeBatch({
    records,
    timestampMs: 5,
    producerId: 1n,
    producerEpoch: 0,
    firstSequence: 0,
    isTransactional: true,
    codec: CompressionCodec.none,
  });
const partials = fc.array(
  fc.record({
    key: fc.string({ unit: 'grapheme', maxLength: 60 }),
    grainStartMs: fc.integer({ min: -1, max: 2 ** 40 }),
    newestMs: fc.integer({ min: 0, max: 2 ** 42 }),
    aggregate: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    records: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 50 },
);

test('partials are what their parts make, in the partitions of their keys, whatever comes after them', () => {
  const waiting: { readonly records: readonly OutgoingPartial[]; readonly batch: Buffer }[] = [];
  fc.assert(
    fc.property(partials, (many) => {
      const sent = many.map(({ key, grainStartMs, newestMs, aggregate, records }) => {
        const value = { head: partialHead({ store: 'counts', grainStartMs }), newestMs, aggregate };
        const headers = partialHeaders(records, false);
        return (
          OutgoingPartial.ofText(PLACE, key, value, headers) ??
          OutgoingPartial.of(PLACE, Buffer.from(key), value, headers)
        );
      });
      const parts = many.map(({ key, grainStartMs, newestMs, aggregate, records }) => ({
        topic: PLACE.topic,
        partition: partitionOf(Buffer.from(key), PLACE.partitions),
        key: Buffer.from(key),
        value: encodePartial({ store: 'counts', grainStartMs, newestMs, aggregate }),
        headers: partialHeaders(records, false),
      }));
      expect(
        sent.map(({ topic, partition, key, value, headers }) => ({ topic, partition, key, value, headers })),
      ).toEqual(parts);
      const batch = encoded(parts);
      expect(encoded(sent).equals(batch)).toBe(true);
      waiting.push({ records: sent, batch });
    }),
  );
  const head = partialHead({ store: 'counts', grainStartMs: -1 });
  for (let more = 0; more < 10_000; more += 1)
    OutgoingPartial.ofText(PLACE, 'more', { head, newestMs: 1, aggregate: Buffer.from('1') }, undefined);
  for (const { records, batch } of waiting) expect(encoded(records).equals(batch)).toBe(true);
});

test('a partial that is larger than a piece has one of its own', () => {
  const aggregate = Buffer.alloc(200_000, 'x');
  const value = { head: partialHead({ store: 'counts', grainStartMs: -1 }), newestMs: 1, aggregate };
  const partial = OutgoingPartial.ofText(PLACE, 'k', value, undefined);
  expect(partial?.value.subarray(-200_000).equals(aggregate)).toBe(true);
});

test('a key that is no ASCII text is left to its bytes, also where each character has one in Latin-1', () => {
  const value = { head: partialHead({ store: 'counts', grainStartMs: -1 }), newestMs: 1, aggregate: Buffer.from('1') };
  for (const key of ['é', 'ab\x80', 'ÿ', '日'])
    expect(OutgoingPartial.ofText(PLACE, key, value, undefined)).toBe(undefined);
  expect(OutgoingPartial.ofText(PLACE, '\x7f', value, undefined)?.key.toString()).toBe('\x7f');
});
