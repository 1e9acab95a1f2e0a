import { expect, test } from '@jest/globals';
import { checkConditions, filterableFields, MOST_CONDITIONS, operatorsOf, operatorWords } from './conditions.ts';
import { field, scalar, table } from './test-tables.ts';
import type { Condition, Operator } from './conditions.ts';
import type { PageField } from '../api/model.ts';

const colour = { kind: 'enum', name: 'Colour', values: ['RED', 'BLUE'] } as const;
const fields: readonly PageField[] = [
  field('name', 'String'),
  field('int', 'Int'),
  field('count', 'Count'),
  field('safe', 'SafeInt'),
  field('ratio', 'Float'),
  field('big', 'BigInt'),
  field('open', 'Boolean'),
  field('colour', colour),
  field('at', 'DateTime', { nullable: true }),
  field('on', 'Date'),
];
const all = table({ fields, filterFields: fields.map(({ name }) => name) });
const condition = (name: string, operator: Operator, text = ''): Condition => ({ field: name, operator, text });
const check = (...conditions: Condition[]) => checkConditions(all, conditions);
const partOf = (name: string, operator: Operator, text = ''): unknown =>
  (check(condition(name, operator, text)).filter as { and: unknown[] } | null)?.and[0];

test('each condition is a part of the filter, in the form of its type', () => {
  expect(partOf('name', 'prefix', ' a')).toEqual({ name: { prefix: ' a' } });
  expect(partOf('int', 'lt', '-5')).toEqual({ int: { lt: -5 } });
  expect(partOf('ratio', 'gte', '0.5')).toEqual({ ratio: { gte: 0.5 } });
  expect(partOf('big', 'eq', '123456789012345678901')).toEqual({ big: { eq: '123456789012345678901' } });
  expect(partOf('open', 'eq', 'false')).toEqual({ open: { eq: false } });
  expect(partOf('colour', 'in', 'RED, BLUE')).toEqual({ colour: { in: ['RED', 'BLUE'] } });
  expect(partOf('at', 'gt', '2026-01-31T12:00:00+01:00')).toEqual({ at: { gt: '2026-01-31T11:00:00.000Z' } });
  expect(partOf('on', 'lte', '2026-01-31')).toEqual({ on: { lte: '2026-01-31' } });
  expect(partOf('at', 'empty')).toEqual({ at: { isNull: true } });
  expect(partOf('at', 'filled')).toEqual({ at: { isNull: false } });
  expect(partOf('count', 'ne', '3')).toEqual({ not: { count: { eq: 3 } } });
});

test('all conditions must hold; one with a problem is told and left out', () => {
  expect(check(condition('int', 'gt', '1'), condition('count', 'gt', '-1'), condition('int', 'lt', '9'))).toEqual({
    filter: { and: [{ int: { gt: 1 } }, { int: { lt: 9 } }] },
    problems: [null, 'A whole number, 0 or more.', null],
  });
  expect(check()).toEqual({ filter: null, problems: [] });
  expect(check(condition('int', 'gt', 'x')).filter).toBeNull();
});

test.each([
  ['int', 'eq', '2147483648', 'A whole number.'],
  ['safe', 'eq', '9007199254740992', 'A whole number.'],
  ['ratio', 'eq', '', 'A number, such as 12.5.'],
  ['ratio', 'eq', '1e999', 'A number, such as 12.5.'],
  ['big', 'eq', '1.5', 'A whole number.'],
  ['open', 'eq', 'yes', 'Either true or false.'],
  ['colour', 'in', 'RED, GREEN', 'One of RED, BLUE.'],
  ['at', 'eq', 'soon', 'A date and a time, such as 2026-01-31T12:00Z.'],
  ['on', 'eq', '2026-02-30', 'A date, such as 2026-01-31.'],
  ['name', 'eq', '', 'Type what to compare with.'],
  ['gone', 'eq', 'x', 'Rows cannot be filtered by "gone".'],
  ['open', 'lt', 'true', '"open" cannot be compared by "is less than".'],
  ['name', 'empty', '', '"name" cannot be compared by "is empty".'],
] as const)('what is wrong with %s %s "%s" is said', (name, operator, text, problem) => {
  expect(check(condition(name, operator, text))).toEqual({ filter: null, problems: [problem] });
});

test('an API takes no more than ten comparisons', () => {
  const eleven = Array.from({ length: MOST_CONDITIONS + 1 }, () => condition('int', 'eq', '1'));
  expect(checkConditions(all, eleven).problems.at(-1)).toBe('At most 10 at once.');
});

test('a field offers what its type can be compared by; times have words of their own', () => {
  expect(operatorsOf(field('open', 'Boolean'))).toEqual(['eq']);
  expect(operatorsOf(field('colour', colour, { nullable: true }))).toEqual(['eq', 'ne', 'in', 'empty', 'filled']);
  expect([operatorWords('gt', scalar('Int')), operatorWords('gt', scalar('Date'))]).toEqual([
    'is more than',
    'is after',
  ]);
  expect(filterableFields(table()).map(({ name }) => name)).toEqual(['sku', 'cents']);
});
