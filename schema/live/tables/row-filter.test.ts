import { describe, expect, test } from '@jest/globals';

import type { PlainField } from '../types/type-model.ts';
import { compileFilter, fieldsOfFilter, type RowFilter } from './row-filter.ts';
import type { Row } from './row.ts';

const FIELDS: readonly PlainField[] = [
  { name: 'sku', type: { kind: 'scalar', name: 'String' }, nullable: false },
  { name: 'cents', type: { kind: 'scalar', name: 'SafeInt' }, nullable: true },
  { name: 'units', type: { kind: 'scalar', name: 'BigInt' }, nullable: false },
  { name: 'at', type: { kind: 'scalar', name: 'DateTime' }, nullable: false },
  { name: 'paid', type: { kind: 'scalar', name: 'Boolean' }, nullable: false },
  { name: 'state', type: { kind: 'enum', name: 'State', values: ['OPEN', 'DONE'] }, nullable: false },
];

function row(value: Readonly<Record<string, unknown>>, key = 'a'): Row {
  const units = 1n;
  return {
    name: key,
    key,
    keyText: key,
    startMs: 0,
    endMs: 0,
    value: { cents: 5, units, at: '2026-01-01T00:00:00Z', paid: true, state: 'OPEN', ...value },
    partition: 0,
    offset: 0,
    timestampMs: 0,
    bytes: 1,
  };
}

function takes(filter: RowFilter | null | undefined, one = row({})): boolean {
  return compileFilter(filter, { fields: FIELDS, keyName: 'sku', argument: 'filter' })(one);
}

describe('a filter', () => {
  test.each<[RowFilter | null | undefined, boolean]>([
    [undefined, true],
    [null, true],
    [{}, true],
    [{ and: [] }, true],
    [{ and: null }, true],
    [{ or: [] }, false],
    [{ or: null }, true],
    [{ not: null }, true],
    [{ not: {} }, false],
    [{ not: { or: [] } }, true],
    [{ cents: null }, true],
    [{ cents: {} }, true],
    [{ cents: { eq: null } }, true],
    [{ cents: { eq: 5 } }, true],
    [{ cents: { in: [] } }, false],
    [{ cents: { gt: 4, lt: 5 } }, false],
    [{ sku: { prefix: 'a', contains: 'a' } }, true],
    [{ sku: { gte: 'b' } }, false],
    [{ units: { gte: 1n, lt: 2n } }, true],
    [{ paid: { eq: false } }, false],
    [{ state: { in: ['DONE', 'OPEN'] } }, true],
    // One instant, written in two ways.
    [{ at: { eq: '2026-01-01T01:00:00+01:00' } }, true],
    [{ at: { lt: Date.UTC(2026, 0, 2) } }, true],
  ])('%j', (filter, expected) => {
    expect(takes(filter)).toBe(expected);
  });

  test('a comparison with null is false, and not of it is true', () => {
    const none = row({ cents: null });
    for (const operator of ['eq', 'lt', 'lte', 'gt', 'gte'] as const) {
      expect(takes({ cents: { [operator]: 5 } }, none)).toBe(false);
      expect(takes({ not: { cents: { [operator]: 5 } } }, none)).toBe(true);
    }
    expect(takes({ cents: { isNull: true } }, none)).toBe(true);
    expect(takes({ cents: { isNull: false } }, none)).toBe(false);
    expect(takes({ cents: { isNull: true } }, row({ cents: undefined }))).toBe(true);
  });

  test('compares at most ten times, wherever the comparisons are', () => {
    const ten = { or: Array.from({ length: 5 }, () => ({ cents: { gt: 1, lt: 9 } })) };
    expect(takes(ten)).toBe(true);
    expect(() => takes({ ...ten, not: { cents: { eq: 1 } } })).toThrow(/compares more than 10 times/);
  });

  test('within each other they end before the stack does', () => {
    let filter: RowFilter = { cents: { eq: 5 } };
    for (let level = 0; level < 10_000; level++) filter = { not: filter };
    expect(() => takes(filter)).toThrow(/within each other/);
  });

  test('names the fields that it compares', () => {
    expect([
      ...fieldsOfFilter({ cents: { gt: 1 }, or: [{ sku: { eq: 'a' } }, { not: { paid: { eq: true } } }], at: null }),
    ]).toEqual(['cents', 'sku', 'paid']);
  });
});
