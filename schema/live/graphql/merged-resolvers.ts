import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isUnionType,
} from 'graphql';
import { didYouMean, textOf } from '@tributary/streams/operations';
import { quoted } from '../types/graphql-names.ts';

/** By type, then by field; a scalar's functions, or an enum's values. */
export type Resolvers = Readonly<Record<string, unknown>>;

type Parts = Readonly<Record<string, unknown>>;

const OF_TYPES = ['__resolveType', '__isTypeOf'];
const OF_SCALARS = ['serialize', 'parseValue', 'parseLiteral'];

/**
 * Resolvers of a schema: an application's own win over `generated`, field by field. Those of `generated` that are for a
 * type or a field which the application left out are left out; of the application's own such a one is a problem.
 */
export function mergedResolvers(
  schema: GraphQLSchema,
  generated: Resolvers,
  own: unknown,
  problems: string[],
): Resolvers {
  const merged: Record<string, object> = {};
  for (const [name, given] of Object.entries(generated)) {
    const type = schema.getType(name);
    if (type === undefined || typeof given !== 'object' || given === null) continue;
    if (isScalarType(type) === 'serialize' in given) merged[name] = partsThatFit(type, given);
  }
  if (own === undefined) return merged;
  if (typeof own !== 'object' || own === null || Array.isArray(own)) {
    problems.push(`extend.resolvers is an object of resolvers by type, not ${textOf(own)}`);
    return merged;
  }
  for (const [name, given] of Object.entries(own) as [string, unknown][]) {
    const type = schema.getType(name);
    const place = `extend.resolvers.${name}`;
    const problem = typeProblem(schema, name, type, given);
    if (problem !== undefined) problems.push(`${place} ${problem}`);
    if (problem !== undefined || type === undefined || typeof given !== 'object' || given === null) continue;
    checkParts(place, type, given, problems);
    merged[name] = { ...merged[name], ...(isScalarType(type) ? partsThatFit(type, given) : given) };
  }
  return merged;
}

/** What a schema takes of these parts. Of a scalar the functions: what it says of itself is in the SDL. */
function partsThatFit(type: GraphQLNamedType, parts: object): object {
  const known = namesOf(type);
  return Object.fromEntries(known.flatMap((name) => (name in parts ? [[name, (parts as Parts)[name]]] : [])));
}

/** What of a type can have a resolver. */
function namesOf(type: GraphQLNamedType): readonly string[] {
  if (isScalarType(type)) return OF_SCALARS;
  if (isEnumType(type)) return type.getValues().map(({ name }) => name);
  if (isUnionType(type)) return ['__resolveType'];
  return isObjectType(type) || isInterfaceType(type) ? [...OF_TYPES, ...Object.keys(type.getFields())] : [];
}

function typeProblem(
  schema: GraphQLSchema,
  name: string,
  type: GraphQLNamedType | undefined,
  given: unknown,
): string | undefined {
  if (type === undefined || name.startsWith('__')) {
    const known = Object.keys(schema.getTypeMap()).filter((one) => !one.startsWith('__'));
    return `is for no type: ${didYouMean(name, known)}`;
  }
  if (isInputObjectType(type)) return 'is for an input, which has no resolvers';
  if (typeof given !== 'object' || given === null) return `is an object, not ${textOf(given)}`;
  return undefined;
}

function checkParts(place: string, type: GraphQLNamedType, parts: object, problems: string[]): void {
  // An instance of GraphQLScalarType has more than its functions.
  if (isScalarType(type)) return;
  const known = namesOf(type);
  for (const [name, resolver] of Object.entries(parts) as [string, unknown][]) {
    const kind = isEnumType(type) ? 'value' : 'field';
    const problem = known.includes(name)
      ? kind === 'field' && resolverProblem(name, resolver)
      : `is for no ${kind} of ${quoted(type.name)}: ${didYouMean(
          name,
          known.filter((one) => !one.startsWith('__')),
        )}`;
    if (problem) problems.push(`${place}.${name} ${problem}`);
  }
}

function resolverProblem(name: string, resolver: unknown): string | undefined {
  if (typeof resolver === 'function') return undefined;
  if (name.startsWith('__') || typeof resolver !== 'object' || resolver === null)
    return `is a function, not ${textOf(resolver)}`;
  for (const [part, given] of Object.entries(resolver) as [string, unknown][]) {
    if (part !== 'resolve' && part !== 'subscribe') return `has ${quoted(part)}: it can have resolve and subscribe`;
    if (typeof given !== 'function') return `has ${part}, which is a function, not ${textOf(given)}`;
  }
  return undefined;
}

/** Roots that an application defines and nobody answers: they would be null, and a subscription an error. */
export function unanswered(
  roots: readonly { readonly type: string; readonly field: string }[],
  resolvers: Resolvers,
): readonly string[] {
  return roots.flatMap(({ type, field }) => {
    const of = (resolvers[type] ?? {}) as Parts;
    const resolver = Object.hasOwn(of, field) ? of[field] : undefined;
    const place = `extend.resolvers.${type}.${field}`;
    if (type === 'Subscription')
      return typeof resolver === 'object' && resolver !== null && 'subscribe' in resolver
        ? []
        : [`${place} is missing: a subscription needs { subscribe }`];
    const hasOne =
      typeof resolver === 'function' || (typeof resolver === 'object' && resolver !== null && 'resolve' in resolver);
    return hasOne ? [] : [`${place} is missing: extend.typeDefs defines this root`];
  });
}
