import {
  type DocumentNode,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/** Source and arguments: a resolver that takes no more asks nobody who the client is. */
const WITHOUT_CONTEXT = 2;

/**
 * The fields, as `Type.field`, whose resolvers may ask who the client is: those that an application gives, by type and
 * field. A subscription's own field is none while its resolver takes no context; by whom it was subscribed to has made
 * its updates what they are.
 */
export function fieldsWithContext(
  resolvers: Readonly<Record<string, unknown>>,
  subscriptionType = 'Subscription',
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [type, fields] of Object.entries(resolvers)) {
    for (const [field, given] of Object.entries(fields ?? {})) {
      const resolve = resolverOf(given);
      if (resolve !== null && (type !== subscriptionType || resolve.length > WITHOUT_CONTEXT))
        names.add(`${type}.${field}`);
    }
  }
  return names;
}

function resolverOf(given: unknown): ((...all: never[]) => unknown) | null {
  if (typeof given === 'function') return given as () => unknown;
  const resolve: unknown = typeof given === 'object' && given !== null && 'resolve' in given ? given.resolve : null;
  return typeof resolve === 'function' ? (resolve as () => unknown) : null;
}

/** Which operations select one of some fields; told once for each document. */
export class ContextFields {
  readonly #schema: GraphQLSchema;
  readonly #names: ReadonlySet<string>;
  readonly #told = new WeakMap<DocumentNode, Map<string, boolean>>();

  /** `names`: fields as `Type.field`; how the type of a value is told counts as a field, `Type.__resolveType`. */
  constructor(schema: GraphQLSchema, names: ReadonlySet<string>) {
    this.#schema = schema;
    this.#names = names;
  }

  /** Whatever `@skip` and `@include` may leave of it. */
  selectedBy(document: DocumentNode, operationName: string | null | undefined): boolean {
    if (this.#names.size === 0) return false;
    const known = this.#told.get(document) ?? new Map<string, boolean>();
    this.#told.set(document, known);
    const name = operationName ?? '';
    const told = known.get(name) ?? this.#isSelected(document, name);
    known.set(name, told);
    return told;
  }

  #isSelected(document: DocumentNode, name: string): boolean {
    const operations = separateOperations(document);
    const [alone] = Object.values(operations);
    const operation = operations[name] ?? (name === '' ? alone : undefined);
    if (operation === undefined) return false;
    const typeInfo = new TypeInfo(this.#schema);
    let found = false;
    const Field = ({ name: field }: { readonly name: { readonly value: string } }): void => {
      const result = typeInfo.getType();
      found ||=
        this.#isNamed(typeInfo.getParentType(), field.value) ||
        this.#isNamed(result == null ? null : getNamedType(result), '__resolveType') ||
        this.#isNamed(result == null ? null : getNamedType(result), '__isTypeOf');
    };
    visit(operation, visitWithTypeInfo(typeInfo, { Field }));
    return found;
  }

  /** Whether `field` is named of `type`, or of a type that a value of it may have. */
  #isNamed(type: GraphQLNamedType | null | undefined, field: string): boolean {
    if (type == null) return false;
    const types = isAbstractType(type) ? [type, ...this.#schema.getPossibleTypes(type)] : [type];
    return types.some(({ name }) => this.#names.has(`${name}.${field}`));
  }
}
