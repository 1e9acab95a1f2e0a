import type { GraphQLError } from 'graphql';
import { apiError } from '../graphql/api-error.ts';

/** Of what one instance holds for ranges of owner tables that are followed: some 400,000 rows. */
const MOST_FOLLOWED_BYTES = 256 * 1024 * 1024;
/** What a row takes in memory beside the bytes of its key and value. */
const ROW_OVERHEAD_BYTES = 512;

/**
 * The memory of all subscriptions to ranges of owner tables together. Each is bounded by its table's `maxRows`; many of
 * them would fill an instance that copies nothing. What is followed by keys is bounded by the number of keys.
 */
export class FollowedBytes {
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number = MOST_FOLLOWED_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** Of all subscriptions. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts what one subscription holds more, or less. True where it holds more and there is no room for it. */
  changed(bytes: number): boolean {
    this.#bytes += bytes;
    return bytes > 0 && this.#bytes > this.#mostBytes;
  }

  static ofRow({ bytes }: { readonly bytes: number }): number {
    return ROW_OVERHEAD_BYTES + bytes;
  }
}

export function tooManyFollowed(): GraphQLError {
  return apiError(
    'TOO_MANY_SUBSCRIPTIONS',
    'This instance follows as many rows for subscriptions to ranges as it may at a time. Subscribe to a shorter ' +
      'range, to keys, or again when others have left.',
  );
}
