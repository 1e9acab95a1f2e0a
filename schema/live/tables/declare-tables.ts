import { didYouMean, textOf } from '@tributary/streams/operations';
import { FIELDS_OF_ROWS, keyFieldName } from '../types/generated-names.ts';
import { capitalised, nameProblem, quoted } from '../types/graphql-names.ts';
import { sameType, typeText } from '../types/same-type.ts';
import type { TypedField } from '../types/type-model.ts';
import { valueReader } from '../types/value-reader.ts';
import { ZodTypes } from '../types/zod-type.ts';
import type { DeclaredTable, TableKey } from './declared-table.ts';
import { listedFields } from './listed-fields.ts';
import { optionsOf, type ValueOption } from './table.ts';
import { isSerde, keyOf } from './table-key.ts';
import { checkNames } from './table-names.ts';
import {
  descriptionOf,
  heldOf,
  maxRowsOf,
  servedOf,
  shapeOf,
  sourceOf,
  typeNameOf,
  type GivenOptions,
  type Refuse,
} from './table-shape.ts';

const KNOWN = [
  ...['store', 'topic', 'key', 'value', 'serde', 'window', 'session', 'orderBy', 'filter'],
  ...['held', 'maxRows', 'type', 'description', 'served'],
];

/**
 * The tables, in the order in which they are declared, with all defaults. Each line that is added to `problems` names
 * table and option; a table with one is left out.
 */
export function declareTables(tables: unknown, problems: string[]): DeclaredTable[] {
  if (typeof tables !== 'object' || tables === null || Array.isArray(tables)) {
    problems.push(`tables is an object of tables by their names, not ${textOf(tables)}`);
    return [];
  }
  const types = new ZodTypes(problems);
  const declared = Object.entries(tables).flatMap(([name, declaration]: [string, unknown]) => {
    const before = problems.length;
    const one = declareTable(name, declaration, types, problems);
    return one === undefined || problems.length > before ? [] : [one];
  });
  checkNames(declared, problems);
  return declared;
}

function declareTable(
  name: string,
  declaration: unknown,
  types: ZodTypes,
  problems: string[],
): DeclaredTable | undefined {
  const refuse: Refuse = (option, problem) => {
    problems.push(`table ${quoted(name)}: ${option} ${problem}`);
    return undefined;
  };
  const options = checkedOptions(name, declaration, problems);
  if (options === undefined) return undefined;
  const problem = nameProblem(name);
  if (problem !== undefined) problems.push(`table ${quoted(name)} ${problem}`);

  const typeName = typeNameOf(options, capitalised(name), refuse);
  const source = sourceOf(options, refuse);
  const shape = shapeOf(options, refuse);
  const served = servedOf(options, refuse);
  const isWindowed = options['window'] !== undefined || options['session'] !== undefined;
  const taken = served ? FIELDS_OF_ROWS : isWindowed ? ['window'] : [];
  const key = keyOf(options['key'], { name, typeName, isWindowed, taken }, types, refuse);
  const value = valueOf(options, types, { name, typeName }, refuse);
  const held = heldOf(options, refuse);
  const maxRows = maxRowsOf(options, refuse);
  const description = descriptionOf(options, refuse);
  if (key === undefined || value === undefined) return undefined;

  const fields = fieldsBesideKey(value.fields, key, { served, taken }, refuse);
  const listed = listedFields(options, key, fields, refuse);
  if (source === undefined || shape === undefined) return undefined;
  return {
    name,
    typeName,
    description: description ?? value.description,
    source,
    shape,
    key,
    fields,
    ...listed,
    held,
    maxRows,
    served,
    readValue: value.read,
  };
}

function checkedOptions(name: string, declaration: unknown, problems: string[]): GivenOptions | undefined {
  const given = optionsOf(declaration);
  if (given === undefined) {
    problems.push(`table ${quoted(name)} is made with table({ … }), not ${textOf(declaration)}`);
    return undefined;
  }
  const { options } = given;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    problems.push(`table ${quoted(name)}: table() takes an object with options, not ${textOf(options)}`);
    return undefined;
  }
  for (const option of Object.keys(options))
    if (!KNOWN.includes(option))
      problems.push(`table ${quoted(name)} has no option ${quoted(option)}: ${didYouMean(option, KNOWN)}`);
  return { ...options };
}

interface ValueOfTable {
  readonly fields: readonly TypedField[];
  readonly description: string | undefined;
  readonly read: DeclaredTable['readValue'];
}

function valueOf(
  { value, serde }: GivenOptions,
  types: ZodTypes,
  { name, typeName }: { readonly name: string; readonly typeName: string },
  refuse: Refuse,
): ValueOfTable | undefined {
  if (serde !== undefined && !isSerde(serde))
    refuse('serde', `is a serde, with serialize and deserialize, not ${textOf(serde)}`);
  if (value === undefined) return refuse('value', 'is missing: it is the zod object that the values are');
  const type = types.readValue(value, typeName, { table: name, path: 'value' });
  if (type === undefined) return undefined;
  const read = valueReader(value as ValueOption, isSerde(serde) ? serde : undefined);
  return { fields: type.fields, description: type.description, read };
}

/** The key's field wins over one of the value that says the same; two that differ cannot have one name. */
function fieldsBesideKey(
  fields: readonly TypedField[],
  key: TableKey,
  { served, taken }: { readonly served: boolean; readonly taken: readonly string[] },
  refuse: Refuse,
): readonly TypedField[] {
  return fields.filter(({ name, type }) => {
    if (name === key.name) {
      if (sameType(type, key.type)) return false;
      refuse(`value.${name}`, `is ${typeText(type)}, and key.${name} is ${typeText(key.type)}: give one another name`);
    } else if (taken.includes(name))
      refuse(`value.${name}`, `and the ${quoted(name)} that rows have of their own have one name: give it another one`);
    else if (served && name === keyFieldName(key.name))
      refuse(`value.${name}`, `and the field of that name, which holds key.${key.name}: give one another name`);
    return true;
  });
}
