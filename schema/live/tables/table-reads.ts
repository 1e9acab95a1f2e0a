import { canonicalText, type TableRights } from '../access/rights.ts';
import { badUserInput, notReady, tableTooLarge } from '../graphql/api-error.ts';
import { integerArgument, intervalArgument } from '../graphql/arguments.ts';
import { ConflatingIterator, type SubscriptionObserver, UNOBSERVED } from '../updates/conflating-iterator.ts';
import type { RowModel } from '../updates/row-model.ts';
import { RowSelection } from '../updates/row-selection.ts';
import { RowUpdates, type UpdateKind } from '../updates/row-updates.ts';
import { untilSeen } from '../updates/until-seen.ts';
import { type KeyRange, walkKey } from './key-range.ts';
import type { LiveModel } from './live-model.ts';
import { decodePlace, encodePlace } from './page-cursor.ts';
import {
  checkKeyCount,
  DEFAULT_INTERVAL_MS,
  filterArgument,
  firstArgument,
  keyArgument,
  keysArgument,
  type Maybe,
  orderArgument,
  type OrderRequest,
  pageRangeArgument,
  rangeArgument,
} from './request-arguments.ts';
import type { RowFilter, RowTest } from './row-filter.ts';
import { countOf, pageOf } from './row-page.ts';
import type { RowTable } from './row-table.ts';
import type { RowView } from './row-view.ts';
import { type Row, rowName, type StartRange } from './row.ts';
import { MAX_WINDOWS, newestShownMs, shownRange } from './shown-windows.ts';
import { tableFreshness, type TableFreshness } from './table-freshness.ts';

/** The tables of one API, and what else its answers show. */
export type TablesModel = LiveModel<Readonly<Record<string, RowTable>>> & RowModel;

const DEFAULT_LAST = 24;

export interface TablePageRequest {
  readonly key?: unknown;
  /** Windows and sessions that begin before `to` and end after `from`, epoch milliseconds. */
  readonly from?: Maybe<number>;
  readonly to?: Maybe<number>;
  readonly first?: Maybe<number>;
  readonly after?: Maybe<string>;
  readonly keys?: Maybe<KeyRange>;
  readonly filter?: Maybe<RowFilter>;
  readonly orderBy?: Maybe<OrderRequest>;
  readonly atLeast?: Maybe<string>;
}

export interface TablePage {
  readonly nodes: readonly RowView[];
  readonly edges: readonly { readonly cursor: string; readonly node: RowView }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  /** Of all rows that are asked for, as of the page's state; null where only the owners of the rows know. */
  readonly totalCount: () => number | null;
  readonly cursor: string;
  readonly freshness: TableFreshness;
}

export interface WatchRequest {
  readonly key?: unknown;
  readonly keys?: Maybe<readonly unknown[]>;
  readonly range?: Maybe<KeyRange>;
  readonly filter?: Maybe<RowFilter>;
  readonly orderBy?: Maybe<OrderRequest>;
  readonly first?: Maybe<number>;
  readonly last?: Maybe<number>;
  readonly after?: Maybe<string>;
  readonly intervalMs?: Maybe<number>;
}

export interface TableUpdate {
  readonly kind: UpdateKind;
  readonly cursor: string;
  readonly rows: readonly RowView[];
  readonly removed: readonly string[];
  readonly more: boolean;
  readonly freshness: TableFreshness;
}

/** What one viewer can read of one table. Every answer is of one state: the steps after the waiting are synchronous. */
export class TableReads {
  readonly #model: TablesModel;
  readonly #table: RowTable;
  readonly #rights: () => Promise<TableRights>;

  /** `rights`: of the viewer; rejects where he may see nothing of the table. */
  constructor(model: TablesModel, table: RowTable, rights: () => Promise<TableRights>) {
    this.#model = model;
    this.#table = table;
    this.#rights = rights;
  }

  /** The row of a key; null where there is none, or none for this viewer. Of tables without windows. */
  async get(key: unknown, atLeast?: Maybe<string>): Promise<RowView | null> {
    const rights = await this.#ready(atLeast);
    const { key: declaredKey } = this.#table.declared;
    return this.#view(this.#row(this.#keyText(key, declaredKey.name)), rights);
  }

  /** A row for each key, in their order; null where there is none. At most 100. */
  async getMany(keys: readonly unknown[], atLeast?: Maybe<string>): Promise<(RowView | null)[]> {
    checkKeyCount(keys);
    const rights = await this.#ready(atLeast);
    return keys.map((key) => this.#view(this.#row(this.#keyText(key, 'keys')), rights));
  }

  /** The newest window or session of a key; null where there is none. */
  async newest(key: unknown): Promise<RowView | null> {
    const rights = await this.#ready(null);
    let newest: Row | undefined;
    walkKey(this.#table.indexes.byKey, this.#keyText(key, this.#table.declared.key.name), (row) => {
      if (this.#isShown(row) && rights.test?.(row) !== false) newest = row;
      return true;
    });
    return this.#view(newest, rights);
  }

  /** The newest window or session of each key, in their order. At most 100. */
  async newestOfEach(keys: readonly unknown[]): Promise<(RowView | null)[]> {
    checkKeyCount(keys);
    return Promise.all(keys.map((key) => this.newest(key)));
  }

  /** The row of this name, as `node` asks for it; null also where the viewer may see nothing of the table. */
  async find(name: string): Promise<RowView | null> {
    const rights = await this.#ready(null);
    const row = this.#table.get(name);
    return row !== undefined && this.#isShown(row) ? this.#view(row, rights) : null;
  }

  /** The windows or sessions of a key from `from` to `to`, by start. */
  async list(key: unknown, from: number, to: number, atLeast?: Maybe<string>): Promise<RowView[]> {
    const { declared, indexes } = this.#table;
    if (from > to) throw badUserInput('from', 'must not be after "to".');
    const { shape } = declared;
    const windows = shape.kind === 'window' ? Math.ceil(to / shape.advanceMs) - Math.floor(from / shape.advanceMs) : 0;
    if (windows > MAX_WINDOWS)
      throw badUserInput('from', `asks for ${windows} windows, and at most ${MAX_WINDOWS} are given at once.`);
    const rights = await this.#ready(atLeast);
    const test = this.#test(null, rights, this.#times(from, to), from);
    const rows: Row[] = [];
    walkKey(indexes.byKey, this.#keyText(key, declared.key.name), (row) => {
      if (test(row)) rows.push(row);
      return rows.length <= MAX_WINDOWS;
    });
    if (rows.length > MAX_WINDOWS)
      throw badUserInput('from', `asks for more than ${MAX_WINDOWS} rows. Ask for a shorter time, or for a page.`);
    return rows.map((row) => this.#viewOf(row, rights));
  }

  async page(request: TablePageRequest): Promise<TablePage> {
    const { declared } = this.#table;
    const { key, from, to, after, keys, filter, orderBy, atLeast } = request;
    const first = firstArgument(request.first);
    if (from != null && to != null && from > to) throw badUserInput('from', 'must not be after "to".');
    const rights = await this.#ready(atLeast);
    const order = orderArgument(declared, orderBy, rights);
    const place = after == null ? null : decodePlace(declared, order, after);
    if (after != null && place === null)
      throw badUserInput(
        'after',
        'is no cursor of a page of this table in this order. Give the one that the page before had.',
      );
    const test = this.#test(filter, rights, this.#times(from, to), from ?? 0);
    const range = pageRangeArgument(declared, keys, key);
    const { rows, hasNextPage } = pageOf(this.#table, { first, after: place, range, test, order });
    const freshness = tableFreshness(this.#model, this.#table);
    const edges = rows.map((row) => ({
      cursor: encodePlace(declared, order, row),
      node: this.#viewOf(row, rights),
    }));
    const subject = canonicalText([declared.name, rights.key, range, filter, from, to]);
    const totalCount = (): number | null =>
      this.#model.shared(`count ${subject}`, () => countOf(this.#table, range, test));
    return {
      nodes: edges.map(({ node }) => node),
      edges,
      pageInfo: {
        hasNextPage,
        hasPreviousPage: place !== null,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
      totalCount,
      cursor: freshness.cursor,
      freshness,
    };
  }

  /** A snapshot, then what changes. */
  async watch(
    request: WatchRequest,
    observer: SubscriptionObserver = UNOBSERVED,
  ): Promise<AsyncIterableIterator<TableUpdate>> {
    const { declared } = this.#table;
    const { filter, range, orderBy, after, key } = request;
    const intervalMs = intervalArgument(request.intervalMs, DEFAULT_INTERVAL_MS);
    const first = request.first == null ? null : firstArgument(request.first);
    const last =
      declared.shape.kind === 'key-value' ? null : integerArgument('last', request.last, DEFAULT_LAST, 1, MAX_WINDOWS);
    const keys = keysArgument(declared, request.keys, key);
    const rights = await this.#ready(null);
    const order = orderArgument(declared, orderBy, rights);
    const textRange = rangeArgument(declared, range, 'range');
    const test = filterArgument(declared, filter, rights);
    const subject = canonicalText([
      declared.name,
      rights.key,
      keys === null ? null : [...keys].sort(),
      textRange,
      filter,
      order,
      first,
      last,
    ]);
    const source = new RowUpdates<TableUpdate>({
      model: this.#model,
      selection: new RowSelection({ table: this.#table, keys, range: textRange, test, order, first, last }),
      subject,
      after,
      readPositions: () => this.#model.readPositions(declared.name),
      make: ({ rows, ...update }) => {
        const freshness = tableFreshness(this.#model, this.#table);
        return { ...update, rows: rows.map((row) => this.#viewOf(row, rights, freshness)), freshness };
      },
    });
    // By time alone a window can come into sight, and with it others leave.
    const topics = [declared.name, 'completeness', ...(declared.shape.kind === 'window' ? ['progress'] : [])];
    return new ConflatingIterator(this.#model.hub, topics, source, intervalMs, {
      updated: (waitedMs) => observer.updated(waitedMs),
      conflated: () => observer.conflated(),
      closed: () => {
        source.close();
        observer.closed();
      },
    });
  }

  /** The viewer's rights, once there is a copy that has seen `atLeast`. */
  async #ready(atLeast: Maybe<string>): Promise<TableRights> {
    const rights = await this.#rights();
    const { declared } = this.#table;
    const check = (): void => {
      if (this.#table.isTooLarge) throw tableTooLarge(declared.name, declared.maxRows);
      if (!this.#model.tableState.caughtUpOnce) throw notReady();
    };
    check();
    await untilSeen(atLeast, {
      model: this.#model,
      table: this.#table,
      readPositions: () => this.#model.readPositions(declared.name),
    });
    check();
    return rights;
  }

  #row(keyText: string): Row | undefined {
    return this.#table.get(rowName('key-value', keyText, 0, 0));
  }

  #keyText(key: unknown, argument: string): string {
    return keyArgument(this.#table.declared, key, argument);
  }

  /** What a row must pass to be in an answer: rights, filter, and windows that count. */
  #test(filter: Maybe<RowFilter>, rights: TableRights, { fromMs, toMs }: StartRange, endsFromMs: number): RowTest {
    const passes = filterArgument(this.#table.declared, filter, rights);
    const { shape } = this.#table.declared;
    if (shape.kind === 'key-value') return passes;
    if (shape.kind === 'session') return (row) => row.startMs < toMs && row.endMs >= endsFromMs && passes(row);
    return (row) => row.startMs >= fromMs && row.startMs < toMs && passes(row);
  }

  /** Starts of the windows that count and overlap with what is asked for. */
  #times(from: Maybe<number>, to: Maybe<number>): StartRange {
    const { shape } = this.#table.declared;
    if (shape.kind !== 'window') return { fromMs: 0, toMs: to ?? Number.POSITIVE_INFINITY };
    const { advanceMs } = shape;
    const shown = this.#shown();
    return {
      fromMs: Math.max(shown.fromMs, from == null ? 0 : Math.floor(from / advanceMs) * advanceMs),
      toMs: to == null ? Number.POSITIVE_INFINITY : Math.ceil(to / advanceMs) * advanceMs,
    };
  }

  #shown(): StartRange {
    return shownRange(this.#table, newestShownMs(this.#table, this.#model.now()), null);
  }

  #isShown({ startMs }: Row): boolean {
    return this.#table.declared.shape.kind !== 'window' || startMs >= this.#shown().fromMs;
  }

  #view(row: Row | undefined, rights: TableRights): RowView | null {
    return row === undefined || rights.test?.(row) === false ? null : this.#viewOf(row, rights);
  }

  #viewOf(row: Row, rights: TableRights, freshness = tableFreshness(this.#model, this.#table)): RowView {
    return { table: this.#table.declared, row, rights, freshness };
  }
}
