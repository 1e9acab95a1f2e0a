import type { RowFilter } from '../tables/row-filter.ts';
import { isSortValueOf, sortTypeOf } from '../tables/sort-values.ts';
import { isPlainObject } from '../types/plain-object.ts';
import type { PlainField } from '../types/type-model.ts';

const COMPARISONS = new Set(['eq', 'lt', 'lte', 'gt', 'gte']);
const OF_TEXT = new Set(['prefix', 'contains']);

/**
 * The filter that a rule has answered. It is read more strictly than a client's, where null and what is left out take
 * all: a value that a rule has lost must not show everything. Only `{}` and `and: []` take all.
 * @throws TypeError that names the place, without the value.
 */
export function ruleFilter(answer: unknown, fields: readonly PlainField[]): RowFilter {
  checkFilter(answer, fields, '');
  return answer as RowFilter;
}

function checkFilter(filter: unknown, fields: readonly PlainField[], place: string): void {
  if (!isPlainObject(filter)) throw wrong(place, 'no filter');
  for (const [name, part] of Object.entries(filter)) {
    const at = place === '' ? name : `${place}.${name}`;
    if (name === 'and' || name === 'or') {
      if (!Array.isArray(part)) throw wrong(at, 'no list of filters');
      for (const one of part) checkFilter(one, fields, at);
    } else if (name === 'not') checkFilter(part, fields, at);
    else {
      const field = fields.find((one) => one.name === name);
      if (field === undefined) throw wrong(at, 'which is no plain field of the table');
      checkComparisons(part, field, at);
    }
  }
}

function checkComparisons(given: unknown, field: PlainField, place: string): void {
  if (!isPlainObject(given) || Object.keys(given).length === 0) throw wrong(place, 'no comparison');
  for (const [operator, value] of Object.entries(given)) {
    const at = `${place}.${operator}`;
    if (operator === 'isNull') {
      if (typeof value !== 'boolean') throw wrong(at, 'no boolean');
    } else if (operator === 'in') {
      if (!Array.isArray(value) || !value.every((one) => isSortValueOf(field, one)))
        throw wrong(at, 'no list of values');
    } else if (COMPARISONS.has(operator) || (OF_TEXT.has(operator) && sortTypeOf(field) === 'string')) {
      if (!isSortValueOf(field, value)) throw wrong(at, 'no value of the field');
    } else throw wrong(at, 'which is no comparison of the field');
  }
}

function wrong(place: string, what: string): TypeError {
  return new TypeError(`${what}${place === '' ? '' : ` at ${place}`}`);
}
