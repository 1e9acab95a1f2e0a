/** Every public name of the live API, listed by hand. Anything else is internal and may change. */

/* A whole API, made of declared tables. */
export { createFilledLiveApi, createLiveApi, type ListeningApi, type LiveApi } from './live-api.ts';
export type { ListenPlace } from './listen-place.ts';
export type { FilledLiveApiOptions, LiveApiLimits, LiveApiOptions } from './live-api-options.ts';
export type { Allow, AllowRule } from './access/rights.ts';
export type { RowFilter } from './tables/row-filter.ts';
export type { PlainRow } from './tables/row-view.ts';
export type { OrderRequest } from './tables/request-arguments.ts';
export type { TablePageRequest, WatchRequest } from './tables/table-reads.ts';
export type { PlainPage, PlainPageRequest, PlainUpdate, PlainUpdates, TableAccess } from './tables/tables-context.ts';
export type { ExtensionParts, SchemaExtension } from './graphql/live-schema.ts';

/* The server, and what an application gives it. */
export { startApiServer, type ApiServer, type ApiServerOptions } from './server/api-server.ts';
export type { RestResults } from './server/rest-responses.ts';
export type { ViewerFunction, ViewerInput } from './access/viewers.ts';
export type { TracedOperation, Tracing } from './operations/tracing.ts';

/* Tables of any application, as they are declared. */
export {
  table,
  type KeyOption,
  type RowWindow,
  type TableDeclaration,
  type TableOptions,
  type TableWindow,
  type ValueOption,
} from './tables/table.ts';

/* Copies of tables, and the model that keeps them. */
export { LiveModel, type AnyLiveModel, type LiveModelOptions } from './tables/live-model.ts';
export { createLiveModel, type Copies, type HoldTable, type LiveTablesOptions } from './tables/create-live-model.ts';
export type { DeclaredTable } from './tables/declared-table.ts';
export { DerivedTable } from './tables/derived-table.ts';
export { RowTable } from './tables/row-table.ts';
export type { RowObserver } from './tables/row-observer.ts';
export type { Row } from './tables/row.ts';
export type { LiveTable, LiveTables } from './tables/live-table.ts';
export { MAX_WINDOWS } from './tables/shown-windows.ts';
export { openLiveFeed, type LiveFeed } from './tables/live-feed.ts';
export { freshness, type Freshness } from './tables/freshness.ts';
export { requireCopy } from './tables/require-copy.ts';

/* Subscriptions. */
export {
  ConflatingIterator,
  UNOBSERVED,
  type OnSubscription,
  type SubscriptionObserver,
  type UpdateSource,
} from './updates/conflating-iterator.ts';
export type { ChangeTopic } from './updates/change-hub.ts';
export type { RowsUpdate, UpdateKind } from './updates/row-updates.ts';
export { updatesOfKeys, type UpdatesOfKeysOptions } from './updates/updates-of-keys.ts';
export { CompletenessWatch } from './updates/completeness-watch.ts';
export { ResultUpdates } from './updates/result-updates.ts';
export { decodeCursor, encodeCursor, type CursorContent } from './updates/cursor.ts';
export { CursorResume } from './updates/cursor-resume.ts';

/* Resolvers. */
export { countScalar, cursorScalar, dateTimeScalar } from './graphql/scalars.ts';
export { integerArgument, intervalArgument } from './graphql/arguments.ts';
export { badUserInput, type ErrorCode } from './graphql/api-error.ts';
export { InstanceList, type ListedInstance } from './operations/instance-list.ts';
export {
  processorResult,
  type ApplicationDescription,
  type InstanceResult,
  type ProcessorResult,
  type TaskResult,
} from './operations/processor-result.ts';

/* What operations cost, and the limits. */
export { introspectionLists, operationCost, type CostTable, type FieldArguments } from './limits/operation-cost.ts';
export { processorLists } from './operations/processor-lists.ts';
export { MAX_ERRORS, REQUEST_LIMITS } from './limits/request-limits.ts';
export { SOCKET_LIMITS } from './limits/socket-limits.ts';
export { MAX_CONNECTIONS, STALLED_AFTER_MS } from './server/connections.ts';
