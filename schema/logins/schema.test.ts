import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { describe, expect, test } from '@jest/globals';
import {
  buildSchema,
  GraphQLEnumType,
  type GraphQLNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  printType,
} from 'graphql';
import { z } from 'zod';

import { createLiveApi, table } from '@tributary/graphql';
import { GDP_CLASSES } from '../../processor/logins/gdp.ts';
import { STATE_CODES } from '../../processor/logins/states.ts';
import { readTypeDefinitions } from './resolvers/api-schema.ts';

const schema = buildSchema(readTypeDefinitions());
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
);

interface Part {
  readonly place: string;
  readonly kind: 'type' | 'field' | 'argument' | 'value';
  readonly name: string;
  readonly description: string | null | undefined;
  readonly deprecationReason?: string | null | undefined;
}

/** Everything in the schema that has a name. */
const parts: Part[] = types.flatMap((type): Part[] => {
  const own: Part = { place: type.name, kind: 'type', name: type.name, description: type.description };
  const values =
    type instanceof GraphQLEnumType
      ? type.getValues().map((value): Part => ({ place: `${type.name}.${value.name}`, kind: 'value', ...value }))
      : [];
  const fields =
    isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? Object.values(type.getFields()) : [];
  return [
    own,
    ...values,
    ...fields.flatMap((field): Part[] => {
      const place = `${type.name}.${field.name}`;
      const { name, description, deprecationReason } = field;
      const given =
        'args' in field
          ? field.args.map(
              (argument: { readonly name: string; readonly description?: string | null | undefined }): Part => ({
                place: `${place}(${argument.name})`,
                kind: 'argument',
                name: argument.name,
                description: argument.description,
              }),
            )
          : [];
      return [{ place, kind: 'field', name, description, deprecationReason }, ...given];
    }),
  ];
});

describe('the schema is kept like one that strangers read', () => {
  test('every type, field, argument and value says what it is', () => {
    // The 51 states say it themselves.
    const silent = parts.filter(
      ({ place, kind, description }) =>
        !(kind === 'value' && place.startsWith('StateCode.')) && (description ?? '').trim() === '',
    );
    expect(silent.map(({ place }) => place)).toEqual([]);
  });

  test('names are of one kind: TypeName, fieldName, VALUE', () => {
    const shapes = {
      type: /^[A-Z][A-Za-z0-9]*$/,
      field: /^[a-z][A-Za-z0-9]*$/,
      argument: /^[a-z][A-Za-z0-9]*$/,
      value: /^[A-Z][A-Z0-9_]*$/,
    };
    expect(parts.filter(({ kind, name }) => !shapes[kind].test(name)).map(({ place }) => place)).toEqual([]);
    const padded = parts.filter(
      ({ place, name }) =>
        /^(get|list|query|fetch)[A-Z]/.test(name) ||
        (place.includes('.') &&
          new RegExp(`^${place.split('.')[0]}[A-Z]`, 'i').test(name) &&
          name.toLowerCase() !== place.split('.')[0]?.toLowerCase()),
    );
    expect(padded.map(({ place }) => place)).toEqual([]);
  });

  test('what is deprecated says what to use and until when it stays', () => {
    expect(
      parts
        .filter(({ deprecationReason }) => deprecationReason != null && !/\b20\d\d-\d\d\b/.test(deprecationReason))
        .map(({ place }) => place),
    ).toEqual([]);
  });

  test('every type is used', () => {
    const used = readTypeDefinitions();
    const unused = types.filter(
      ({ name }) =>
        !['Query', 'Subscription'].includes(name) && used.match(new RegExp(`\\b${name}\\b`, 'g'))?.length === 1,
    );
    expect(unused.map(({ name }) => name)).toEqual([]);
  });
});

describe('clients of the last release', () => {
  const released = buildSchema(readFileSync(new URL('../released.graphql', import.meta.url), 'utf8'));
  const breaking = async (now: string) =>
    (await diff(released, buildSchema(now)))
      .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
      .map(({ message }) => message);

  test('find everything where it was', async () => {
    expect(await breaking(readTypeDefinitions())).toEqual([]);
  });

  test('would not, if a field went, changed its type, or asked for more', async () => {
    const now = readTypeDefinitions();
    expect(await breaking(now.replace(/ *"[^"\n]*"\n {2}lastLoginAt: DateTime\n/, ''))).toHaveLength(1);
    expect(await breaking(now.replace('  lag: Count\n', '  lag: String\n'))).toHaveLength(1);
    expect(await breaking(now.replace('code: StateCode!\n  )', 'code: StateCode!\n    year: Int!\n  )'))).toHaveLength(
      1,
    );
  });
});

describe('the schema names what the processor counts by', () => {
  const valuesOf = (name: string) =>
    (schema.getType(name) as GraphQLEnumType).getValues().map(({ value }) => value as string);
  test('states', () => expect(valuesOf('StateCode').sort()).toEqual([...STATE_CODES]));
  test('GDP classes', () => expect(valuesOf('GdpClass')).toEqual([...GDP_CLASSES]));
});

test('what it says of the processor is what every live API says', () => {
  const api = createLiveApi({
    applicationId: 'any',
    connection: { brokers: ['127.0.0.1:9'], clientId: 'test' },
    tables: { any: table({ topic: 'any', key: { id: z.string() }, value: z.object({ n: z.int() }) }) },
  });
  const generated = buildSchema(api.sdl);
  const own = buildSchema(readTypeDefinitions());
  for (const name of ['Processor', 'Instance', 'Task', 'TaskRole', 'TaskState', 'RestoreProgress'])
    expect(printType(own.getType(name) as GraphQLNamedType)).toBe(
      printType(generated.getType(name) as GraphQLNamedType),
    );
});
