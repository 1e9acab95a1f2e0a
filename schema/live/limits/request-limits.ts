import {
  type DocumentNode,
  type ExecutionArgs,
  type FragmentDefinitionNode,
  getOperationAST,
  GraphQLError,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';

import { apiError } from '../graphql/api-error.ts';

/** What one operation may ask for, over any transport. */
export const REQUEST_LIMITS = Object.freeze({
  tokens: 1_000,
  depth: 8,
  aliases: 15,
  directives: 10,
  repeats: 15,
  bodyBytes: 100_000,
  variableLevels: 64,
  values: 20_000,
});

/** No response lists more errors than this: nobody reads them, and some documents would have hundreds. */
export const MAX_ERRORS = 5;

/** Made anew for each error: the HTTP library writes into it. */
const requestError = () => ({ status: 400, spec: true });

function tooLarge(what: string, limit: number): GraphQLError {
  const message = `The document has more than ${limit} ${what}. Ask for less, or in several operations.`;
  return apiError('QUERY_TOO_LARGE', message, { limit, http: requestError() });
}

/** QUERY_TOO_LARGE if an operation would give more values than one may, else null. */
export function costLimitError(cost: number): GraphQLError | null {
  const limit = REQUEST_LIMITS.values;
  if (cost <= limit) return null;
  const message =
    `The operation may give ${cost} values, and at most ${limit} are given at once: a list counts as often as it ` +
    `has items. Ask for shorter lists or fewer fields, or in several operations.`;
  return apiError('QUERY_TOO_LARGE', message, { limit, cost, http: requestError() });
}

/**
 * QUERY_TOO_LARGE if variables of the operation are nested too deeply, else null. It comes before they are read, which
 * recurses: an input may hold others of its own kind. What the operation does not declare is read by nobody.
 */
export function variablesLimitError({
  document,
  operationName,
  variableValues,
}: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>): GraphQLError | null {
  const limit = REQUEST_LIMITS.variableLevels;
  const declared = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  let level: unknown[] = declared.map(({ variable }) => variableValues?.[variable.name.value]);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > limit)
      return apiError('QUERY_TOO_LARGE', `The variables have more than ${limit} levels. Ask for less.`, {
        limit,
        http: requestError(),
      });
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return null;
}

/** QUERY_TOO_LARGE if selections name their fields again and again, else null. */
export function repeatsLimitError(repeats: number): GraphQLError | null {
  return repeats > REQUEST_LIMITS.repeats ? tooLarge('repeated fields', REQUEST_LIMITS.repeats) : null;
}

/**
 * One error for each message, and few of them, each with few places: enough for a client to see its mistake.
 */
export function fewErrors(errors: readonly GraphQLError[]): GraphQLError[] {
  const first = new Map<string, GraphQLError>();
  for (const error of errors) if (!first.has(error.message)) first.set(error.message, error);
  return [...first.values()].slice(0, MAX_ERRORS).map(withFewPlaces);
}

function withFewPlaces(error: GraphQLError): GraphQLError {
  const { message, nodes, path, extensions } = error;
  if (nodes === undefined || nodes.length <= MAX_ERRORS) return error;
  return new GraphQLError(message, { nodes: nodes.slice(0, MAX_ERRORS), path: path ?? null, extensions });
}

/** For a document whose validation was stopped because it took too long. */
export function validationLimitError(): GraphQLError {
  return apiError(
    'QUERY_TOO_LARGE',
    'The document takes too long to validate. Ask for less, or in several operations.',
    { http: requestError() },
  );
}

/**
 * QUERY_TOO_LARGE if a document has too many tokens, else null. It comes before parsing: the parser recurses, and deep
 * nesting would overflow its stack. Text that is no GraphQL is left for the parser to refuse.
 */
export function tokenLimitError(text: string): GraphQLError | null {
  const lexer = new Lexer(new Source(text));
  try {
    for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF; tokens++) {
      if (tokens === REQUEST_LIMITS.tokens) return tooLarge('tokens', REQUEST_LIMITS.tokens);
    }
  } catch {
    return null;
  }
  return null;
}

interface Size {
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
}

const NOTHING: Size = { depth: 0, aliases: 0, directives: 0 };

/**
 * QUERY_TOO_LARGE if an operation of the document is too deep or has too many aliases or directives, else null.
 * Fragments count where they are spread, as often as they are spread. Depth counts nested selections; introspection is
 * exempt from it.
 */
export function shapeLimitError(document: DocumentNode): GraphQLError | null {
  const sizes = new FragmentSizes(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const inside = sizes.of(definition.selectionSet);
    // Only operations are checked for depth: a fragment may be spread within the introspection, which is exempt.
    if (definition.kind === Kind.OPERATION_DEFINITION && inside.depth > REQUEST_LIMITS.depth)
      return tooLarge('levels', REQUEST_LIMITS.depth);
    if (inside.aliases > REQUEST_LIMITS.aliases) return tooLarge('aliases', REQUEST_LIMITS.aliases);
    const onVariables =
      definition.variableDefinitions?.reduce((sum, { directives }) => sum + (directives?.length ?? 0), 0) ?? 0;
    if (inside.directives + (definition.directives?.length ?? 0) + onVariables > REQUEST_LIMITS.directives) {
      return tooLarge('directives', REQUEST_LIMITS.directives);
    }
  }
  return null;
}

/**
 * Sizes each fragment once, however often it is spread, so that fragments within fragments cost no exponential time.
 */
class FragmentSizes {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #sizes = new Map<string, Size>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  of(selectionSet: SelectionSetNode): Size {
    let { depth, aliases, directives } = NOTHING;
    for (const selection of selectionSet.selections) {
      directives += selection.directives?.length ?? 0;
      let inside: Size;
      let levels = 1;
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        inside = this.#ofFragment(selection.name.value);
        levels = 0;
      } else {
        inside = selection.selectionSet === undefined ? NOTHING : this.of(selection.selectionSet);
        if (selection.kind === Kind.FIELD) {
          if (selection.alias !== undefined) aliases += 1;
          if (selection.name.value === '__schema' || selection.name.value === '__type')
            inside = { ...inside, depth: 0 };
        }
      }
      depth = Math.max(depth, inside.depth + levels);
      aliases += inside.aliases;
      directives += inside.directives;
    }
    return { depth, aliases, directives };
  }

  #ofFragment(name: string): Size {
    const known = this.#sizes.get(name);
    if (known !== undefined) return known;
    // A fragment that spreads itself, or does not exist, is refused by validation; here the recursion only has to end.
    this.#sizes.set(name, NOTHING);
    const fragment = this.#fragments.get(name);
    const size = fragment === undefined ? NOTHING : this.of(fragment.selectionSet);
    this.#sizes.set(name, size);
    return size;
  }
}
