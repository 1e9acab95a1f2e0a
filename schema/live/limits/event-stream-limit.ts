import type { GraphQLError } from 'graphql';
import { apiError } from '../graphql/api-error.ts';

/** Open at a time in one instance: as many as WebSockets. */
export const MAX_EVENT_STREAMS = 200;

export function tooManyStreams(): GraphQLError {
  return apiError(
    'TOO_MANY_SUBSCRIPTIONS',
    `This instance serves at most ${MAX_EVENT_STREAMS} event streams at a time.`,
  );
}
