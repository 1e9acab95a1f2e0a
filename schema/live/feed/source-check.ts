import {
  APPLICATION_RECORD_KEY,
  changelogTopic,
  didYouMean,
  type SignedStore,
  statusTopic,
  storesIn,
  type TopologySignature,
} from '@tributary/streams/operations';
import type { DeclaredTable, TableShape } from '../tables/declared-table.ts';
import type { FeedSource } from './feed-source.ts';

/** A topic to read a table from. */
export type SourceTopic = Pick<FeedSource, 'topic' | 'layout' | 'isChangelog' | 'subTopology'>;

/** Where a table is read from, or why that is not known, in one line without a full stop. */
export type SourceCheck = { readonly source: SourceTopic } | { readonly problem: string };

/** What is compared of a declaration. */
export type CheckedTable = Pick<DeclaredTable, 'name' | 'source' | 'shape' | 'key'> &
  Partial<Pick<DeclaredTable, 'held'>>;

/** What the store of a stateful step keeps for itself, by what its serde calls it: no rows of results. */
const INNER_FORMATS: ReadonlyMap<string, string> = new Map([
  ['held rows', 'the rows that suppress() holds back'],
  ['subscription of a foreign-key join', 'the subscriptions of a join by a foreign key'],
]);

/**
 * What the declarations and the application's record say of each table, by its name. `record`: undefined where there is
 * none.
 */
export function checkTables(
  tables: readonly CheckedTable[],
  applicationId: string,
  record: TopologySignature | undefined,
): ReadonlyMap<string, SourceCheck> {
  const stores = record === undefined ? undefined : storesIn(record);
  const checked = tables.map((table): [string, SourceCheck] => {
    const { name, source } = table;
    if (source.kind === 'topic')
      return [name, { source: { topic: source.topic, layout: 'key-value', isChangelog: false } }];
    return [
      name,
      stores === undefined
        ? { problem: withoutRecord(applicationId) }
        : checkStore(table, source.store, applicationId, stores),
    ];
  });
  return new Map(checked);
}

function withoutRecord(applicationId: string): string {
  return (
    `waiting for the application ${applicationId}: ${statusTopic(applicationId)} has no record ` +
    `${APPLICATION_RECORD_KEY}, which a processor writes at its first start`
  );
}

/**
 * Compares a table that is declared over a store with what the application's record says of that store.
 * `stores`: all of the application's.
 */
function checkStore(
  { name, shape, key, held }: CheckedTable,
  store: string,
  applicationId: string,
  stores: ReadonlyMap<string, SignedStore>,
): SourceCheck {
  const signed = stores.get(store);
  if (signed === undefined)
    return {
      problem:
        `waiting for the store ${store}, which the application ${applicationId} does not have: ` +
        didYouMean(store, [...stores.keys()]),
    };
  const wrong =
    wrongKind(signed, shape) ??
    wrongContents(signed, key.serde.format) ??
    (held === 'owner' ? wrongToAsk(signed) : undefined);
  if (wrong !== undefined) return { problem: `the table ${name} cannot be read from the store ${store}: ${wrong}` };
  const layout = signed.kind ?? 'key-value';
  const { subTopology } = signed;
  const ofTasks = subTopology === undefined ? {} : { subTopology };
  if (signed.hasChangelog)
    return { source: { topic: changelogTopic(applicationId, store), layout, isChangelog: true, ...ofTasks } };
  const { topics, readsRepartitionTopics } = signed;
  const [topic] = topics;
  if (topic !== undefined && topics.length === 1 && !readsRepartitionTopics && layout === 'key-value')
    return { source: { topic, layout, isChangelog: false, ...ofTasks } };
  return {
    problem:
      `the table ${name} cannot be read from the store ${store}: it keeps no changelog, and is not read from one ` +
      `topic alone; give the store a changelog, or name a compacted topic, table({ topic: … })`,
  };
}

/** What a store is in place of what is declared, and what to write instead. */
function wrongKind(signed: SignedStore, shape: TableShape): string | undefined {
  const { kind, windowSizeMs, windowAdvanceMs, retainDuplicates, text } = signed;
  const write = (option: string): string => `write ${option.replace('…', 'how long they are kept')} in its place`;
  switch (kind) {
    case undefined:
      return `it is "${text}", which this release does not know; a later release of @tributary/graphql may`;
    case 'key-value':
    case 'versioned':
      return shape.kind === 'key-value'
        ? undefined
        : `it is a ${kind} store, without windows; leave out ${shape.kind === 'window' ? 'window' : 'session'}`;
    case 'session':
      return shape.kind === 'session' ? undefined : `it is a session store; ${write('session: {}')}`;
    case 'window':
      if (retainDuplicates) return `it keeps several rows of one key and time, as a join does, and so is no table`;
      if (windowSizeMs === undefined || windowAdvanceMs === undefined || !Number.isFinite(windowSizeMs))
        return 'it has windows without an end, which no table can show; count without windows, into another store';
      if (shape.kind === 'window' && shape.sizeMs === windowSizeMs && shape.advanceMs === windowAdvanceMs)
        return undefined;
      return (
        `it has ${text}; ` +
        write(
          windowAdvanceMs === windowSizeMs
            ? `window: { sizeMs: ${String(windowSizeMs)}, retentionMs: … }`
            : `window: { sizeMs: ${String(windowSizeMs)}, advanceMs: ${String(windowAdvanceMs)}, retentionMs: … }`,
        )
      );
  }
}

/** What the serdes of a store write in place of what the table reads. A serde without a name says nothing. */
function wrongContents({ keyFormat, valueFormat }: SignedStore, declared: string | undefined): string | undefined {
  const inner = INNER_FORMATS.get(valueFormat ?? '');
  if (inner !== undefined) return `it holds ${inner}, and no results; name the store of the table before or after it`;
  if (keyFormat === undefined || declared === undefined || keyFormat === declared) return undefined;
  return (
    `its keys are ${keyFormat}, and the table reads ${declared}; ` +
    `give key the serde of the store, key: { id: { type: …, serde: … } }`
  );
}

/** Why the owners of a store cannot be asked for its rows. */
function wrongToAsk({ kind, hasChangelog }: SignedStore): string | undefined {
  if (kind === 'versioned')
    return `it keeps versions, and its owners are not asked for the newest ones; leave out held: 'owner'`;
  if (!hasChangelog)
    return `it keeps no changelog, which its rows are followed in; leave out held: 'owner', or give it a changelog`;
  return undefined;
}
