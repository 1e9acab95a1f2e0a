import { type Allow, ViewerRights } from '../access/rights.ts';
import { badUserInput, isForbidden } from '../graphql/api-error.ts';
import { OwnerTableReads, type TableReading } from '../owner/owner-table-reads.ts';
import type { OwnerTables } from '../owner/owner-tables.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { LiveTable } from './live-table.ts';
import { RowTable } from './row-table.ts';
import { pageRequest, watchRequest } from './plain-requests.ts';
import type { Maybe } from './request-arguments.ts';
import { plainRow, type PlainRow, type RowView } from './row-view.ts';
import {
  type TablePage,
  type TablePageRequest,
  TableReads,
  type TablesModel,
  type TableUpdate,
  type WatchRequest,
} from './table-reads.ts';

/** A page as resolvers of an application get it. */
export interface PlainPage {
  readonly rows: readonly PlainRow[];
  readonly hasNextPage: boolean;
  /** To be given as `after` for the next page; null where there are no rows. */
  readonly endCursor: string | null;
  /** Null where only the owners of the rows know. */
  readonly totalCount: number | null;
  /** The state of the table that the page is of. */
  readonly cursor: string;
}

/** An update as resolvers of an application get it. */
export interface PlainUpdate extends Omit<TableUpdate, 'rows' | 'freshness'> {
  readonly rows: readonly PlainRow[];
}

/** One table as resolvers of an application read it: as the viewer of their operation may see it. */
export interface TableAccess {
  /** The row of a key; of a table with windows, the newest of them. Null where there is none. */
  get(key: unknown): Promise<PlainRow | null>;
  /** A row for each key, in their order; null where there is none. At most 100. */
  getMany(keys: readonly unknown[]): Promise<readonly (PlainRow | null)[]>;
  page(request?: PlainPageRequest): Promise<PlainPage>;
  /** A snapshot, then what changes. */
  watch(request?: WatchRequest): PlainUpdates;
}

/** Instants may be Dates. */
export interface PlainPageRequest extends Omit<TablePageRequest, 'from' | 'to'> {
  readonly from?: Maybe<number | Date>;
  readonly to?: Maybe<number | Date>;
}

/** To be gone through at once, `for await (const update of tables.x.watch())`, or awaited for its iterator first. */
export type PlainUpdates = Promise<AsyncIterableIterator<PlainUpdate>> & AsyncIterable<PlainUpdate>;

/** All tables as one viewer may see them. */
export class TablesContext {
  readonly #model: TablesModel;
  readonly #rights: ViewerRights;
  readonly #owners: OwnerTables;
  #tables: Readonly<Record<string, TableAccess>> | undefined;

  constructor(model: TablesModel, owners: OwnerTables, allow: Allow, viewer: unknown) {
    this.#model = model;
    this.#owners = owners;
    this.#rights = new ViewerRights(allow, viewer);
  }

  /** As `context.tables` of resolvers. */
  get tables(): Readonly<Record<string, TableAccess>> {
    if (this.#tables !== undefined) return this.#tables;
    // Tables that are held in another form are read by who holds them so.
    const copied = Object.values(this.#model.tables).filter((table) => (table as LiveTable) instanceof RowTable);
    this.#tables = Object.fromEntries(
      [...copied, ...this.#owners.all()].map(({ declared }) => [
        declared.name,
        accessTo(declared, this.reads(declared)),
      ]),
    );
    return this.#tables;
  }

  /** Names of those of these tables of which the viewer may see all rows: a count would tell of others. */
  async seenWhole(tables: readonly DeclaredTable[]): Promise<ReadonlySet<string>> {
    const seen = await Promise.all(tables.map((table) => this.#seesWhole(table)));
    return new Set(tables.flatMap(({ name }, at) => (seen[at] === true ? [name] : [])));
  }

  async #seesWhole(table: DeclaredTable): Promise<boolean> {
    try {
      return (await this.#rights.of(table)).test === null;
    } catch (error) {
      if (isForbidden(error)) return false;
      throw error;
    }
  }

  reads(table: DeclaredTable): TableReading {
    const owned = this.#owners.get(table.name);
    if (owned !== undefined) return new OwnerTableReads(owned, this.#model.hub, () => this.#rights.of(table));
    const copy = this.#model.tables[table.name];
    if (copy === undefined) throw new TypeError(`there is no copy of the table ${table.name}`);
    return new TableReads(this.#model, copy, () => this.#rights.of(table));
  }
}

function accessTo(declared: DeclaredTable, reads: TableReading): TableAccess {
  const { shape } = declared;
  const newestOf = async (key: unknown): Promise<RowView | null> => {
    return shape.kind === 'key-value' ? reads.get(key) : reads.newest(key);
  };
  const plain = (view: RowView | null): PlainRow | null => (view === null ? null : plainRow(view));
  return {
    get: async (key) => plain(await newestOf(key)),
    getMany: async (keys) => {
      if (!Array.isArray(keys)) throw badUserInput('keys', 'is no list of keys.');
      return shape.kind === 'key-value'
        ? (await reads.getMany(keys)).map(plain)
        : (await reads.newestOfEach(keys)).map(plain);
    },
    page: async (request = {}) => plainPage(await reads.page(pageRequest(declared, request))),
    watch: (request = {}) =>
      updatesOf((async () => mapped(await reads.watch(watchRequest(declared, request)), plainUpdate))()),
  };
}

function plainPage({ nodes, pageInfo, totalCount, cursor }: TablePage): PlainPage {
  const { hasNextPage, endCursor } = pageInfo;
  return { rows: nodes.map(plainRow), hasNextPage, endCursor, totalCount: totalCount(), cursor };
}

function plainUpdate({ rows, freshness: _freshness, ...update }: TableUpdate): PlainUpdate {
  return { ...update, rows: rows.map(plainRow) };
}

function updatesOf(opening: Promise<AsyncIterableIterator<PlainUpdate>>): PlainUpdates {
  const iterator = (): AsyncIterator<PlainUpdate> => ({
    next: async () => (await opening).next(),
    return: async () => {
      await (await opening).return?.();
      return { done: true, value: undefined };
    },
  });
  return Object.assign(opening, { [Symbol.asyncIterator]: iterator });
}

/** No generator, whose `return()` would wait for the next update: who leaves is freed at once. */
function mapped<T, U>(source: AsyncIterableIterator<T>, map: (one: T) => U): AsyncIterableIterator<U> {
  return {
    async next() {
      const { done, value } = await source.next();
      return done === true ? { done, value: undefined } : { done: false, value: map(value as T) };
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
