import { StreamsError } from '../errors.ts';
import { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { checkConnection, type KafkaConnectionConfig } from '../kafka/kafka-connection-config.ts';
import type { Logger } from '../logger.ts';
import { checkFunctions, checkLogger, checkOptions, textOf } from '../options.ts';
import { FetchedGlobalTable } from './fetched-global-table.ts';
import type { GlobalTable, GlobalTableOptions } from './global-table-types.ts';

const TABLE_LISTENERS = ['onChanges', 'onReset', 'onState', 'onFatal'];

/** A live copy of compacted topics. Topics that do not exist yet are waited for. @throws StreamsError CONFIG_INVALID */
export function createGlobalTable(
  connection: KafkaConnectionConfig,
  options: GlobalTableOptions,
  logger: Logger,
): GlobalTable {
  checkConnection(connection);
  checkOptions('createGlobalTable', options, ['topics', 'deleteRetentionMs', ...TABLE_LISTENERS]);
  checkFunctions('createGlobalTable', options, TABLE_LISTENERS);
  if (options.deleteRetentionMs !== undefined) checkFunctions('createGlobalTable', options, ['deleteRetentionMs']);
  checkLogger('createGlobalTable', logger);
  const { topics } = options;
  if (
    !Array.isArray(topics) ||
    topics.length === 0 ||
    !topics.every((topic) => typeof topic === 'string' && topic !== '')
  )
    throw new StreamsError('CONFIG_INVALID', `createGlobalTable takes topics, a list of names, not ${textOf(topics)}`);
  const cluster = new KafkaCluster({ ...connection, clientId: `${connection.clientId}-global-table` }, logger);
  return new FetchedGlobalTable(cluster, connection.brokers, options, logger);
}
