/** The operations of the page, written at run time for the tables that there are. */
import { hasWindows } from './model.ts';
import { selectionOf } from './selection.ts';
import type { PageTable } from './model.ts';

const FRESHNESS = 'freshness { asOf complete lag cursor partial }';

/** Windows that a subscription follows, at most; an API takes no more. */
export const MOST_WINDOWS = 1_500;
interface Argument {
  readonly name: string;
  readonly type: string;
  /** The argument that takes the variable, where it is called otherwise. */
  readonly as?: string;
}

function call(root: string, args: readonly Argument[]): string {
  return `${root}(${args.map(({ name, as }) => `${as ?? name}: $${name}`).join(', ')})`;
}

function operation(kind: 'query' | 'subscription', name: string, args: readonly Argument[], inside: string): string {
  const variables = args.map((argument) => `$${argument.name}: ${argument.type}`).join(', ');
  return `${kind} ${name}(${variables}) {\n  ${inside}\n}`;
}

/** What narrows and orders rows, for both the subscription and the pages; `keys` is what a range of keys is called. */
function selecting(table: PageTable, keys: 'keys' | 'range'): Argument[] {
  const { key, typeName } = table;
  return [
    ...(key.isText ? [{ name: 'range', type: 'KeyRange', as: keys }] : []),
    { name: 'filter', type: `${typeName}Filter` },
    { name: 'orderBy', type: `${typeName}Order` },
    { name: 'first', type: 'Int' },
  ];
}

/** Rows as they change: `first` of them in an order, or all of the newest windows. The update is called `update`. */
export function rowsSubscription(table: PageTable): string {
  const args: Argument[] = [
    ...selecting(table, 'range'),
    ...(hasWindows(table) ? [{ name: 'last', type: 'Int' }] : []),
    { name: 'after', type: 'Cursor' },
    { name: 'intervalMs', type: 'Int' },
  ];
  const rows = `rows { ${selectionOf(table).text} }`;
  return operation(
    'subscription',
    'Rows',
    args,
    `update: ${call(table.name, args)} { kind cursor more removed ${rows} ${FRESHNESS} }`,
  );
}

/** Rows of one page; without rows only how many there are. The connection is called `page`. */
export function rowsPage(table: PageTable, withRows: boolean): string {
  const args: Argument[] = [...selecting(table, 'keys'), { name: 'after', type: 'String' }];
  const nodes = withRows ? `nodes { ${selectionOf(table).text} } ` : '';
  const inside = `${nodes}totalCount pageInfo { hasNextPage endCursor } ${FRESHNESS}`;
  return operation('query', 'Page', args, `page: ${call(`${table.name}Page`, args)} { ${inside} }`);
}

const PROCESSOR =
  'applicationId guarantee topology lag instances { id host startedAt reportedAt alive threads recordsPerSecond ' +
  'tasks { id role state inputs lag restore { restored total remainingMs } } }';

export const PROCESSOR_LIVE =
  'subscription Processor($intervalMs: Int) ' + `{ processor(intervalMs: $intervalMs) { ${PROCESSOR} } }`;
export const PROCESSOR_NOW = `query Processor { processor { ${PROCESSOR} } }`;
const COPIES = 'name rows bytes complete unreadable';

export const COPIES_LIVE = `subscription Copies($intervalMs: Int) { tables(intervalMs: $intervalMs) { ${COPIES} } }`;
export const COPIES_NOW = `query Copies { tables { ${COPIES} } }`;
