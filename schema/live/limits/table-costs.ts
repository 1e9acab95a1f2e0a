import type { GraphQLSchema } from 'graphql';

import { processorLists } from '../operations/processor-lists.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { MOST_LOOKED_AT } from '../owner/merged-page.ts';
import type { TablesModel } from '../tables/table-reads.ts';
import type { FieldType } from '../types/type-model.ts';
import { type CostTable, type FieldArguments, introspectionLists } from './operation-cost.ts';

/** About how many items a list in a value has. */
const VALUE_LIST = 10;
/** About how many rows an update has, once its subscriber has the first. */
const UPDATE_ROWS = 100;
const MOST_WINDOWS = 1_500;
const DEFAULT_FIRST = 50;
/** Reading so many rows costs as much as writing one value. */
const ROWS_READ_FOR_ONE = 50;

type Lists = Record<string, CostTable['lists'][string]>;
type Work = Record<string, CostTable['work'][string]>;

/**
 * What the fields of these tables cost: lists are as long as their arguments allow. `ruled`: tables of which a viewer's
 * rights may be a filter, which a page walks as it does a client's.
 */
export function tableCosts(
  schema: GraphQLSchema,
  model: TablesModel,
  tables: readonly DeclaredTable[],
  ruled: ReadonlySet<string>,
): CostTable {
  const lists: Lists = {
    ...introspectionLists(schema),
    ...processorLists(model),
    'Query.tables': tables.length,
    'Subscription.tables': tables.length,
    'Freshness.partial': 1,
  };
  const work: Work = {};
  for (const table of tables) addTable(table, model, ruled.has(table.name), lists, work);
  return { lists, work };
}

function addTable(table: DeclaredTable, model: TablesModel, isRuled: boolean, lists: Lists, work: Work): void {
  const { name, typeName, shape, key, held } = table;
  const firstOf = ({ first }: FieldArguments): number =>
    typeof first === 'number' ? Math.max(0, first) : DEFAULT_FIRST;
  const walk = (): number => (held === 'owner' ? MOST_LOOKED_AT : (model.tables[name]?.size ?? 0)) / ROWS_READ_FOR_ONE;
  lists[`${typeName}Connection.nodes`] = firstOf;
  lists[`${typeName}Connection.edges`] = firstOf;
  lists[`${typeName}Update.rows`] = UPDATE_ROWS;
  lists[`${typeName}Update.removed`] = UPDATE_ROWS;
  lists[`Query.${name}ByKeys`] = (_, { keys }) => (Array.isArray(keys) ? keys.length : 0);
  if (shape.kind !== 'key-value')
    lists[`Query.${name}`] = (_, { from, to }) =>
      shape.kind === 'session'
        ? Math.min(MOST_WINDOWS, Math.max(UPDATE_ROWS, model.tables[name]?.size ?? 0))
        : Math.min(MOST_WINDOWS, Math.max(0, (Number(to) - Number(from)) / shape.advanceMs + 1));
  const keyName = shape.kind === 'key-value' ? null : key.name;
  work[`Query.${name}Page`] = ({ filter, from, to, keys, ...given }) => {
    const isOfOneKey = keyName !== null && given[keyName] != null;
    return !isRuled && !isOfOneKey && filter == null && from == null && to == null && keys == null ? 0 : walk();
  };
  if (held !== 'owner') work[`${typeName}Connection.totalCount`] = walk;
  work[`Subscription.${name}`] = walk;
  const addValue = (owner: string, field: string, type: FieldType): void => {
    if (type.kind === 'list') {
      lists[`${owner}.${field}`] = VALUE_LIST;
      return addValue(owner, field, type.of);
    }
    const objects = type.kind === 'object' ? [type] : type.kind === 'union' ? type.members.map((one) => one.type) : [];
    for (const object of objects) for (const inner of object.fields) addValue(object.name, inner.name, inner.type);
  };
  for (const field of table.fields) addValue(typeName, field.name, field.type);
}
