import { expect, test } from '@jest/globals';
import { decodeOffsetMetadata, encodeOffsetMetadata } from './offset-metadata.ts';

test('comes back as it was written', () => {
  const reach = new Map([
    ['app-counts-changelog-0', 12],
    ['app-with-dashes-changelog-3', 2 ** 40],
  ]);
  for (const streamTimeMs of [-1, 0, 1_700_000_000_000.5])
    expect(decodeOffsetMetadata(encodeOffsetMetadata({ reach, streamTimeMs }))).toEqual({ reach, streamTimeMs });
  expect(decodeOffsetMetadata(encodeOffsetMetadata({ reach: new Map(), streamTimeMs: 7 }))).toEqual({
    reach: new Map(),
    streamTimeMs: 7,
  });
});

test('is left out where there is nothing to say, or more than Kafka takes', () => {
  expect(encodeOffsetMetadata({ reach: new Map(), streamTimeMs: -1 })).toBeNull();
  expect(
    encodeOffsetMetadata({
      reach: new Map(Array.from({ length: 200 }, (_, n) => [`a-changelog-of-some-length-${String(n)}`, n])),
      streamTimeMs: 7,
    }),
  ).toBeNull();
});

test.each([
  null,
  '',
  'NONE',
  '[]',
  'null',
  '{"changelogs":7}',
  '{"changelogs":{"a-0":"x"}}',
  '{"streamTimeMs":"7"}',
  '{"streamTimeMs":-7}',
])('%j says nothing', (text) => {
  expect(decodeOffsetMetadata(text)).toEqual({ reach: new Map(), streamTimeMs: -1 });
});
