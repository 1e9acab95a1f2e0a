import { describe, expect, test } from '@jest/globals';
import { type GraphQLScalarType, parseValue } from 'graphql';

import { bigIntScalar, dateScalar, dateTimeScalar, jsonScalar, rfc3339ToMs, safeIntScalar } from './scalars.ts';

const literal = (scalar: GraphQLScalarType, text: string): unknown => scalar.parseLiteral(parseValue(text), {});

describe('DateTime', () => {
  test('is written in UTC with milliseconds, from epoch milliseconds and from the text of a row', () => {
    expect(dateTimeScalar.serialize(1_769_860_800_000)).toBe('2026-01-31T12:00:00.000Z');
    expect(dateTimeScalar.serialize('2026-01-31T14:00:00.5+02:00')).toBe('2026-01-31T12:00:00.500Z');
    expect(dateTimeScalar.serialize('2026-01-31T12:00:00Z')).toBe('2026-01-31T12:00:00.000Z');
    for (const value of ['2026-01-31', 'now', 1.5, Number.NaN, null, new Date()])
      expect(() => dateTimeScalar.serialize(value)).toThrow(TypeError);
  });

  test('is read as epoch milliseconds', () => {
    expect(dateTimeScalar.parseValue('2026-01-31T12:00:00Z')).toBe(1_769_860_800_000);
    expect(rfc3339ToMs('2026-01-31T12:00:00.9999Z')).toBe(1_769_860_800_999);
    expect(rfc3339ToMs('2026-02-30T12:00:00Z')).toBeNull();
  });
});

test('Date is a day that there is', () => {
  expect(dateScalar.serialize('2026-01-31')).toBe('2026-01-31');
  expect(dateScalar.parseValue('2024-02-29')).toBe('2024-02-29');
  expect(literal(dateScalar, '"2024-02-29"')).toBe('2024-02-29');
  for (const value of ['2026-02-29', '2026-1-31', '2026-01-31T00:00:00Z', 20_260_131, null]) {
    expect(() => dateScalar.serialize(value)).toThrow(TypeError);
    expect(() => dateScalar.parseValue(value)).toThrow(/A Date is a day as text/);
  }
  expect(() => literal(dateScalar, '2026')).toThrow(/A Date is/);
});

test('SafeInt is a whole number either way', () => {
  for (const value of [0, -7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    expect(safeIntScalar.serialize(value)).toBe(value);
    expect(safeIntScalar.parseValue(value)).toBe(value);
    expect(literal(safeIntScalar, String(value))).toBe(value);
  }
  for (const value of [2 ** 53, 1.5, '1', null]) {
    expect(() => safeIntScalar.serialize(value)).toThrow(RangeError);
    expect(() => safeIntScalar.parseValue(value)).toThrow(/A SafeInt is/);
  }
  expect(() => literal(safeIntScalar, '9007199254740992')).toThrow(/A SafeInt is/);
});

test('BigInt is decimal text, of any size that a client may ask for', () => {
  const most = '-123456789012345678901234567890';
  expect(bigIntScalar.serialize(BigInt(most))).toBe(most);
  expect(bigIntScalar.parseValue(most)).toBe(BigInt(most));
  expect(bigIntScalar.parseValue(12)).toBe(12n);
  expect(literal(bigIntScalar, most)).toBe(BigInt(most));
  expect(literal(bigIntScalar, `"${most}"`)).toBe(BigInt(most));
  expect(() => bigIntScalar.serialize(1)).toThrow(TypeError);
  for (const value of ['1.5', '1e3', '', ' 1', '0x1', '9'.repeat(1_001), 2 ** 53, 1.5, null, true])
    expect(() => bigIntScalar.parseValue(value)).toThrow(/A BigInt is/);
  expect(() => literal(bigIntScalar, '1.5')).toThrow(/A BigInt is/);
});

test('JSON is what JSON can hold', () => {
  const value = { a: [1, 'x', null, true, { b: undefined }], c: Object.create(null) as object };
  expect(jsonScalar.serialize(value)).toBe(value);
  for (const none of [1n, { a: [1n] }, Number.NaN, new Map(), new Date(), () => 1, [Symbol('a')]])
    expect(() => jsonScalar.serialize(none)).toThrow(TypeError);
  expect(literal(jsonScalar, '{ a: [1, "x", null, { b: 1.5 }] }')).toEqual({ a: [1, 'x', null, { b: 1.5 }] });
});
