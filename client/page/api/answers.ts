/** Shapes of what the page's operations give, as far as they are the same for every table. */
import type { Processor } from '../../shared/api/processor.ts';

/** A row by its fields; always with an `id`, and a `window` where rows have one. */
export type Row = Readonly<Record<string, unknown>> & { readonly id: string };

export interface Freshness {
  /** Newest record time, RFC 3339; null before the first record. */
  readonly asOf: string | null;
  readonly complete: boolean;
  readonly lag: number | null;
  readonly cursor: string;
  /** Partitions that did not answer. */
  readonly partial: readonly number[];
}

export interface RowsUpdate {
  readonly kind: 'SNAPSHOT' | 'DELTA';
  readonly cursor: string;
  readonly rows: readonly Row[];
  readonly removed: readonly string[];
  readonly more: boolean;
  readonly freshness: Freshness;
}

export interface RowsPage {
  /** Absent where only the count was asked for. */
  readonly nodes?: readonly Row[];
  readonly totalCount: number | null;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly freshness: Freshness;
}

/** This API's copy of one table. */
export interface TableCopy {
  readonly name: string;
  /** Null for a viewer who may not see all of them. */
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly complete: boolean;
  readonly unreadable: number;
}

/** What each operation's data is; the operations are written by what the API told of its tables. */
export interface Answers {
  readonly update: RowsUpdate;
  readonly page: RowsPage;
  readonly processor: Processor;
  readonly tables: readonly TableCopy[];
}
