import { GraphQLError } from 'graphql';

/** Every `extensions.code` that a response of this API can carry; clients decide by these, never by the message. */
export const ERROR_CODES = Object.freeze([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'QUERY_TOO_LARGE',
  'TOO_MANY_SUBSCRIPTIONS',
  'NOT_READY',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'INTERNAL_SERVER_ERROR',
] as const);
export type ErrorCode = (typeof ERROR_CODES)[number];

export function apiError(code: ErrorCode, message: string, more: Readonly<Record<string, unknown>> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...more } });
}

/** An argument that cannot be used. `problem` continues the sentence that begins with the argument's name. */
export function badUserInput(argument: string, problem: string): GraphQLError {
  return apiError('BAD_USER_INPUT', `Argument "${argument}" ${problem}`, { argument });
}

const NOT_READY_MESSAGE =
  'The results are not there yet: this instance is still making its copy of them. Try again in a moment; ' +
  '/ready says what it waits for.';

/**
 * There is no copy of the results yet. The reason is in /ready only: it may name brokers.
 */
export function notReady(): GraphQLError {
  return apiError('NOT_READY', NOT_READY_MESSAGE, { retryAfterMs: 1_000 });
}
