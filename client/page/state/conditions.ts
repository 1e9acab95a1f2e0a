/** Conditions that a person puts on rows, and the filter that the API is given for them. */
import { fieldsOf } from '../api/model.ts';
import type { PageField, PageTable, PageType } from '../api/model.ts';

const OPERATORS = ['eq', 'ne', 'in', 'prefix', 'contains', 'gt', 'gte', 'lt', 'lte', 'empty', 'filled'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  readonly field: string;
  readonly operator: Operator;
  /** As it was typed; several values apart by commas. */
  readonly text: string;
}

/** Comparisons that an API takes in one filter. */
export const MOST_CONDITIONS = 10;

const TEXT_OPERATORS: readonly Operator[] = ['eq', 'ne', 'in', 'prefix', 'contains', 'gt', 'gte', 'lt', 'lte'];
const NUMBER_OPERATORS: readonly Operator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in'];
const FEW_OPERATORS: readonly Operator[] = ['eq', 'ne', 'in'];
const NULL_OPERATORS: readonly Operator[] = ['empty', 'filled'];

/** What a field can be compared by. */
export function operatorsOf({ type, nullable }: PageField): readonly Operator[] {
  const own =
    type.kind === 'enum'
      ? FEW_OPERATORS
      : type.name === 'Boolean'
        ? (['eq'] as const)
        : type.name === 'String'
          ? TEXT_OPERATORS
          : NUMBER_OPERATORS;
  return nullable ? [...own, ...NULL_OPERATORS] : own;
}

/** An operator in words, between a field and a value. */
export function operatorWords(operator: Operator, type: PageType): string {
  const isTime = type.kind === 'scalar' && (type.name === 'DateTime' || type.name === 'Date');
  switch (operator) {
    case 'eq':
      return 'is';
    case 'ne':
      return 'is not';
    case 'in':
      return 'is one of';
    case 'prefix':
      return 'starts with';
    case 'contains':
      return 'contains';
    case 'gt':
      return isTime ? 'is after' : 'is more than';
    case 'gte':
      return isTime ? 'is from' : 'is at least';
    case 'lt':
      return isTime ? 'is before' : 'is less than';
    case 'lte':
      return isTime ? 'is up to' : 'is at most';
    case 'empty':
      return 'is empty';
    case 'filled':
      return 'is not empty';
  }
}

/** Whether a condition compares with a value. */
export function takesValue(operator: Operator): boolean {
  return !NULL_OPERATORS.includes(operator);
}

export function isOperator(text: string): text is Operator {
  return (OPERATORS as readonly string[]).includes(text);
}

/** The fields that rows of a table can be filtered by, in their order. */
export function filterableFields(table: PageTable): readonly PageField[] {
  return fieldsOf(table).filter(({ name }) => table.filterFields.includes(name));
}

type Parsed = { readonly value: unknown } | { readonly problem: string };

const WHOLE = /^[+-]?\d+$/;
const LARGEST_INT = 2 ** 31 - 1;

/** One value of a type, as an API takes it. */
export function parseValue(text: string, type: PageType): Parsed {
  const trimmed = text.trim();
  if (type.kind === 'enum')
    return type.values.includes(trimmed) ? { value: trimmed } : { problem: `One of ${type.values.join(', ')}.` };
  switch (type.name) {
    case 'Int':
      return wholeNumber(trimmed, -LARGEST_INT - 1, LARGEST_INT);
    case 'Count':
      return wholeNumber(trimmed, 0, Number.MAX_SAFE_INTEGER);
    case 'SafeInt':
      return wholeNumber(trimmed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case 'Float': {
      const value = trimmed === '' ? Number.NaN : Number(trimmed);
      return Number.isFinite(value) ? { value } : { problem: 'A number, such as 12.5.' };
    }
    case 'BigInt':
      return WHOLE.test(trimmed) ? { value: trimmed } : { problem: 'A whole number.' };
    case 'Boolean':
      return trimmed === 'true' || trimmed === 'false'
        ? { value: trimmed === 'true' }
        : { problem: 'Either true or false.' };
    case 'DateTime': {
      const at = Date.parse(trimmed);
      return Number.isNaN(at)
        ? { problem: 'A date and a time, such as 2026-01-31T12:00Z.' }
        : { value: new Date(at).toISOString() };
    }
    case 'Date': {
      // Some take the 30th of February for a day in March.
      const at = Date.parse(trimmed);
      const isDay = !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === trimmed;
      return isDay ? { value: trimmed } : { problem: 'A date, such as 2026-01-31.' };
    }
    default:
      return text === '' ? { problem: 'Type what to compare with.' } : { value: text };
  }
}

function wholeNumber(text: string, low: number, high: number): Parsed {
  const value = WHOLE.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= low && value <= high) return { value };
  return { problem: low === 0 ? 'A whole number, 0 or more.' : 'A whole number.' };
}

/** The part of a filter that one condition is, or what is wrong with it. */
function partOf({ field: name, operator, text }: Condition, fields: readonly PageField[]): Parsed {
  const field = fields.find((one) => one.name === name);
  if (field === undefined) return { problem: `Rows cannot be filtered by "${name}".` };
  if (!operatorsOf(field).includes(operator))
    return { problem: `"${name}" cannot be compared by "${operatorWords(operator, field.type)}".` };
  if (operator === 'empty' || operator === 'filled') return { value: { [name]: { isNull: operator === 'empty' } } };
  if (operator === 'in') {
    const parts = text.split(',').map((part) => parseValue(part.trim(), field.type));
    const wrong = parts.find((part) => 'problem' in part);
    return wrong ?? { value: { [name]: { in: parts.map((part) => ('value' in part ? part.value : null)) } } };
  }
  const parsed = parseValue(text, field.type);
  if ('problem' in parsed) return parsed;
  return {
    value: operator === 'ne' ? { not: { [name]: { eq: parsed.value } } } : { [name]: { [operator]: parsed.value } },
  };
}

export interface CheckedConditions {
  /** What the API is given; null for no filter. Conditions with a problem are not in it. */
  readonly filter: object | null;
  /** What is wrong with each condition; null where nothing is. */
  readonly problems: readonly (string | null)[];
}

/** All conditions must hold. */
export function checkConditions(table: PageTable, conditions: readonly Condition[]): CheckedConditions {
  const fields = filterableFields(table);
  const parsed = conditions.map((condition, index): Parsed =>
    index < MOST_CONDITIONS ? partOf(condition, fields) : { problem: `At most ${MOST_CONDITIONS} at once.` },
  );
  const parts = parsed.flatMap((part) => ('value' in part ? [part.value] : []));
  return {
    filter: parts.length === 0 ? null : { and: parts },
    problems: parsed.map((part) => ('problem' in part ? part.problem : null)),
  };
}
