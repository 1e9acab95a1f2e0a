import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  letterJson,
  letterText,
  safeJson,
  safeText,
  summaryJson,
  summaryTable,
  timeText,
} from './dead-letters-text.ts';
import { markerKey, type DeadLetter } from './dead-letters-topic.ts';

/** C0, DEL and C1 controls, and what turns the direction of text or cannot be seen. */
// oxlint-disable-next-line no-control-regex -- it is what must not be there
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** Takes the escapes back. */
function bytesOf(text: string): Buffer {
  const parts = text.match(/\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\}|\\[nrt\\]|[^\\]/gu) ?? [];
  expect(parts.join('')).toBe(text);
  return Buffer.concat(
    parts.map((part) => {
      if (part.startsWith('\\x')) return Buffer.from(part.slice(2), 'hex');
      if (part.startsWith('\\u')) return Buffer.from(String.fromCodePoint(Number.parseInt(part.slice(3, -1), 16)));
      return Buffer.from({ '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\\\': '\\' }[part] ?? part);
    }),
  );
}

describe('bytes as text', () => {
  test.each([
    [Buffer.from('plain {"a":1} é 日本 😀'), 'plain {"a":1} é 日本 😀'],
    [Buffer.from('\u001b[2J\u0007a\nb\r\tc\\x41'), '\\u{1b}[2J\\u{7}a\\nb\\r\\tc\\\\x41'],
    [
      Buffer.from('\u009b31m\u007f\u202e\u200b\ufeff\u2028\u00a0'),
      '\\u{9b}31m\\u{7f}\\u{202e}\\u{200b}\\u{feff}\\u{2028}\\u{a0}',
    ],
    [Buffer.from([0x61, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xe2, 0x82]), 'a\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82'],
    [Buffer.from('\ufffd'), '\ufffd'],
    [Buffer.alloc(0), ''],
  ])('%j', (bytes, expected) => {
    expect(safeText(bytes)).toBe(expected);
  });

  test('of any bytes has nothing that a terminal obeys, and says exactly what they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.string({ unit: 'binary', maxLength: 30 }).map((text) => new Uint8Array(Buffer.from(text))),
        ),
        (bytes) => {
          const text = safeText(Buffer.from(bytes));
          expect(text).not.toMatch(DANGEROUS);
          expect(bytesOf(text)).toEqual(Buffer.from(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('JSON is printable ASCII and means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = safeJson({ text });
        expect(json).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

const letter: DeadLetter = {
  id: '1:42',
  partition: 1,
  offset: 42,
  timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  origin: { topic: 'user-login', partition: 3, offset: 99 },
  reason: 'NOT_JSON',
  message: 'the value is no JSON',
  key: null,
  value: Buffer.from('\u001b]0;owned\u0007'),
  headers: [
    ['trace', Buffer.from([0, 255])],
    ['trace', null],
  ],
  codec: 0,
  cut: null,
};

describe('what is shown', () => {
  test('a part of a dead letter says so, and where the whole is', () => {
    const cut = { valueBytes: 9_000_000, valueSha256: 'ab12', keySha256: undefined };
    expect(letterText({ ...letter, cut }, null)).toMatch(
      /\ncut {9}this is its beginning; the whole value of 9000000 bytes, SHA-256 ab12, is at user-login-3@99\n$/,
    );
    expect(JSON.parse(letterJson({ ...letter, cut }, null))).toMatchObject({
      cut: { valueBytes: 9_000_000, valueSha256: 'ab12' },
    });
  });

  test('a dead letter, escaped, with every header', () => {
    expect(letterText(letter, null).split('\n')).toEqual([
      'dead letter 1:42',
      'origin      user-login-3@99',
      'reason      NOT_JSON: the value is no JSON',
      'time        2026-01-02T03:04:05.006Z',
      'redriven    never',
      'key         none (null)',
      'header      trace = 2 bytes: \\u{0}\\xff',
      'header      trace = none (null)',
      'value       10 bytes: \\u{1b}]0;owned\\u{7}',
      '',
    ]);
  });

  test('the beginning of a large value, and how much more there is', () => {
    const text = letterText({ ...letter, value: Buffer.alloc(1_000_000, 'a') }, '2026-01-03T00:00:00.000Z');
    expect(text).toMatch(/value {7}1000000 bytes: a{4096} … and 995904 bytes more: --json has them all\n$/);
    expect(text).toContain('redriven    2026-01-03T00:00:00.000Z');
  });

  test('as JSON, the whole of it', () => {
    expect(JSON.parse(letterJson(letter, null))).toEqual({
      id: '1:42',
      origin: letter.origin,
      reason: 'NOT_JSON',
      message: 'the value is no JSON',
      time: '2026-01-02T03:04:05.006Z',
      redrivenAt: null,
      key: null,
      value: letter.value?.toString('base64'),
      headers: [
        { name: 'trace', value: 'AP8=' },
        { name: 'trace', value: null },
      ],
    });
  });

  test('a table whose columns stand in line, headers of strangers escaped', () => {
    const summary = {
      id: letter.id,
      origin: letter.origin,
      reason: letter.reason,
      timestampMs: letter.timestampMs,
      sizeBytes: 11,
      redrivenAt: null,
    };
    const table = summaryTable([
      summary,
      {
        ...summary,
        id: '0:7',
        origin: null,
        reason: '\u001b[31m',
        sizeBytes: null,
        redrivenAt: '2026-01-03T00:00:00.000Z',
      },
    ]);
    expect(table.split('\n')).toEqual([
      'DEAD LETTER  ORIGIN           REASON      TIME                      BYTES     REDRIVEN',
      '1:42         user-login-3@99  NOT_JSON    2026-01-02T03:04:05.006Z  11        -',
      '0:7          unknown          \\u{1b}[31m  2026-01-02T03:04:05.006Z  no value  2026-01-03T00:00:00.000Z',
      '',
    ]);
    expect(JSON.parse(summaryJson(summary))).toEqual({
      id: '1:42',
      origin: letter.origin,
      reason: 'NOT_JSON',
      sizeBytes: 11,
      redrivenAt: null,
      time: '2026-01-02T03:04:05.006Z',
    });
  });

  test('a time that no calendar has', () => {
    expect(timeText(9e15)).toBe('9000000000000000');
  });
});

test('a redrive is remembered by place and time: a topic made anew has the same places', () => {
  expect(markerKey(letter)).toBe('1:42@1767323045006');
  expect(markerKey({ ...letter, timestampMs: letter.timestampMs + 1 })).not.toBe(markerKey(letter));
});
