import type { TableRights } from '../access/rights.ts';
import { badUserInput } from '../graphql/api-error.ts';
import { intervalArgument } from '../graphql/arguments.ts';
import { decodePlace, encodePlace } from '../tables/page-cursor.ts';
import {
  checkKeyCount,
  DEFAULT_INTERVAL_MS,
  filterArgument,
  firstArgument,
  keyArgument,
  keysArgument,
  type Maybe,
  orderArgument,
  pageRangeArgument,
  rangeArgument,
} from '../tables/request-arguments.ts';
import type { RowOrder } from '../tables/row-indexes.ts';
import { byField, byKey, byKeyDescending, type RowOrderFunction } from '../tables/row-index.ts';
import type { RowView } from '../tables/row-view.ts';
import type { Row, RowPlace } from '../tables/row.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import type { PlainField } from '../types/type-model.ts';
import type { TableFreshness } from '../tables/table-freshness.ts';
import type { TablePage, TablePageRequest, TableReads, TableUpdate, WatchRequest } from '../tables/table-reads.ts';
import type { ChangeHub } from '../updates/change-hub.ts';
import { ConflatingIterator, type SubscriptionObserver, UNOBSERVED } from '../updates/conflating-iterator.ts';
import { decodeTableCursor } from '../updates/table-cursor.ts';
import { mergedPage } from './merged-page.ts';
import { positionsOfAtLeast } from './owner-cursor.ts';
import { ownerFreshness } from './owner-freshness.ts';
import { OwnerSubscription } from './owner-subscription.ts';
import { type OwnerTable, rowsByKey } from './owner-table.ts';

/** What one viewer can read of a table, wherever its rows are. */
export type TableReading = Pick<
  TableReads,
  'get' | 'getMany' | 'newest' | 'newestOfEach' | 'find' | 'list' | 'page' | 'watch'
>;

/** What one viewer can read of a table whose rows are asked of their owners. */
export class OwnerTableReads implements TableReading {
  readonly #table: OwnerTable;
  readonly #hub: ChangeHub;
  readonly #rights: () => Promise<TableRights>;

  /** `rights`: of the viewer; rejects where he may see nothing of the table. */
  constructor(table: OwnerTable, hub: ChangeHub, rights: () => Promise<TableRights>) {
    this.#table = table;
    this.#hub = hub;
    this.#rights = rights;
  }

  /** @throws GraphQLError NOT_READY for a partition that does not answer. */
  async get(key: unknown, atLeast?: Maybe<string>): Promise<RowView | null> {
    const { declared } = this.#table;
    const keyText = keyArgument(declared, key, declared.key.name);
    const [row = null] = await this.#rowsOf([keyText], atLeast);
    return row;
  }

  /** One round trip for all keys. @throws GraphQLError NOT_READY as `get`. */
  async getMany(keys: readonly unknown[], atLeast?: Maybe<string>): Promise<(RowView | null)[]> {
    checkKeyCount(keys);
    return this.#rowsOf(
      keys.map((key) => keyArgument(this.#table.declared, key, 'keys')),
      atLeast,
    );
  }

  newest(key: unknown): Promise<RowView | null> {
    return this.get(key);
  }

  newestOfEach(keys: readonly unknown[]): Promise<(RowView | null)[]> {
    return this.getMany(keys);
  }

  async find(name: string): Promise<RowView | null> {
    const [row = null] = await this.#rowsOf([name], null);
    return row;
  }

  list(): Promise<RowView[]> {
    return Promise.reject(new TypeError(`the table ${this.#table.declared.name} has no windows`));
  }

  /** @throws GraphQLError NOT_READY where no partition answers; those that did not are in `partial`. */
  async page(request: TablePageRequest): Promise<TablePage> {
    const table = this.#table;
    const { declared } = table;
    const { after, filter, orderBy, atLeast } = request;
    const first = firstArgument(request.first);
    const rights = await this.#rights();
    const order = orderArgument(declared, orderBy, rights);
    const place = after == null ? null : decodePlace(declared, order, after);
    if (after != null && place === null)
      throw badUserInput(
        'after',
        'is no cursor of a page of this table in this order. Give the one that the page before had.',
      );
    const own = filterArgument(declared, filter, rights);
    const isFiltered = filter != null || rights.test !== null;
    const page = await mergedPage(table, {
      first,
      after: place,
      field: fieldOf(order, declared),
      range: pageRangeArgument(declared, request.keys, request.key),
      direction: order.direction,
      test: isFiltered ? own : null,
      filteredBy: filter == null ? 'keys' : 'filter',
      min: this.#min(atLeast),
    });
    const freshness = ownerFreshness(table, page);
    const cursorOf = (at: RowPlace): string => encodePlace(declared, order, at);
    const edges = page.rows.map((row) => ({
      cursor: cursorOf(row),
      node: viewOf(table, row, rights, freshness),
    }));
    return {
      nodes: edges.map(({ node }) => node),
      edges,
      pageInfo: {
        hasNextPage: page.hasNextPage,
        hasPreviousPage: place !== null,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: page.endedAt === null ? (edges.at(-1)?.cursor ?? null) : cursorOf(page.endedAt),
      },
      totalCount: () => null,
      cursor: freshness.cursor,
      freshness,
    };
  }

  /**
   * A snapshot of the owners, then what changes.
   * @throws GraphQLError BAD_USER_INPUT without keys and range: all rows are more than one instance holds.
   */
  async watch(
    request: WatchRequest,
    observer: SubscriptionObserver = UNOBSERVED,
  ): Promise<AsyncIterableIterator<TableUpdate>> {
    const table = this.#table;
    const { declared } = table;
    const { filter, orderBy, after } = request;
    const intervalMs = intervalArgument(request.intervalMs, DEFAULT_INTERVAL_MS);
    const first = request.first == null ? null : firstArgument(request.first);
    const keys = keysArgument(declared, request.keys, request.key);
    const range = rangeArgument(declared, request.range, 'range');
    if (keys === null && range === null)
      throw badUserInput(
        'keys',
        `or "range" must be given: the rows of ${declared.name} are at their owners, and are followed for some keys ` +
          'or for a range of them.',
      );
    const rights = await this.#rights();
    const order = orderArgument(declared, orderBy, rights);
    const subscription = new OwnerSubscription<TableUpdate>({
      table,
      keys,
      range,
      first,
      min: this.#resumedAt(after),
      test: filterArgument(declared, filter, rights),
      compare: compareOf(order, table),
      make: ({ rows, ...update }) => {
        const freshness = { ...ownerFreshness(table, { rows, positions: {}, stale: false }), cursor: update.cursor };
        return { ...update, rows: rows.map((row) => viewOf(table, row, rights, freshness)), freshness };
      },
    });
    await subscription.attach();
    const { timers } = this.#hub;
    const listen = (_: unknown, wake: () => void): (() => void) => {
      subscription.wake = wake;
      return () => undefined;
    };
    const closed = (): void => {
      subscription.close();
      observer.closed();
    };
    return new ConflatingIterator({ timers, listen }, [], subscription, intervalMs, {
      updated: (waitedMs) => {
        observer.updated(waitedMs);
      },
      conflated: () => {
        observer.conflated();
      },
      closed,
    });
  }

  async #rowsOf(keyTexts: readonly string[], atLeast: Maybe<string>): Promise<(RowView | null)[]> {
    const table = this.#table;
    const rights = await this.#rights();
    const keys = await table.homesOf(new Set(keyTexts));
    const all = this.#min(atLeast);
    const min = Object.fromEntries(
      [...keys.keys()].flatMap((one) => (all[one] === undefined ? [] : [[one, all[one]]])),
    );
    const answers = await table.askRows(keys, { min });
    const silent = [...answers].flatMap(([partition, answer]) => (answer === null ? [partition] : []));
    if (silent.length > 0) throw table.away(silent, { min });
    const rows = new Map<string, Row | null>();
    const positions: Record<number, number> = {};
    let stale = false;
    for (const [partition, texts] of keys) {
      const answer = answers.get(partition);
      if (answer == null) continue;
      for (const [key, row] of rowsByKey(table, partition, texts, answer))
        if (row !== null || !rows.has(key)) rows.set(key, row);
      positions[partition] = answer.position;
      stale ||= answer.stale;
    }
    const freshness = ownerFreshness(table, { rows: [...rows.values()], positions, stale });
    return keyTexts.map((keyText) => {
      const row = rows.get(keyText) ?? null;
      return row === null || rights.test?.(row) === false ? null : viewOf(table, row, rights, freshness);
    });
  }

  #min(atLeast: Maybe<string>): Readonly<Record<number, number>> {
    const { declared, model, source } = this.#table;
    return positionsOfAtLeast(atLeast, model.applicationId, declared, source.partitions);
  }

  /** What a resumed subscription has seen; nothing for what is no cursor of the table. */
  #resumedAt(after: Maybe<string>): Readonly<Record<number, number>> {
    const { declared, model } = this.#table;
    const cursor = after == null ? null : decodeTableCursor(after, model.applicationId, declared);
    return cursor?.positions ?? {};
  }
}

function viewOf(table: OwnerTable, row: Row, rights: TableRights, freshness: TableFreshness): RowView {
  return { table: table.declared, row, rights, freshness };
}

function compareOf(order: RowOrder, { declared }: OwnerTable): RowOrderFunction {
  const field = fieldOf(order, declared);
  if (field !== null) return byField(field, order.direction);
  return order.direction === 'ASC' ? byKey : byKeyDescending;
}

/** Null: the key. */
function fieldOf({ field }: RowOrder, { orderFields, key }: DeclaredTable): PlainField | null {
  return orderFields.find(({ name }) => name === field && name !== key.name) ?? null;
}
