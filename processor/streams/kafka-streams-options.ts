import { messageOf, StreamsError } from './errors.ts';
import { checkConnection, type KafkaConnectionConfig } from './kafka/kafka-connection-config.ts';
import type { Logger } from './logger.ts';
import { checkLogger, checkOptions, textOf } from './options.ts';
import { checkErrorHandlers, ERROR_HANDLERS, type ErrorHandlers } from './task/error-decisions.ts';
import type { StreamsConfigInput } from './streams-config.ts';
import type { CreatableTopics } from './topics/prepare-topics.ts';
import type { Topology } from './topology/topology.ts';

export interface KafkaStreamsOptions extends ErrorHandlers {
  /**
   * URL of the module that exports `buildTopology(options)`. A module, not a topology: functions do not cross threads,
   * so each stream thread builds its own.
   */
  readonly topologyModule: URL;
  /** Handed to `buildTopology`; plain data. */
  readonly topologyOptions?: unknown;
  readonly connection: KafkaConnectionConfig;
  readonly config: StreamsConfigInput;
  /** Topics that may be made when they are absent on a first start. */
  readonly creatableTopics?: CreatableTopics;
  readonly logger: Logger;
}

/** What the constructor is given, before anything is made of it. */
export function checkStreamsOptions(options: KafkaStreamsOptions): void {
  checkOptions('KafkaStreams', options, [
    'topologyModule',
    'topologyOptions',
    'connection',
    'config',
    'creatableTopics',
    'logger',
    ...ERROR_HANDLERS,
  ]);
  checkErrorHandlers('KafkaStreams', options);
  const { topologyModule, topologyOptions, connection, creatableTopics = {}, logger } = options;
  if (typeof topologyModule !== 'object' || topologyModule === null || typeof topologyModule.href !== 'string') {
    throw new StreamsError(
      'CONFIG_INVALID',
      `topologyModule takes a URL, not ${textOf(topologyModule)}: new URL(path, import.meta.url), so that each ` +
        `stream thread finds the same file`,
    );
  }
  checkLogger('KafkaStreams', logger);
  checkConnection(connection);
  checkOptions('creatableTopics', creatableTopics, Object.keys(creatableTopics));
  for (const [topic, plan] of Object.entries(creatableTopics)) {
    checkOptions(`creatableTopics["${topic}"]`, plan, ['partitions', 'config']);
    if (!Number.isSafeInteger(plan.partitions) || plan.partitions < 1)
      throw new StreamsError(
        'CONFIG_INVALID',
        `creatableTopics["${topic}"].partitions takes a whole number above 0, not ${textOf(plan.partitions)}`,
      );
  }
  try {
    structuredClone(topologyOptions);
  } catch (error) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `topologyOptions must be plain data, as it is handed to each stream thread: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Imports the module of a topology and builds it.
 * @throws StreamsError CONFIG_INVALID, or what `buildTopology` throws.
 */
export async function loadTopology({
  topologyModule,
  topologyOptions,
}: Pick<KafkaStreamsOptions, 'topologyModule' | 'topologyOptions'>): Promise<Topology> {
  const { href } = topologyModule;
  const { buildTopology } = (await import(href).catch((error: unknown) => {
    if (error instanceof StreamsError) throw error;
    throw new StreamsError('CONFIG_INVALID', `the topologyModule ${href} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  })) as { buildTopology?: unknown };
  if (typeof buildTopology !== 'function')
    throw new StreamsError('CONFIG_INVALID', `the topologyModule ${href} exports no function buildTopology`);
  const topology = (buildTopology as (options: unknown) => unknown)(topologyOptions);
  if (!isTopology(topology))
    throw new StreamsError(
      'CONFIG_INVALID',
      `buildTopology of ${href} returned ${textOf(topology)}, not a topology: return builder.build()`,
    );
  return topology;
}

function isTopology(topology: unknown): topology is Topology {
  return typeof topology === 'object' && topology !== null && 'subTopologies' in topology;
}
