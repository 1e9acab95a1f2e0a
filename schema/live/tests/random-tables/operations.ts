import { keyType, type RandomTable, rangeType, isWindowed, rowSelection } from './random-table.ts';

/** The name of the key's argument, of the roots that have one. */
function keyArgument(table: RandomTable): { readonly variable: string; readonly argument: string } {
  return isWindowed(table)
    ? { variable: `$key: ${keyType(table)}`, argument: `${table.keyName}: $key` }
    : { variable: '', argument: '' };
}

export function subscriptionText(table: RandomTable): string {
  const { variable, argument } = keyArgument(table);
  const last = isWindowed(table) ? { variable: '$last: Int', argument: 'last: $last' } : { variable: '', argument: '' };
  return `subscription (${variable} $keys: [${keyType(table)}!] $range: ${rangeType(table)} $filter: ThingsFilter
    $orderBy: ThingsOrder $first: Int ${last.variable} $after: Cursor) {
    things(${argument} keys: $keys range: $range filter: $filter orderBy: $orderBy first: $first ${last.argument}
      after: $after intervalMs: 50) { kind cursor more removed rows { ${rowSelection(table)} } }
  }`;
}

export function pageText(table: RandomTable): string {
  const { variable, argument } = keyArgument(table);
  const times = isWindowed(table)
    ? { variable: '$from: DateTime $to: DateTime', argument: 'from: $from to: $to' }
    : { variable: '', argument: '' };
  return `query (${variable} ${times.variable} $first: Int $after: String $range: ${rangeType(table)}
    $filter: ThingsFilter $orderBy: ThingsOrder $atLeast: Cursor) {
    thingsPage(${argument} ${times.argument} first: $first after: $after keys: $range filter: $filter orderBy: $orderBy
      atLeast: $atLeast) {
      nodes { ${rowSelection(table)} } totalCount cursor pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }`;
}

/** Rows of keys, one by one and together; of tables with windows those of one key between two instants. */
export function rowsText(table: RandomTable): string {
  const selection = rowSelection(table);
  if (isWindowed(table))
    return `query ($key: ${keyType(table)}! $from: DateTime! $to: DateTime!) {
      things(${table.keyName}: $key from: $from to: $to) { ${selection} }
    }`;
  return `query ($key: ${keyType(table)}! $keys: [${keyType(table)}!]!) {
    things(${table.keyName}: $key) { ${selection} } thingsByKeys(keys: $keys) { ${selection} }
  }`;
}

export function nodeText(table: RandomTable): string {
  return `query ($id: ID!) { node(id: $id) { id ... on Things { ${rowSelection(table)} } } }`;
}
