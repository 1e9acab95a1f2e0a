import type { GraphQLFormattedError } from 'graphql';
import type { Client, SubscribePayload } from 'graphql-ws';

/** What the subscription of a table sends. */
export interface TableUpdate<Row> {
  readonly kind: 'SNAPSHOT' | 'DELTA';
  readonly cursor: string;
  readonly rows: readonly Row[];
  /** Ids of rows that are gone, or that are no longer asked for. */
  readonly removed: readonly string[];
  /** More parts of this snapshot follow. */
  readonly more: boolean;
}

/** `data`: null where the API gave none, and `errors` say why. */
export interface TableResult<Row> {
  readonly data: { readonly update: TableUpdate<Row> } | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

export interface TableSink<Row> {
  next(result: TableResult<Row>): void;
  error(error: unknown): void;
  complete(): void;
}

/**
 * Subscribes to a table, and stays with it: after a break the client asks again from the last cursor, and gets what has
 * changed meanwhile. An API that has just begun says NOT_READY, and is asked again. A snapshot that comes in parts is
 * handed on when it is whole, so that a SNAPSHOT always replaces all rows. The document takes `$after`, and names its
 * one field `update`.
 * @returns what ends it.
 */
export function subscribeToTable<Row>(
  client: Client,
  { query, variables }: SubscribePayload,
  sink: TableSink<Row>,
): () => void {
  let cursor: unknown = variables?.['after'];
  let parts: Row[] = [];
  const resumed = {
    ...variables,
    // Read whenever the client subscribes: at first, and after each break.
    get after() {
      parts = [];
      return cursor;
    },
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let end = (): void => undefined;
  const begin = (): void => {
    let isAskedAgain = false;
    const askAgain = (afterMs: number): void => {
      isAskedAgain = true;
      timer = setTimeout(begin, afterMs);
    };
    end = client.subscribe<{ readonly update: TableUpdate<Row> }>(
      { query, variables: resumed },
      {
        next({ data, errors }) {
          const afterMs = notReadyMs(errors);
          if (afterMs !== null) return askAgain(afterMs);
          const update = data?.update;
          if (update?.more === true) return void parts.push(...update.rows);
          const whole = update && { update: { ...update, rows: [...parts, ...update.rows] } };
          parts = [];
          cursor = update?.cursor ?? cursor;
          sink.next({ data: whole ?? null, ...(errors && { errors }) });
        },
        error(error) {
          const afterMs = notReadyMs(error);
          if (afterMs !== null) askAgain(afterMs);
          else sink.error(error);
        },
        complete() {
          if (!isAskedAgain) sink.complete();
        },
      },
    );
  };
  begin();
  return () => {
    clearTimeout(timer);
    end();
  };
}

const ASK_AGAIN_MS = 1_000;

/** When to ask again an API that is not ready yet; null for anything else that it says. */
function notReadyMs(errors: unknown): number | null {
  const [first] = (Array.isArray(errors) ? errors : []) as GraphQLFormattedError[];
  if (first?.extensions?.['code'] !== 'NOT_READY') return null;
  const { retryAfterMs } = first.extensions;
  return typeof retryAfterMs === 'number' ? retryAfterMs : ASK_AGAIN_MS;
}

/** The rows after an update, by id. */
export function withUpdate<Row extends { readonly id: string }>(
  before: ReadonlyMap<string, Row>,
  { kind, rows, removed }: TableUpdate<Row>,
): ReadonlyMap<string, Row> {
  const after = new Map(kind === 'SNAPSHOT' ? [] : before);
  for (const row of rows) after.set(row.id, row);
  for (const id of removed) after.delete(id);
  return after;
}
