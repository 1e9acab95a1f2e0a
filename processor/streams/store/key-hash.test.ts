import { expect, test } from '@jest/globals';
import { hashOfBytes, hashOfText } from './key-hash.ts';

const hashOf = (bytes: Buffer): number => hashOfBytes(bytes, 0, bytes.length);

test('a text has the hash of its bytes, wherever they lie, and one with a character above has none', () => {
  for (const text of ['', 'CA', 'a common beginning, and an end', '\0']) {
    const bytes = Buffer.from(`..${text}..`);
    expect(hashOfText(text, 0x7f)).toBe(hashOfBytes(bytes, 2, bytes.length - 2));
  }
  expect(hashOfText('Zürich', 0xff)).toBe(hashOf(Buffer.from('Zürich', 'latin1')));
  expect([hashOfText('Zürich', 0x7f), hashOfText('\u0100', 0xff)]).toEqual([0, 0]);
});

/** 128 characters of 0 and 1 each, made so that their differences come to nothing in FNV-1a, wherever it starts. */
function againstFnv(): readonly [Buffer, Buffer] {
  const texts = [Buffer.alloc(128), Buffer.alloc(128)] as const;
  const before = [0, 0];
  let turn = 0;
  for (let at = 0; at < 128; at += 1) {
    const isOdd = at.toString(2).replaceAll('0', '').length % 2 === 1;
    turn += isOdd ? -1 : 1;
    for (const [side, now] of [turn === 1 ? 1 : 0, turn === -1 ? 1 : 0].entries()) {
      (texts[side] as Buffer)[at] = Math.abs(now - (before[side] as number));
      before[side] = now;
    }
  }
  return texts;
}

/** The highest bit of a word passes each multiplication as it is, and the next word, behind a turn by 13, takes it. */
function againstWords(): readonly [Buffer, Buffer] {
  const [one, other] = [Buffer.alloc(8, 'A'), Buffer.alloc(8, 'A')];
  other.writeUInt8(0x41 ^ 0x80, 3);
  other.writeUInt8(0x41 ^ 0x10, 5);
  return [one, other];
}

test.each([
  ['steps of FNV-1a', againstFnv()],
  ['steps of 32 bits', againstWords()],
])('keys that have one hash by %s, wherever it starts, have two', (_name, [one, other]) => {
  expect(one.equals(other)).toBe(false);
  expect(hashOf(one)).not.toBe(hashOf(other));
});
