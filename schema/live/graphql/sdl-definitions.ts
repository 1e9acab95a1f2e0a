import {
  isTypeDefinitionNode,
  Kind,
  visit,
  type DefinitionNode,
  type DirectiveDefinitionNode,
  type TypeDefinitionNode,
} from 'graphql';

/** A definition that has a name of its own. */
export type NamedDefinition = TypeDefinitionNode | DirectiveDefinitionNode;

const ROOTS = ['Query', 'Mutation', 'Subscription'];

export function isNamedDefinition(node: DefinitionNode): node is NamedDefinition {
  return isTypeDefinitionNode(node) || node.kind === Kind.DIRECTIVE_DEFINITION;
}

/** Its name among all; a directive is no type, and both may have one name. */
export function definitionName(node: NamedDefinition): string {
  return node.kind === Kind.DIRECTIVE_DEFINITION ? `@${node.name.value}` : node.name.value;
}

/**
 * Those of the definitions that a client can come to from the roots, or that something of `kept` names, in their order.
 * An interface leads to the types that implement it.
 */
export function reachable(
  definitions: readonly NamedDefinition[],
  kept: { readonly nodes: readonly DefinitionNode[]; readonly names?: readonly string[] },
): readonly NamedDefinition[] {
  const byName = new Map(definitions.map((node) => [definitionName(node), node]));
  const leadsTo = (node: NamedDefinition): readonly string[] => [
    ...namesIn(node),
    ...(node.kind === Kind.INTERFACE_TYPE_DEFINITION ? implementing(node.name.value, definitions) : []),
  ];
  const reached = new Set<string>();
  const left = [...ROOTS, ...(kept.names ?? []), ...kept.nodes.flatMap((node) => keptNames(node, definitions))];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const node = byName.get(name);
    if (node !== undefined) left.push(...leadsTo(node));
  }
  return definitions.filter((node) => reached.has(definitionName(node)));
}

/** What an application's own definition asks for; its own interface leads to generated types too. */
function keptNames(node: DefinitionNode, definitions: readonly NamedDefinition[]): readonly string[] {
  const own = 'name' in node && node.name !== undefined ? [node.name.value] : [];
  return [
    ...own,
    ...namesIn(node),
    ...(node.kind === Kind.INTERFACE_TYPE_DEFINITION ? implementing(node.name.value, definitions) : []),
  ];
}

function implementing(name: string, definitions: readonly NamedDefinition[]): readonly string[] {
  return definitions
    .filter((node) => 'interfaces' in node && node.interfaces?.some((one) => one.name.value === name))
    .map(definitionName);
}

/** The types and directives that a definition names. */
function namesIn(node: DefinitionNode): readonly string[] {
  const names: string[] = [];
  visit(node, {
    NamedType: ({ name }) => void names.push(name.value),
    Directive: ({ name }) => void names.push(`@${name.value}`),
  });
  return names;
}
