import type { DeclaredTable } from '../tables/declared-table.ts';
import { rowTypeNames } from '../types/generated-names.ts';
import { keyRangeType } from './filter-sdl.ts';
import { sdlBlock, sdlPart, type SdlPart } from './sdl-text.ts';

/*
 * What answers mean stands in the descriptions of the roots: it is what a client is promised.
 */

const COMMITTED = 'Committed results only.';

/** What a page is promised to be of. */
function ofOneState({ held }: DeclaredTable): string {
  const state = held === 'owner' ? 'one position of each partition' : 'one instant of this instance';
  return (
    `${COMMITTED} A page is of ${state}; pages that follow each other by \`after\` never repeat a key that has not ` +
    'changed.'
  );
}

const GAP_FREE =
  'A SNAPSHOT, then DELTAs of absolute rows, the newest of each: what a client holds after an update equals a query ' +
  "whose `cursor` is the update's.";

export function queryType(tables: readonly DeclaredTable[]): string {
  return sdlBlock(
    "Results of the processor, from this instance's own copies: committed ones only, and each answer of one instant." +
      (tables.some(({ held }) => held === 'owner')
        ? ' Rows of tables that are not copied come from the processors that own them.'
        : ''),
    'type Query',
    [
      {
        name: 'node',
        type: 'Node',
        description: 'The object with this global id; null when there is none.',
        args: [sdlPart('id', 'ID!', "As an object's `id` gave it.")],
      },
      ...tables.flatMap((table) => (table.shape.kind === 'key-value' ? keyQueries(table) : windowQueries(table))),
      sdlPart('tables', '[TableStatus!]!', 'The tables that are served, as this instance has them.'),
      sdlPart('processor', 'Processor!', 'Who processes what, and how far behind.'),
    ],
  );
}

export function subscriptionType(tables: readonly DeclaredTable[]): string {
  return sdlBlock(
    'Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at ' +
      'most one update per `intervalMs` (50 to 60,000), conflated to the newest, always ending on the newest state. ' +
      'What is resumed by `after`, at this or any other instance, has no gap.',
    'type Subscription',
    [
      ...tables.map(tableSubscription),
      {
        ...sdlPart('tables', '[TableStatus!]!', 'The tables that are served, whenever what is told of them changes.'),
        args: [interval(1_000)],
      },
      {
        ...sdlPart('processor', 'Processor!', 'The processor, whenever an instance reports, leaves or falls silent.'),
        args: [interval(1_000)],
      },
    ],
  );
}

const AT_LEAST = sdlPart(
  'atLeast',
  'Cursor',
  'A cursor of this table: the answer has seen it. Waits for up to 2 seconds, then NOT_READY.',
);

function keyQueries(table: DeclaredTable): readonly SdlPart[] {
  const { name, key } = table;
  const { row } = rowTypeNames(table.typeName);
  return [
    {
      ...sdlPart(name, row, `The row of a key; null when there is none. ${COMMITTED}`),
      args: [keyArgument(table, '!'), AT_LEAST],
    },
    {
      ...sdlPart(
        `${name}ByKeys`,
        `[${row}]!`,
        `A row for each key, in their order; null where there is none. ${COMMITTED}`,
      ),
      args: [sdlPart('keys', `[${key.type.name}!]!`, 'At most 100.'), AT_LEAST],
    },
    pageQuery(table, []),
  ];
}

function windowQueries(table: DeclaredTable): readonly SdlPart[] {
  const { name, shape } = table;
  const { row } = rowTypeNames(table.typeName);
  const [what, most] = shape.kind === 'window' ? ['windows', ', at most 1,500 windows'] : ['sessions', ''];
  return [
    {
      ...sdlPart(name, `[${row}!]!`, `The ${what} of a key between two instants, by start${most}. ${COMMITTED}`),
      args: [keyArgument(table, '!'), ...times('!'), AT_LEAST],
    },
    pageQuery(table, [keyArgument(table, ''), ...times('')]),
  ];
}

function pageQuery(table: DeclaredTable, more: readonly SdlPart[]): SdlPart {
  const { connection, filter, order } = rowTypeNames(table.typeName);
  return {
    ...sdlPart(`${table.name}Page`, `${connection}!`, `Rows by key, or as ordered. ${ofOneState(table)}`),
    args: [
      ...more,
      { ...sdlPart('first', 'Int', 'How many rows, 1 to 100.'), fallback: '50' },
      sdlPart('after', 'String', 'The `endCursor` of the page before, in the same order.'),
      sdlPart('keys', keyRangeType(table), 'Only keys in this range.'),
      sdlPart('filter', filter, 'Only rows that this takes; at most 10 comparisons.'),
      sdlPart('orderBy', order, 'By key, ascending, unless given.'),
      AT_LEAST,
    ],
  };
}

function tableSubscription(table: DeclaredTable): SdlPart {
  const { name, key, shape } = table;
  const { update, filter, order } = rowTypeNames(table.typeName);
  const isWindowed = shape.kind !== 'key-value';
  return {
    ...sdlPart(
      name,
      `${update}!`,
      `${GAP_FREE} ${COMMITTED}${table.held === 'owner' ? ' Needs `keys` or `range`.' : ''}`,
    ),
    args: [
      ...(isWindowed ? [keyArgument(table, '')] : []),
      sdlPart('keys', `[${key.type.name}!]`, 'Only these keys, at most 100.'),
      sdlPart('range', keyRangeType(table), 'Only keys in this range.'),
      sdlPart('filter', filter, 'Only rows that this takes; at most 10 comparisons.'),
      sdlPart('orderBy', order, 'What `first` counts by.'),
      sdlPart('first', 'Int', 'Only the first rows, 1 to 100; one that falls behind them is removed.'),
      ...(isWindowed ? [{ ...sdlPart('last', 'Int', lastText(shape.kind)), fallback: '24' }] : []),
      sdlPart(
        'after',
        'Cursor',
        'The cursor of the last update that was received: only what changed since comes, where that can be told.',
      ),
      interval(250),
    ],
  };
}

function lastText(kind: DeclaredTable['shape']['kind']): string {
  return kind === 'window'
    ? 'How many windows, counted back from the newest one over all keys, 1 to 1,500.'
    : 'How many sessions, the newest ones, 1 to 1,500.';
}

function keyArgument({ key }: DeclaredTable, required: '!' | ''): SdlPart {
  return sdlPart(
    key.name,
    `${key.type.name}${required}`,
    required === '!' ? 'The key.' : 'Only this key; all of them unless given.',
  );
}

function times(required: '!' | ''): readonly SdlPart[] {
  return [
    sdlPart('from', `DateTime${required}`, 'The first one is the one that holds this instant.'),
    sdlPart('to', `DateTime${required}`, 'The last one is the one that holds what is just before this instant.'),
  ];
}

function interval(fallbackMs: number): SdlPart {
  return {
    ...sdlPart('intervalMs', 'Int', 'At most one update in so many milliseconds, 50 to 60,000.'),
    fallback: String(fallbackMs),
  };
}
