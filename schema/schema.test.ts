import { describe, expect, test } from '@jest/globals';
import { buildSchema, GraphQLEnumType, isInputObjectType, isInterfaceType, isObjectType, isSpecifiedScalarType } from 'graphql';

import { GDP_CLASSES } from '../processor/logins/gdp.ts';
import { STATE_CODES } from '../processor/logins/states.ts';
import { readTypeDefinitions } from './resolvers/api-schema.ts';

const schema = buildSchema(readTypeDefinitions());
const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type));

test('every type, field and value says what it is', () => {
  const silent = types.flatMap((type) => {
    // The 51 states say it themselves.
    const values = type instanceof GraphQLEnumType && type.name !== 'StateCode' ? type.getValues() : [];
    const fields = isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? Object.values(type.getFields()) : [];
    const parts = [...values, ...fields].map(({ name, description }) => [`${type.name}.${name}`, description] as const);
    return [[type.name, type.description] as const, ...parts].filter(([, description]) => description == null || description.trim() === '').map(([name]) => name);
  });
  expect(silent).toEqual([]);
});

describe('the schema names what the processor counts by', () => {
  const valuesOf = (name: string) => (schema.getType(name) as GraphQLEnumType).getValues().map(({ value }) => value as string);
  test('states', () => expect(valuesOf('StateCode').sort()).toEqual([...STATE_CODES]));
  test('GDP classes', () => expect(valuesOf('GdpClass')).toEqual([...GDP_CLASSES]));
});
