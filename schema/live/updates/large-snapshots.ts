import { apiError } from '../graphql/api-error.ts';
import type { Row } from '../tables/row.ts';

/** Some 160 MB of references. */
const MOST_ROWS = 20_000_000;

/**
 * The lists of rows whose snapshots are sent in parts, of all subscribers of an instance: each is kept until its last
 * part has been sent, which is as long as its reader takes. Equal subscriptions share one.
 */
export class LargeSnapshots {
  readonly #mostRows: number;
  readonly #holders = new Map<readonly Row[], number>();
  #rows = 0;

  constructor(mostRows: number = MOST_ROWS) {
    this.#mostRows = mostRows;
  }

  /** Of all lists together. */
  get rows(): number {
    return this.#rows;
  }

  /** @throws GraphQLError TOO_MANY_SUBSCRIPTIONS for one list more than may be kept. */
  hold(rows: readonly Row[]): void {
    const holders = this.#holders.get(rows) ?? 0;
    if (holders === 0) {
      if (this.#rows + rows.length > this.#mostRows)
        throw apiError(
          'TOO_MANY_SUBSCRIPTIONS',
          'This instance is sending as many large snapshots as it keeps at a time. Subscribe again in a moment, or ' +
            'to fewer rows.',
        );
      this.#rows += rows.length;
    }
    this.#holders.set(rows, holders + 1);
  }

  release(rows: readonly Row[]): void {
    const holders = this.#holders.get(rows);
    if (holders === undefined) return;
    if (holders > 1) {
      this.#holders.set(rows, holders - 1);
      return;
    }
    this.#holders.delete(rows);
    this.#rows -= rows.length;
  }
}

const ofModels = new WeakMap<object, LargeSnapshots>();

/** One for each copy of an application's tables. */
export function largeSnapshotsOf(model: object): LargeSnapshots {
  let snapshots = ofModels.get(model);
  if (snapshots === undefined) ofModels.set(model, (snapshots = new LargeSnapshots()));
  return snapshots;
}
