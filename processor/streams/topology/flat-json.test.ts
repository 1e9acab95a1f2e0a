import { describe, expect, test } from '@jest/globals';
import { FieldKind, flatJsonScanner } from './flat-json.ts';

const FIELDS = ['name', 'n', 'flag'];

/** What a scan found, in words; null for "not clean". A new scanner each time, unless one is passed. */
function scan(text: string | Buffer, scanner = flatJsonScanner(FIELDS)): unknown[] | null {
  const bytes = Buffer.from(text as string);
  if (!scanner.scan(bytes)) return null;
  return FIELDS.map((_, i) => {
    const kind = scanner.kinds[i];
    if (kind === FieldKind.STRING) return `"${bytes.toString('latin1', scanner.starts[i], scanner.ends[i])}"`;
    if (kind === FieldKind.NUMBER) return `#${bytes.toString('latin1', scanner.starts[i], scanner.ends[i])}`;
    return Object.entries(FieldKind).find(([, value]) => value === kind)?.[0];
  });
}

describe('what it finds', () => {
  test.each([
    ['{}', ['ABSENT', 'ABSENT', 'ABSENT']],
    [' { } ', ['ABSENT', 'ABSENT', 'ABSENT']],
    ['{"name":"Ann","n":12,"flag":true}', ['"Ann"', '#12', 'TRUE']],
    ['{"flag":false,"other":"x","n":-0.50,"name":""}', ['""', '#-0.50', 'FALSE']],
    ['{"name":null,"n":null}', ['NULL', 'NULL', 'ABSENT']],
    ['\r\n{ "n" :\t0 , "more" : null,"more":1,"Name":"no","nam":2,"names":3 }\n', ['ABSENT', '#0', 'ABSENT']],
    ['{"name":"\u007f"}', ['"\u007f"', 'ABSENT', 'ABSENT']],
    ['{"":1,"n":0.0}', ['ABSENT', '#0.0', 'ABSENT']],
  ])('%s', (text, found) => {
    expect(scan(text)).toEqual(found);
    expect(() => JSON.parse(text)).not.toThrow();
  });
});

describe('what is not clean though it is JSON: the caller asks JSON.parse', () => {
  test.each([
    ['an escape in a value', '{"name":"a\\u0041"}'],
    ['an escape in a key', '{"n\\u0061me":"a"}'],
    ['a nested object', '{"name":{}}'],
    ['a nested object in a field that is not wanted', '{"other":{"name":"a"},"n":1}'],
    ['an array', '{"name":[]}'],
    ['a character outside ASCII', '{"name":"\u00e9"}'],
    ['such a character in a field that is not wanted', '{"other":"\u00e9"}'],
    ['a wanted field twice', '{"name":"a","name":"b"}'],
    ['a wanted field twice, null first', '{"name":null,"name":"b"}'],
    ['an exponent', '{"n":1e3}'],
    ['an array at the top', '[]'],
    ['text', '"name"'],
    ['a number', '1'],
  ])('%s', (_, text) => {
    expect(scan(text)).toBeNull();
    expect(() => JSON.parse(text)).not.toThrow();
  });
});

describe('what is no JSON', () => {
  const whole = '{"name" : "Ann","n":-12.5,"flag":true, "x":null}';
  const cut = Array.from({ length: whole.length }, (_, length) => ['cut short', whole.slice(0, length)]);
  test.each([
    ...cut,
    ['no comma', '{"n":1"flag":true}'],
    ['another sign for a comma', '{"n":1;"flag":true}'],
    ['no colon', '{"n" 1}'],
    ['a comma too many', '{"n":1,}'],
    ['a comma before', '{,"n":1}'],
    ['bytes behind it', '{"n":1}}'],
    ['a NUL behind it', '{"n":1}\0'],
    ['a control character in a string', '{"name":"a\tb"}'],
    ['the last of the control characters in a string', '{"name":"a\u001fb"}'],
    ['a control character in a key', '{"na\nme":"a"}'],
    ['a byte-order mark', '\ufeff{}'],
    ['white space that JSON does not know', '{\u000b"n":1}'],
    ['a leading zero', '{"n":01}'],
    ['a minus alone', '{"n":-}'],
    ['a minus and a leading zero', '{"n":-01}'],
    ['a point at the end', '{"n":1.}'],
    ['a point at the start', '{"n":.5}'],
    ['a plus', '{"n":+1}'],
    ['two points', '{"n":1.2.3}'],
    ['hexadecimal', '{"n":0x1}'],
    ['a capital', '{"flag":True}'],
    ['half a word', '{"flag":tru}'],
    ['a word too long', '{"flag":trues}'],
    ['NaN', '{"n":NaN}'],
    ['a key without quotes', '{n:1}'],
    ['a number for a key', '{1:1}'],
    ['single quotes', "{'n':1}"],
  ])('%s: %s', (_, text) => {
    expect(scan(text)).toBeNull();
    expect(() => JSON.parse(text)).toThrow();
  });
});

test('a scanner remembers key order only to be quick: other orders, keys and lengths are found all the same', () => {
  const scanner = flatJsonScanner(FIELDS);
  const texts = [
    '{"name":"a","n":1,"flag":true}',
    '{"n":2,"flag":false,"name":"b"}',
    '{"names":"c","name":"d"}',
    '{"nam":1}',
    '{"flag":null,"x":0,"n":3}',
    '{}',
  ];
  for (const first of texts) {
    for (const second of texts) {
      scan(first, scanner);
      expect(scan(second, scanner)).toEqual(scan(second));
    }
  }
});

test('nothing of a scan is left for the next', () => {
  const scanner = flatJsonScanner(FIELDS);
  scan('{"name":"a","n":1,"flag":true}', scanner);
  expect(scan('{"other":1}', scanner)).toEqual(['ABSENT', 'ABSENT', 'ABSENT']);
});

test('more keys than are remembered', () => {
  const many = Array.from({ length: 200 }, (_, i) => `"k${i}":${i}`).join(',');
  const scanner = flatJsonScanner(FIELDS);
  for (let i = 0; i < 2; i++) expect(scan(`{${many},"n":7,"name":"z"}`, scanner)).toEqual(['"z"', '#7', 'ABSENT']);
});

test('it reads the bytes it is given and no others of the buffer they are part of', () => {
  const buffer = Buffer.from('{"n":1}{"n":2}');
  const scanner = flatJsonScanner(['n']);
  expect(scanner.scan(buffer)).toBe(false);
  expect(scanner.scan(buffer.subarray(7))).toBe(true);
  expect([scanner.starts[0], scanner.ends[0]]).toEqual([5, 6]);
});

test('bytes that are no ASCII, each alone in a string: not clean', () => {
  for (let byte = 0x80; byte < 0x100; byte++)
    expect(scan(Buffer.concat([Buffer.from('{"name":"'), Buffer.from([byte]), Buffer.from('"}')]))).toBeNull();
});

test('field names that could never be found are refused', () => {
  expect(() => flatJsonScanner(['caf\u00e9'])).toThrow('field "caf\u00e9" is not plain ASCII');
  expect(() => flatJsonScanner(['a"b'])).toThrow(RangeError);
  expect(() => flatJsonScanner(['a', 'b', 'a'])).toThrow('field "a" is given twice');
});
