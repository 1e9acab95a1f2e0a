import { GraphQLError, type GraphQLErrorExtensions, type GraphQLFormattedError, Kind, print } from 'graphql';

import { ERROR_CODES, type ErrorCode } from './api-error.ts';

const OUR_CODES: ReadonlySet<string> = new Set(ERROR_CODES);

/** Codes of the server library, and ours for the same thing. */
const TRANSLATED: Readonly<Record<string, ErrorCode>> = {
  BAD_REQUEST: 'BAD_USER_INPUT',
  REQUEST_ENTITY_TOO_LARGE: 'QUERY_TOO_LARGE',
};

/** Made anew for each error: the HTTP library writes into it. */
const requestError = () => ({ status: 400, spec: true });
const MASKED_MESSAGE = 'Unexpected error.';

/**
 * What a client may see of an error: a GraphQL error as it is, with a code of ours; anything else as
 * INTERNAL_SERVER_ERROR, and its message and stack only in the log.
 */
export function clientError(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError)) return masked(error, undefined);
  if (error.originalError != null && !(error.originalError instanceof GraphQLError))
    return masked(error.originalError, error);
  const code: unknown = error.extensions['code'] ?? error.originalError?.extensions?.['code'];
  if (typeof code === 'string' && OUR_CODES.has(code)) return error;
  if (code === 'OPERATION_RESOLUTION_FAILURE') {
    return noOperation();
  }
  return withExtensions(error, withoutValue(error), { ...error.extensions, ...inferred(error, code) });
}

/** What our own scalars say about a value, without the value itself. */
const SCALAR_MESSAGE = /; (A (?:DateTime|Count|Cursor) is [^;]*)$/;

/**
 * The message without the value of a variable that does not fit: messages end up in logs, and variables hold personal
 * data.
 */
function withoutValue({ message, nodes }: GraphQLError): string {
  const definition = nodes?.find((node) => node.kind === Kind.VARIABLE_DEFINITION);
  if (definition === undefined || !message.includes(' got invalid value ')) return message;
  const place = / at "([\w.[\]]{1,100})"(?=;)/.exec(message)?.[1];
  const why = SCALAR_MESSAGE.exec(message)?.[1];
  const where = place === undefined ? '' : ` at "${place}"`;
  return (
    `Variable "$${definition.variable.name.value}"${where} has a value that does not fit ` +
    `${print(definition.type)}.${why === undefined ? '' : ` ${why}`}`
  );
}

/** The document has several operations and none was named, or none with that name. */
export function noOperation(): GraphQLError {
  const message =
    'Argument "operationName" must name one operation of the document, and may be left out only ' +
    'where there is one alone.';
  return new GraphQLError(message, {
    extensions: { code: 'BAD_USER_INPUT', argument: 'operationName', http: { status: 400 } },
  });
}

function inferred(error: GraphQLError, code: unknown): GraphQLErrorExtensions {
  const translated = typeof code === 'string' ? TRANSLATED[code] : undefined;
  // The request could not be read at all; the parser's message about its body helps nobody.
  if (translated !== undefined)
    return { code: translated, http: { ...httpOf(error), spec: false }, originalError: undefined };
  if (error.message.startsWith('Syntax Error')) return { code: 'GRAPHQL_PARSE_FAILED', http: requestError() };
  if (error.message.startsWith('Schema is not configured'))
    return { code: 'GRAPHQL_VALIDATION_FAILED', http: requestError() };
  // An error without a code is about a value that does not fit: of a variable before execution, of an argument within.
  const variable = error.nodes?.find((node) => node.kind === Kind.VARIABLE_DEFINITION)?.variable.name.value;
  const argument = variable ?? /^(?:Argument|Variable) "\$?(\w+)"/.exec(error.message)?.[1];
  return {
    code: 'BAD_USER_INPUT',
    ...(argument === undefined ? {} : { argument }),
    ...(error.path === undefined ? { http: requestError() } : {}),
  };
}

function httpOf(error: GraphQLError): object {
  const http: unknown = error.extensions['http'];
  return typeof http === 'object' && http !== null ? http : { status: 400 };
}

/** The error behind each masked one, for the log. */
const causes = new WeakMap<GraphQLError, unknown>();

function masked(cause: unknown, located: GraphQLError | undefined): GraphQLError {
  const extensions = {
    code: 'INTERNAL_SERVER_ERROR',
    unexpected: true,
    ...(located === undefined ? { http: { status: 500 } } : {}),
  };
  const error = new GraphQLError(MASKED_MESSAGE, {
    nodes: located?.nodes ?? null,
    path: located?.path ?? null,
    extensions,
  });
  causes.set(error, cause);
  return error;
}

export function hiddenCause(error: GraphQLError): unknown {
  return causes.get(error);
}

/** Removes from a message the suggestion, which would name parts of a schema that is closed to introspection. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ ?Did you mean [\s\S]*$/, '');
  return message === error.message ? error : withExtensions(error, message, error.extensions);
}

function withExtensions(error: GraphQLError, message: string, extensions: GraphQLErrorExtensions): GraphQLError {
  return new GraphQLError(message, {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions,
  });
}

/** An error as it is written to a WebSocket: without the extensions that are for the HTTP library. */
export function formatted(error: GraphQLError): GraphQLFormattedError {
  const { http, unexpected, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}

export function codeOf(error: GraphQLFormattedError | GraphQLError): string {
  const code = error.extensions?.['code'];
  return typeof code === 'string' ? code : 'UNKNOWN';
}
