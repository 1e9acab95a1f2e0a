import { badUserInput } from '../graphql/api-error.ts';
import { isPlainObject } from '../types/plain-object.ts';
import type { PlainField } from '../types/type-model.ts';
import type { Row, SortValue } from './row.ts';
import { isSortValueOf, sortTypeOf, sortValueOf } from './sort-values.ts';

/** What a client asks of rows: comparisons by field, and `and`, `or`, `not`. */
export type RowFilter = Readonly<Record<string, unknown>>;

export type RowTest = (row: Row) => boolean;

/** Comparisons of one filter, at most. */
const MOST_LEAVES = 10;
/** Filters within filters, at most; the text of an operation allows no more anyway. */
const MOST_LEVELS = 20;

const ALL: RowTest = () => true;
const NONE: RowTest = () => false;

interface FilterOptions {
  /** The fields that may be compared. */
  readonly fields: readonly PlainField[];
  readonly keyName: string;
  /** The argument that a message names. */
  readonly argument: string;
  /** How many comparisons there may be; Infinity for a filter that the application gives. */
  readonly mostLeaves?: number;
}

/**
 * A filter as a function of rows. Absent, null, `{}` and `and: []` take all, `or: []` none. A comparison with a value
 * that is null is false, so that `not` of it is true.
 * @throws GraphQLError BAD_USER_INPUT for more than ten comparisons; TypeError for what no schema would let through.
 */
export function compileFilter(filter: RowFilter | null | undefined, options: FilterOptions): RowTest {
  return new FilterCompiler(options).compile(filter);
}

/** The fields that a filter compares, each once. */
export function fieldsOfFilter(filter: RowFilter | null | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  const gather = (one: unknown): void => {
    if (one === null || typeof one !== 'object') return;
    for (const [name, value] of Object.entries(one)) {
      if (value === null || value === undefined) continue;
      if (name === 'and' || name === 'or') for (const part of value as readonly unknown[]) gather(part);
      else if (name === 'not') gather(value);
      else names.add(name);
    }
  };
  gather(filter);
  return names;
}

class FilterCompiler {
  readonly #options: FilterOptions;
  #leaves = 0;

  constructor(options: FilterOptions) {
    this.#options = options;
  }

  compile(filter: RowFilter | null | undefined, level = 0): RowTest {
    if (filter == null) return ALL;
    if (!isPlainObject(filter)) throw new TypeError('the filter is no object of comparisons by field');
    if (level > MOST_LEVELS)
      throw badUserInput(this.#options.argument, `has more than ${MOST_LEVELS} filters within each other.`);
    const tests: RowTest[] = [];
    for (const [name, given] of Object.entries(filter)) {
      if (given === null || given === undefined) continue;
      if (name === 'and') tests.push(every(this.#parts(given, level)));
      else if (name === 'or') tests.push(some(this.#parts(given, level)));
      else if (name === 'not') tests.push(negated(this.compile(given as RowFilter, level + 1)));
      else tests.push(...this.#comparisons(name, given));
    }
    return every(tests);
  }

  #parts(given: unknown, level: number): RowTest[] {
    if (!Array.isArray(given)) throw new TypeError('"and" and "or" of the filter take lists of filters');
    return (given as readonly (RowFilter | null)[]).map((part) => this.compile(part, level + 1));
  }

  #comparisons(name: string, operators: unknown): RowTest[] {
    const { fields, keyName, argument, mostLeaves = MOST_LEAVES } = this.#options;
    const field = fields.find((one) => one.name === name);
    if (field === undefined) throw new TypeError(`the filter compares "${name}", which is no field that can be`);
    // What compares nothing takes all rows: a value in the place of its comparison must not.
    if (!isPlainObject(operators))
      throw new TypeError(`the filter compares "${name}" without saying how, such as { eq: … }`);
    const valueOf = (row: Row): SortValue => sortValueOf(field, name === keyName ? row.key : row.value[name]);
    return Object.entries(operators).flatMap(([operator, given]) => {
      if (given === null || given === undefined) return [];
      this.#leaves += 1;
      if (this.#leaves > mostLeaves)
        throw badUserInput(argument, `compares more than ${mostLeaves} times. Ask for less at once.`);
      return [comparison(operator, field, given, valueOf)];
    });
  }
}

function comparison(operator: string, field: PlainField, given: unknown, valueOf: (row: Row) => SortValue): RowTest {
  checkCompared(operator, field, given);
  // Not compared with a value.
  if (operator === 'isNull') return (row) => (valueOf(row) === null) === given;
  const withValue = (test: (value: NonNullable<SortValue>) => boolean): RowTest => {
    return (row) => {
      const value = valueOf(row);
      return value !== null && test(value);
    };
  };
  if (operator === 'in') {
    const wanted = new Set((given as readonly unknown[]).map((one) => sortValueOf(field, one)));
    return withValue((value) => wanted.has(value));
  }
  const wanted = sortValueOf(field, given) as NonNullable<SortValue>;
  switch (operator) {
    case 'eq':
      return withValue((value) => value === wanted);
    case 'lt':
      return withValue((value) => value < wanted);
    case 'lte':
      return withValue((value) => value <= wanted);
    case 'gt':
      return withValue((value) => value > wanted);
    case 'gte':
      return withValue((value) => value >= wanted);
    case 'prefix':
      return withValue((value) => String(value).startsWith(String(wanted)));
    case 'contains':
      return withValue((value) => String(value).includes(String(wanted)));
    default:
      throw new TypeError(`the filter compares "${field.name}" by "${operator}", which there is not`);
  }
}

const OF_TEXT = new Set(['prefix', 'contains']);

/** @throws TypeError for a value that no row could be equal to. */
function checkCompared(operator: string, field: PlainField, given: unknown): void {
  const isOne =
    operator === 'isNull'
      ? typeof given === 'boolean'
      : operator === 'in'
        ? Array.isArray(given) && given.every((one) => isSortValueOf(field, one))
        : isSortValueOf(field, given) && (!OF_TEXT.has(operator) || sortTypeOf(field) === 'string');
  if (!isOne) throw new TypeError(`the filter compares "${field.name}" by "${operator}" with no value that it takes`);
}

/*
 * What takes all rows, or none, is no test of a row: a filter may hold thousands of such parts, which count as no
 * comparison, and must cost nothing for each row.
 */

function every(tests: readonly RowTest[]): RowTest {
  if (tests.includes(NONE)) return NONE;
  const needed = tests.filter((test) => test !== ALL);
  const [first, second] = needed;
  if (first === undefined) return ALL;
  if (second === undefined) return first;
  return (row) => needed.every((test) => test(row));
}

function some(tests: readonly RowTest[]): RowTest {
  if (tests.includes(ALL)) return ALL;
  const needed = tests.filter((test) => test !== NONE);
  const [first, second] = needed;
  if (first === undefined) return NONE;
  if (second === undefined) return first;
  return (row) => needed.some((test) => test(row));
}

function negated(test: RowTest): RowTest {
  if (test === ALL) return NONE;
  return test === NONE ? ALL : (row) => !test(row);
}
