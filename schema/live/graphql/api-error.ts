import { GraphQLError } from 'graphql';

/** Every `extensions.code` that a response of this API can carry; clients decide by these, never by the message. */
export const ERROR_CODES = Object.freeze([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'QUERY_TOO_LARGE',
  'TOO_MANY_SUBSCRIPTIONS',
  'NOT_READY',
  'TABLE_TOO_LARGE',
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

/** This instance has not read yet what a query's `atLeast` has seen. */
export function notSeen(): GraphQLError {
  return apiError(
    'NOT_READY',
    'This instance has not read what the cursor in "atLeast" has seen. Try again in a moment.',
    {
      retryAfterMs: 1_000,
    },
  );
}

/** A table has more rows than a copy of it may have here. */
export function tableTooLarge(table: string, maxRows: number): GraphQLError {
  return apiError(
    'TABLE_TOO_LARGE',
    `The table ${table} has more than ${maxRows} rows, so that no copy of it is kept here. Its owner can raise ` +
      `maxRows, or declare it with held: 'owner'.`,
    { table },
  );
}

export function isForbidden(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions['code'] === 'FORBIDDEN';
}

/** What the viewer may not see. `what`: a table, or `table.field`. */
export function forbidden(what: string): GraphQLError {
  return apiError('FORBIDDEN', `You may not see ${what}.`);
}

/** The application does not know who asks. What was wrong is for its log alone. */
export function unauthenticated(): GraphQLError {
  return apiError(
    'UNAUTHENTICATED',
    'It is not known who asks: the credentials of this request are missing, wrong or expired.',
  );
}
