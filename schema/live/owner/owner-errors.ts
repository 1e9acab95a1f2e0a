import { GraphQLError } from 'graphql';
import { apiError } from '../graphql/api-error.ts';

/** Nobody has answered for these partitions in time. */
export function partitionsAway(
  table: string,
  partitions: readonly number[],
  { waitedMs, withCursor }: { readonly waitedMs: number; readonly withCursor: boolean },
): GraphQLError {
  const which = partitions.length === 1 ? `partition ${partitions.join()}` : `the partitions ${partitions.join(', ')}`;
  const what = withCursor ? ' with what the cursor has seen' : '';
  return apiError(
    'NOT_READY',
    `No processor has answered for ${which} of ${table}${what} within ${waitedMs / 1_000} seconds. ` +
      'Try again in a moment; a partition that moves is found at its new place.',
    { retryAfterMs: 1_000, table, partitions },
  );
}

/** A row needs a schema that its registry does not give: left out it would look as if it were not there. */
export function schemaAway(table: string): GraphQLError {
  return apiError(
    'NOT_READY',
    `A row of ${table} needs a schema that the schema registry does not give at the moment. Try again in a moment.`,
    { retryAfterMs: 1_000, table },
  );
}

/** What was asked for can be had later. */
export function isNotReady(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions['code'] === 'NOT_READY';
}
