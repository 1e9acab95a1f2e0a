import { didYouMean, textOf } from '@tributary/streams/operations';
import { FILTER_WORDS } from '../types/generated-names.ts';
import { quoted } from '../types/graphql-names.ts';
import type { FieldType, PlainField, TypedField } from '../types/type-model.ts';
import type { TableKey } from './declared-table.ts';
import type { GivenOptions, Refuse } from './table-shape.ts';

export interface ListedFields {
  readonly filterFields: readonly PlainField[];
  readonly orderFields: readonly PlainField[];
  readonly plainFields: readonly PlainField[];
}

/** The key and the fields that `filter` and `orderBy` name, in the order in which the value has them. */
export function listedFields(
  given: GivenOptions,
  key: TableKey,
  fields: readonly TypedField[],
  refuse: Refuse,
): ListedFields {
  const all = [key, ...fields];
  const plainFields = all.filter(isPlain);
  const ordering = namesIn('orderBy', given['orderBy'], all, refuse);
  const filtering = [...namesIn('filter', given['filter'], all, refuse), ...ordering];
  const orderFields = plainFields.filter((field) => field === key || ordering.includes(field.name));
  const filterFields = plainFields.filter((field) => field === key || filtering.includes(field.name));

  const word = filterFields.find(({ name }) => FILTER_WORDS.includes(name));
  if (word !== undefined)
    refuse('filter', `has the field ${quoted(word.name)}, which is a word of filters: a filter cannot have it`);
  const inCapitals = new Map<string, string>();
  for (const { name } of orderFields) {
    const other = inCapitals.get(name.toUpperCase());
    if (other !== undefined)
      refuse('orderBy', `has ${quoted(other)} and ${quoted(name)}, which are both ${name.toUpperCase()} for clients`);
    inCapitals.set(name.toUpperCase(), name);
  }
  return { filterFields, orderFields, plainFields };
}

function namesIn(option: string, given: unknown, all: readonly TypedField[], refuse: Refuse): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    refuse(option, `is a list of fields, not ${textOf(given)}`);
    return [];
  }
  return (given as readonly unknown[]).filter((name): name is string => {
    const field = all.find((it) => it.name === name);
    if (field !== undefined && isPlain(field)) return true;
    refuse(
      option,
      field === undefined
        ? `has ${textOf(name)}, which is no field: ${didYouMean(
            typeof name === 'string' ? name : '',
            all.filter(isPlain).map((it) => it.name),
          )}`
        : `has ${textOf(name)}, which is ${kindText(field.type)}: only fields of one plain value can be listed`,
    );
    return false;
  });
}

function isPlain(field: TypedField): field is PlainField {
  return field.type.kind === 'enum' || (field.type.kind === 'scalar' && field.type.name !== 'JSON');
}

function kindText(type: FieldType): string {
  return type.kind === 'scalar' ? type.name : type.kind === 'object' ? 'an object' : `a ${type.kind}`;
}
