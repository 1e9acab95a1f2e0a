import { didYouMean, textOf } from '@tributary/streams/operations';
import {
  buildASTSchema,
  type DocumentNode,
  type GraphQLScalarType,
  type GraphQLSchema,
  Kind,
  print,
  printType,
  type TypeExtensionNode,
  validateSchema,
} from 'graphql';
import { createSchema } from 'graphql-yoga';
import type { DeclaredTable } from '../tables/declared-table.ts';
import type { CostTable } from '../limits/operation-cost.ts';
import type { RestResults } from '../server/rest-responses.ts';
import { quoted } from '../types/graphql-names.ts';
import type { OnSubscription } from '../updates/conflating-iterator.ts';
import { mergedResolvers, unanswered, type Resolvers } from './merged-resolvers.ts';
import {
  bigIntScalar,
  countScalar,
  cursorScalar,
  dateScalar,
  dateTimeScalar,
  jsonScalar,
  safeIntScalar,
} from './scalars.ts';
import { definitionName, isNamedDefinition, type NamedDefinition } from './sdl-definitions.ts';
import { tableDefinitions } from './table-sdl.ts';
import { oneLine, ownDefinitions, withOwnDefinitions } from './type-definitions.ts';
import { unionResolvers } from './union-resolvers.ts';

/** What an application adds to the schema of its tables, or puts in its place. */
export interface SchemaExtension {
  /**
   * SDL. A definition takes the place of the generated one of its name, with all that only that one leads to; `extend
   * type` adds to a type.
   */
  readonly typeDefs?: string | readonly string[] | undefined;
  /** By type and field, as `createSchema` of graphql-yoga takes them; they win over the generated ones. */
  readonly resolvers?: object | ((parts: ExtensionParts) => object) | undefined;
  /** What these fields cost, where lists or their arguments do not say it. */
  readonly costs?: ((schema: GraphQLSchema) => CostTable) | undefined;
  /** Results for clients that speak no GraphQL, by path. */
  readonly restResults?: RestResults | undefined;
  /** The tabs that GraphiQL opens with. */
  readonly graphiqlExamples?: readonly string[] | undefined;
}

/** What resolvers of an application are made with. */
export interface ExtensionParts {
  /** Each subscription of the application's own is observed, for metrics. */
  readonly onSubscription: OnSubscription;
}

export interface LiveSchema {
  readonly schema: GraphQLSchema;
  /** The whole schema as text, generated types first, each in the order of its definition. */
  readonly sdl: string;
}

const SCALARS: Readonly<Record<string, GraphQLScalarType>> = {
  DateTime: dateTimeScalar,
  Date: dateScalar,
  Count: countScalar,
  SafeInt: safeIntScalar,
  BigInt: bigIntScalar,
  JSON: jsonScalar,
  Cursor: cursorScalar,
};

const EXTENSION_OPTIONS = ['typeDefs', 'resolvers', 'costs', 'restResults', 'graphiqlExamples'];

/**
 * The schema of an API over these tables. `resolvers` are those of what is generated; scalars and unions of values need
 * none. What is wrong with `extend` is added to `problems`, a line each; then there is no schema.
 */
export function createLiveSchema(
  given: { readonly tables: readonly DeclaredTable[]; readonly resolvers: Resolvers; readonly extend?: unknown },
  problems: string[],
): LiveSchema | undefined {
  const before = problems.length;
  const { tables, resolvers, extend } = given;
  const extension = checkedExtension(extend, problems);
  const own = ownDefinitions(extension['typeDefs'], problems);
  if (problems.length > before) return undefined;
  const definitions = withOwnDefinitions(tableDefinitions(tables), own, problems);
  if (problems.length > before) return undefined;
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions };
  const types = builtSchema(document, problems);
  if (types === undefined) return undefined;

  const generated = { ...SCALARS, ...unionResolvers(tables), ...resolvers };
  const merged = mergedResolvers(types, generated, extension['resolvers'], problems);
  problems.push(...unanswered(rootsOf(own), merged));
  if (problems.length > before) return undefined;
  try {
    const schema = createSchema({ typeDefs: document, resolvers: merged as Record<string, Record<string, never>> });
    return { schema, sdl: printed(schema, definitions) };
  } catch (error) {
    problems.push(`extend.resolvers: ${oneLine(error)}`);
    return undefined;
  }
}

function checkedExtension(extend: unknown, problems: string[]): Readonly<Record<string, unknown>> {
  if (extend === undefined) return {};
  if (typeof extend !== 'object' || extend === null || Array.isArray(extend)) {
    problems.push(`extend is { typeDefs, resolvers }, not ${textOf(extend)}`);
    return {};
  }
  for (const name of Object.keys(extend))
    if (!EXTENSION_OPTIONS.includes(name))
      problems.push(`extend has no option ${quoted(name)}: ${didYouMean(name, EXTENSION_OPTIONS)}`);
  return { ...extend };
}

function builtSchema(document: DocumentNode, problems: string[]): GraphQLSchema | undefined {
  const refuse = (errors: readonly string[]): undefined => {
    problems.push(...errors.map((error) => `extend.typeDefs: ${oneLine(error)}`));
    return undefined;
  };
  try {
    const schema = buildASTSchema(document);
    const errors = validateSchema(schema);
    return errors.length === 0 ? schema : refuse(errors.map(({ message }) => message));
  } catch (error) {
    // One message of all that is wrong, with empty lines between.
    return refuse((error instanceof Error ? error.message : String(error)).split('\n\n'));
  }
}

const ROOTS = ['Query', 'Mutation', 'Subscription'];

/** The roots that an application defines itself. */
function rootsOf(own: readonly (NamedDefinition | TypeExtensionNode)[]): { type: string; field: string }[] {
  return own.flatMap((node) =>
    (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION) &&
    ROOTS.includes(node.name.value)
      ? (node.fields ?? []).map((field) => ({ type: node.name.value, field: field.name.value }))
      : [],
  );
}

function printed(schema: GraphQLSchema, definitions: readonly (NamedDefinition | TypeExtensionNode)[]): string {
  const texts = definitions.filter(isNamedDefinition).map((node) => {
    const type = schema.getType(definitionName(node));
    return type === undefined ? print(node) : printType(type);
  });
  return `${texts.join('\n\n')}\n`;
}
