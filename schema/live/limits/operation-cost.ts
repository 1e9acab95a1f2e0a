import {
  type ExecutionArgs,
  type FieldNode,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  type GraphQLCompositeType,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type FragmentDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';

export type FieldArguments = Readonly<Record<string, unknown>>;

/** How long lists are, and what fields cost by themselves; each is named `Type.field`. */
export interface CostTable {
  /**
   * The length of a list, at most or about; `of`: the arguments of the field whose value holds the list; `own`: those
   * of the list's own field.
   */
  readonly lists: Readonly<Record<string, number | ((of: FieldArguments, own: FieldArguments) => number)>>;
  /** What it costs to make a value before any of its fields is selected; a written value costs 1. */
  readonly work: Readonly<Record<string, (given: FieldArguments) => number>>;
}

/** Length of a list that the table does not name: taken for long. */
const UNKNOWN_LIST = 100;

/** Few values are longer than this with their name: a longer name counts as so many more values. */
const VALUE_LENGTH = 32;

interface Selected {
  readonly parent: GraphQLCompositeType;
  readonly nodes: FieldNode[];
}

/**
 * About how many values the result of an operation has: the lengths of its lists, multiplied on the way down, with its
 * arguments after variables and defaults. Fields are collected as execution collects them, so the time is proportional
 * to the length of the document. 0 for an operation that execution will refuse.
 */
export function operationCost(
  {
    schema,
    document,
    operationName,
    variableValues,
  }: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>,
  table: CostTable,
): number {
  const operation = getOperationAST(document, operationName);
  const root = operation == null ? undefined : schema.getRootType(operation.operation);
  if (operation == null || root == null) return 0;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: 1,
  });
  if (coerced === undefined) return 0;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  return Math.ceil(new Costs(schema, table, coerced, fragments).of(root, [operation.selectionSet], {}));
}

class Costs {
  readonly #schema: GraphQLSchema;
  readonly #table: CostTable;
  readonly #variables: Record<string, unknown>;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;

  constructor(
    schema: GraphQLSchema,
    table: CostTable,
    variables: Record<string, unknown>,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  ) {
    this.#schema = schema;
    this.#table = table;
    this.#variables = variables;
    this.#fragments = fragments;
  }

  /** `given`: the arguments of the field whose value the selection is of. */
  of(type: GraphQLCompositeType, selectionSets: readonly SelectionSetNode[], given: FieldArguments): number {
    const fields = new Map<string, Selected>();
    const spread = new Set<string>();
    for (const selectionSet of selectionSets) this.#gather(type, selectionSet, fields, spread);
    let sum = 0;
    // A field's name is written with each of its values.
    for (const [key, { parent, nodes }] of fields)
      sum += Math.floor(key.length / VALUE_LENGTH) + this.#ofField(parent, nodes, given);
    return sum;
  }

  #ofField(parent: GraphQLCompositeType, nodes: readonly FieldNode[], given: FieldArguments): number {
    const [node] = nodes as [FieldNode];
    const field = fieldOf(this.#schema, parent, node.name.value);
    if (field === undefined) return 0;
    const name = `${parent.name}.${field.name}`;
    const own = this.#argumentsOf(field, node);
    // Execution will refuse it.
    if (own === null) return 1;
    const type = getNamedType(field.type);
    const inside = isCompositeType(type)
      ? this.of(
          type,
          nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
          own,
        )
      : 0;
    const work = 1 + (this.#table.work[name]?.(own) ?? 0);
    if (!isListType(getNullableType(field.type))) return work + inside;
    const length = this.#table.lists[name] ?? UNKNOWN_LIST;
    return work + (typeof length === 'number' ? length : length(given, own)) * (1 + inside);
  }

  #argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): FieldArguments | null {
    try {
      return getArgumentValues(field, node, this.#variables);
    } catch {
      return null;
    }
  }

  #gather(
    parent: GraphQLCompositeType,
    { selections }: SelectionSetNode,
    fields: Map<string, Selected>,
    spread: Set<string>,
  ): void {
    for (const selection of selections) {
      if (!this.#isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const known = fields.get(key);
        if (known === undefined) fields.set(key, { parent, nodes: [selection] });
        else known.nodes.push(selection);
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (spread.has(selection.name.value)) continue;
        spread.add(selection.name.value);
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? this.#fragments.get(selection.name.value) : selection;
      if (fragment === undefined) continue;
      const type =
        fragment.typeCondition === undefined ? parent : this.#schema.getType(fragment.typeCondition.name.value);
      if (isCompositeType(type)) this.#gather(type, fragment.selectionSet, fields, spread);
    }
  }

  #isIncluded(selection: SelectionNode): boolean {
    try {
      const skip = getDirectiveValues(GraphQLSkipDirective, selection, this.#variables);
      const include = getDirectiveValues(GraphQLIncludeDirective, selection, this.#variables);
      return skip?.['if'] !== true && include?.['if'] !== false;
    } catch {
      return true;
    }
  }
}

function fieldOf(
  schema: GraphQLSchema,
  parent: GraphQLCompositeType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  for (const meta of [TypeNameMetaFieldDef, SchemaMetaFieldDef, TypeMetaFieldDef]) {
    if (meta.name === name && (meta === TypeNameMetaFieldDef || parent === schema.getQueryType())) return meta;
  }
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}

/** Lengths of the introspection's lists in `schema`: the number of its types, and averages of what is in one type. */
export function introspectionLists(schema: GraphQLSchema): Readonly<Record<string, number>> {
  const types = Object.values(schema.getTypeMap());
  const count = types.length;
  let fields = 0;
  let fieldArguments = 0;
  let inputFields = 0;
  let values = 0;
  for (const type of types) {
    if ('getFields' in type) {
      const all = Object.values(type.getFields());
      const isInput = all.some((field) => !('args' in field));
      if (isInput) inputFields += all.length;
      else fields += all.length;
      for (const field of all) if ('args' in field) fieldArguments += field.args.length;
    }
    if ('getValues' in type) values += type.getValues().length;
  }
  return {
    '__Schema.types': count,
    '__Schema.directives': schema.getDirectives().length,
    '__Type.fields': fields / count,
    '__Type.interfaces': 1,
    '__Type.possibleTypes': 1,
    '__Type.enumValues': values / count,
    '__Type.inputFields': inputFields / count,
    '__Field.args': fieldArguments / Math.max(1, fields),
    '__Directive.locations': 5,
    '__Directive.args': 1,
  };
}
