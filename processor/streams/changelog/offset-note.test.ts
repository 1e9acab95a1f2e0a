import { expect, test } from '@jest/globals';
import { decodeOffsetNote, encodeOffsetNote } from './offset-note.ts';

test('comes back as it was written', () => {
  const reach = new Map([['app-counts-changelog-0', 12], ['app-with-dashes-changelog-3', 2 ** 40]]);
  expect(decodeOffsetNote(encodeOffsetNote(reach))).toEqual(reach);
});

test('is left out where there is nothing to say, or more than Kafka takes', () => {
  expect(encodeOffsetNote(new Map())).toBeNull();
  expect(encodeOffsetNote(new Map(Array.from({ length: 200 }, (_, n) => [`a-changelog-of-some-length-${String(n)}`, n])))).toBeNull();
});

test.each([null, '', 'NONE', '[]', 'null', '{"changelogs":7}', '{"changelogs":{"a-0":"x"}}'])('%j says nothing', (text) => {
  expect(decodeOffsetNote(text)).toEqual(new Map());
});
