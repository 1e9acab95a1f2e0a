import {
  GraphQLError,
  isTypeExtensionNode,
  Kind,
  parse,
  Source,
  type DefinitionNode,
  type TypeExtensionNode,
} from 'graphql';
import { didYouMean, textOf } from '@tributary/streams/operations';
import { quoted } from '../types/graphql-names.ts';
import { definitionName, isNamedDefinition, reachable, type NamedDefinition } from './sdl-definitions.ts';

type OwnDefinition = NamedDefinition | TypeExtensionNode;

/** The definitions of an application's own SDL. What is none is a line in `problems`. */
export function ownDefinitions(typeDefs: unknown, problems: string[]): readonly OwnDefinition[] {
  const texts: readonly unknown[] = typeDefs === undefined ? [] : Array.isArray(typeDefs) ? typeDefs : [typeDefs];
  return texts.flatMap((text, index) => {
    const place = Array.isArray(typeDefs) ? `extend.typeDefs[${String(index)}]` : 'extend.typeDefs';
    if (typeof text !== 'string') {
      problems.push(`${place} is SDL as text, not ${textOf(text)}`);
      return [];
    }
    return parsed(text, place, problems).filter((node): node is OwnDefinition => {
      if (isNamedDefinition(node) || isTypeExtensionNode(node)) return true;
      const isSchema = node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION;
      const problem = isSchema
        ? 'has a schema definition: leave it out, the roots are Query, Mutation and Subscription'
        : 'has an operation, and only definitions of types can be there';
      problems.push(`${place}, line ${String(node.loc?.startToken.line)}, ${problem}`);
      return false;
    });
  });
}

function parsed(text: string, place: string, problems: string[]): readonly DefinitionNode[] {
  if (text.trim() === '') return [];
  try {
    return parse(new Source(text, place)).definitions;
  } catch (error) {
    const line = error instanceof GraphQLError ? error.locations?.[0]?.line : undefined;
    problems.push(`${place}${line === undefined ? '' : `, line ${String(line)}`}: ${oneLine(error)}`);
    return [];
  }
}

/**
 * The generated definitions with an application's own: one of its own takes the place of the generated one of its name,
 * and an extension adds to either. Generated types that nothing leads to any more are left out.
 */
export function withOwnDefinitions(
  generated: readonly NamedDefinition[],
  own: readonly OwnDefinition[],
  problems: string[],
): readonly (NamedDefinition | TypeExtensionNode)[] {
  const replaced = new Set(own.filter(isNamedDefinition).map(definitionName));
  const left = reachable(
    generated.filter((node) => !replaced.has(definitionName(node))),
    { nodes: own },
  );
  const definitions = [...left, ...own];
  const byName = new Map(definitions.filter(isNamedDefinition).map((node) => [definitionName(node), node]));
  for (const node of own) if (isTypeExtensionNode(node)) checkExtension(node, byName, problems);
  return definitions;
}

function checkExtension(
  node: TypeExtensionNode,
  byName: ReadonlyMap<string, NamedDefinition>,
  problems: string[],
): void {
  const { value: name } = node.name;
  const extended = byName.get(name);
  if (extended === undefined) {
    problems.push(`extend.typeDefs extends ${quoted(name)}, which is no type: ${didYouMean(name, [...byName.keys()])}`);
    return;
  }
  const before = partsOf(extended);
  for (const part of partsOf(node))
    if (before.includes(part)) problems.push(`extend.typeDefs adds ${quoted(part)} to ${quoted(name)}, which has it`);
}

/** The names of fields or values. */
function partsOf(node: NamedDefinition | TypeExtensionNode): readonly string[] {
  const parts = 'fields' in node ? node.fields : 'values' in node ? node.values : undefined;
  return (parts ?? []).map((part) => part.name.value);
}

export function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
}
