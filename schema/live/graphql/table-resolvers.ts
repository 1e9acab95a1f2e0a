import type { GraphQLResolveInfo } from 'graphql';
import type { ProcessorResult } from '../operations/processor-result.ts';
import type { OwnerTables } from '../owner/owner-tables.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { rowOfId } from '../tables/row-id.ts';
import { fieldOf, idOf, isForbiddenField, viewOf, type RowView } from '../tables/row-view.ts';
import type { OrderRequest } from '../tables/request-arguments.ts';
import type { TablePage, TablesModel } from '../tables/table-reads.ts';
import type { TablesContext } from '../tables/tables-context.ts';
import { keyFieldName, orderFieldValue } from '../types/generated-names.ts';
import { ConflatingIterator, type OnSubscription } from '../updates/conflating-iterator.ts';
import { ResultUpdates } from '../updates/result-updates.ts';
import { isForbidden } from './api-error.ts';
import { intervalArgument } from './arguments.ts';
import { forbiddenValue } from './forbidden-fields.ts';
import type { Resolvers } from './merged-resolvers.ts';

type Arguments = Readonly<Record<string, unknown>>;
type FieldResolver = (source: unknown, args: Arguments, context: unknown, info: GraphQLResolveInfo) => unknown;
interface SubscriptionField {
  readonly resolve: (update: unknown) => unknown;
  readonly subscribe: FieldResolver;
}
type TypeResolvers = Readonly<Record<string, FieldResolver | SubscriptionField>>;

interface TableResolversOptions {
  readonly tables: readonly DeclaredTable[];
  readonly model: TablesModel;
  readonly owners: OwnerTables;
  /** What the viewer of an operation may read. */
  readonly contextOf: (context: unknown) => TablesContext;
  readonly processor: () => ProcessorResult;
  readonly onSubscription: OnSubscription;
}

const RESULTS_INTERVAL_MS = 1_000;

/** An event is the update itself: by its identity the result that was executed for another subscriber is found. */
const itself = (update: unknown): unknown => update;

/** Resolvers of all that the SDL of these tables declares. */
export function tableResolvers(options: TableResolversOptions): Resolvers {
  const served = options.tables.filter((table) => table.served);
  return {
    Node: { __resolveType: (source: unknown) => viewOf(source).table.typeName },
    ...Object.fromEntries(served.flatMap(rowTypes)),
    Query: {
      node: (_, { id }, context) => nodeOf(String(id), served, options.contextOf(context)),
      tables: async (_, __, context) =>
        tableStatuses(options, served, await options.contextOf(context).seenWhole(served)),
      processor: () => options.processor(),
      ...Object.assign({}, ...served.map((table) => queryFields(table, options))),
    } satisfies TypeResolvers,
    Subscription: {
      processor: resultField('processor', options, () => ({
        subject: 'processor',
        topics: ['processor'],
        make: options.processor,
      })),
      tables: resultField('tables', options, async (context) => {
        const seen = await options.contextOf(context).seenWhole(served);
        return {
          subject: `tables ${[...seen].join()}`,
          topics: ['completeness', ...served.map(({ name }) => name)],
          make: () => tableStatuses(options, served, seen),
        };
      }),
      ...Object.fromEntries(served.map((table) => [table.name, subscriptionField(table, options)])),
    } satisfies TypeResolvers,
  };
}

/** The types of a table's rows and pages. */
function rowTypes(table: DeclaredTable): [string, TypeResolvers | Readonly<Record<string, string>>][] {
  const { typeName, key, fields } = table;
  const of =
    (read: (view: RowView) => unknown): FieldResolver =>
    (source) =>
      read(viewOf(source));
  const row: Record<string, FieldResolver> = {
    id: of(idOf),
    freshness: of(({ freshness }) => freshness),
    window: of(({ row: { startMs, endMs } }) => ({ start: startMs, end: endMs })),
  };
  if (table.shape.kind === 'key-value') delete row['window'];
  for (const { name, nullable } of fields)
    row[name] = (source, _, __, { variableValues }) => {
      const view = viewOf(source);
      return isForbiddenField(view, name)
        ? forbiddenValue(`${table.name}.${name}`, nullable, variableValues)
        : fieldOf(view, name);
    };
  row[keyFieldName(key.name)] = of(({ row: { key: value } }) => value);
  return [
    [typeName, row],
    [`${typeName}Connection`, { totalCount: (source) => (source as TablePage).totalCount() }],
    [`${typeName}OrderField`, Object.fromEntries(table.orderFields.map(({ name }) => [orderFieldValue(name), name]))],
  ];
}

/** Null for what the viewer may not see: whether it exists is nobody's business then. */
async function nodeOf(id: string, tables: readonly DeclaredTable[], context: TablesContext): Promise<RowView | null> {
  const found = rowOfId(id, tables);
  if (found === null) return null;
  try {
    const view = await context.reads(found.table).find(found.name);
    // A row has one id: what only reads like it names nothing.
    return view !== null && idOf(view) === id ? view : null;
  } catch (error) {
    if (isForbidden(error)) return null;
    throw error;
  }
}

function queryFields(table: DeclaredTable, { contextOf }: TableResolversOptions): TypeResolvers {
  const { name, key, shape } = table;
  const page: FieldResolver = (_, args, context) =>
    contextOf(context)
      .reads(table)
      .page({
        ...args,
        key: shape.kind === 'key-value' ? null : args[key.name],
        orderBy: args['orderBy'] as OrderRequest,
      });
  if (shape.kind !== 'key-value')
    return {
      [name]: (_, args, context) =>
        contextOf(context)
          .reads(table)
          .list(args[key.name], args['from'] as number, args['to'] as number, args['atLeast'] as string | null),
      [`${name}Page`]: page,
    };
  return {
    [name]: (_, args, context) =>
      contextOf(context)
        .reads(table)
        .get(args[key.name], args['atLeast'] as string | null),
    [`${name}ByKeys`]: (_, { keys, atLeast }, context) =>
      contextOf(context)
        .reads(table)
        .getMany(keys as readonly unknown[], atLeast as string | null),
    [`${name}Page`]: page,
  };
}

function subscriptionField(
  table: DeclaredTable,
  { contextOf, onSubscription }: TableResolversOptions,
): SubscriptionField {
  const { name, key, shape } = table;
  return {
    resolve: itself,
    subscribe: (_, args, context) =>
      contextOf(context)
        .reads(table)
        .watch({ ...args, key: shape.kind === 'key-value' ? null : args[key.name] }, onSubscription(name)),
  };
}

/** A result that is sent whole whenever it is another one. */
interface WatchedResult<T> {
  /** Equal for subscribers with equal results. */
  readonly subject: string;
  readonly topics: readonly string[];
  readonly make: () => T;
}

function resultField<T>(
  field: string,
  { model, onSubscription }: TableResolversOptions,
  resultOf: (context: unknown) => WatchedResult<T> | Promise<WatchedResult<T>>,
): SubscriptionField {
  return {
    resolve: itself,
    subscribe: async (_, { intervalMs }, context) => {
      const paceMs = intervalArgument(intervalMs as number | null, RESULTS_INTERVAL_MS);
      const { subject, topics, make } = await resultOf(context);
      const updates = new ResultUpdates<T>(model, subject, make, (result) => result);
      return new ConflatingIterator<T, string>(model.hub, topics, updates, paceMs, onSubscription(field));
    },
  };
}

/** One copy of a table, as `tables` shows it. */
interface TableStatus {
  readonly name: string;
  /** Null for a viewer who may not see all of them, and where only the owners of the rows know. */
  readonly rows: number | null;
  /** Of keys and values as they are in the topic; null for a viewer who may not see all rows. */
  readonly bytes: number | null;
  readonly complete: boolean;
  readonly unreadable: number;
}

function tableStatuses(
  { model, owners }: Pick<TableResolversOptions, 'model' | 'owners'>,
  tables: readonly DeclaredTable[],
  seenWhole: ReadonlySet<string>,
): TableStatus[] {
  return tables.flatMap(({ name }): TableStatus[] => {
    const owned = owners.get(name);
    if (owned !== undefined)
      return [{ name, rows: null, bytes: null, complete: owned.isComplete, unreadable: owned.unreadable }];
    const table = model.tables[name];
    if (table === undefined) return [];
    const complete = model.tableState.complete && !table.isTooLarge;
    const [rows, bytes] = seenWhole.has(name) ? [table.size, table.bytes] : [null, null];
    return [{ name, rows, bytes, complete, unreadable: table.unreadable }];
  });
}
