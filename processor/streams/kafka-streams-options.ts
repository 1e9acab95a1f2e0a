import { messageOf, StreamsError } from './errors.ts';
import { checkConnection, type KafkaConnectionConfig } from './kafka/kafka-connection-config.ts';
import type { Logger } from './logger.ts';
import { checkFunctions, checkLogger, checkOptions, textOf } from './options.ts';
import { checkQueryListener, type QueryListenerOptions } from './queries/query-listener-options.ts';
import { checkErrorHandlers, ERROR_HANDLERS, type ErrorHandlers } from './task/error-decisions.ts';
import type { StreamsConfigInput } from './streams-config.ts';
import type { CreatableTopics } from './topics/prepare-topics.ts';
import type { RestoreListener } from './task/initialise-task.ts';
import type { TracesOptions } from './task/record-traces.ts';
import { isTopology, type TopologyPlace } from './thread/load-topology.ts';
import { originOf } from './topology/built-topologies.ts';
import type { Topology } from './topology/topology.ts';

export type KafkaStreamsOptions = CommonOptions & (TopologyByModule | BuiltTopology);

interface TopologyByModule {
  /**
   * URL of the module that exports `buildTopology(options)`. Functions do not cross threads, so each stream thread
   * builds its own topology.
   */
  readonly topologyModule: URL;
  /** Handed to `buildTopology`; plain data. */
  readonly topologyOptions?: unknown;
  readonly topology?: undefined;
}

interface BuiltTopology {
  /**
   * A topology that was built while a module was loaded, `export const topology = builder.build()`. Each stream thread
   * loads that module again, and the KafkaStreams that are made meanwhile start nothing; so the module must do nothing
   * else that is not to be done once a thread.
   */
  readonly topology: Topology;
  readonly topologyModule?: undefined;
  readonly topologyOptions?: undefined;
}

interface CommonOptions extends ErrorHandlers {
  /** As `onRestore` of the KafkaStreams itself. */
  readonly onRestore?: RestoreListener;
  readonly connection: KafkaConnectionConfig;
  readonly config: StreamsConfigInput;
  /** Topics that may be made when they are absent on a first start. */
  readonly creatableTopics?: CreatableTopics;
  /** Where it answers other processes about its stores; without it nobody can ask. */
  readonly queryListener?: QueryListenerOptions;
  readonly logger: Logger;
  /**
   * Traces of records, from when a task gets them to their commit; without it nothing is traced. A span is plain data:
   * an application hands it to the exporter that it uses.
   */
  readonly traces?: TracesOptions | undefined;
}

/** What the constructor is given, before anything is made of it. */
export function checkStreamsOptions(options: KafkaStreamsOptions): void {
  checkOptions('KafkaStreams', options, [
    'topology',
    'topologyModule',
    'topologyOptions',
    'connection',
    'config',
    'creatableTopics',
    'logger',
    'onRestore',
    'traces',
    'queryListener',
    ...ERROR_HANDLERS,
  ]);
  if (options.onRestore !== undefined) checkRestoreListener(options.onRestore);
  if (options.queryListener !== undefined) checkQueryListener(options.queryListener);
  checkErrorHandlers('KafkaStreams', options);
  if (options.traces !== undefined) checkTraces(options.traces);
  const { topology, topologyModule, topologyOptions, connection, creatableTopics = {}, logger } = options;
  if (topology !== undefined) {
    for (const name of ['topologyModule', 'topologyOptions'] as const)
      if (options[name] !== undefined)
        throw new StreamsError('CONFIG_INVALID', `KafkaStreams takes either topology or ${name}, not both`);
    topologyPlaceOf(options);
  } else if (typeof topologyModule !== 'object' || topologyModule === null || typeof topologyModule.href !== 'string') {
    throw new StreamsError(
      'CONFIG_INVALID',
      `topologyModule takes a URL, not ${textOf(topologyModule)}: new URL(path, import.meta.url), so that each ` +
        `stream thread finds the same file. Or give topology, what build() has returned`,
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

/** @throws StreamsError CONFIG_INVALID */
function checkTraces(traces: TracesOptions): void {
  checkOptions('traces', traces, ['sampleRatio', 'onSpans']);
  checkFunctions('traces', traces, ['onSpans']);
  const { sampleRatio = 0 } = traces;
  if (typeof sampleRatio !== 'number' || !(sampleRatio >= 0 && sampleRatio <= 1))
    throw new StreamsError(
      'CONFIG_INVALID',
      `traces.sampleRatio takes a number from 0, none, to 1, all records without trace context, not ` +
        textOf(sampleRatio),
    );
}

/** @throws StreamsError CONFIG_INVALID */
export function checkRestoreListener(listener: RestoreListener): void {
  if (typeof listener === 'function') return;
  checkOptions('onRestore', listener, ['started', 'progress', 'finished']);
  checkFunctions('onRestore', listener, Object.keys(listener));
}

/**
 * What a stream thread loads.
 * @throws StreamsError CONFIG_INVALID for a topology that no thread could build again.
 */
export function topologyPlaceOf({ topology, topologyModule, topologyOptions }: KafkaStreamsOptions): TopologyPlace {
  if (topology === undefined) return { module: topologyModule.href, options: topologyOptions };
  const origin = isTopology(topology) ? originOf(topology) : undefined;
  if (origin !== undefined) return { origin };
  throw new StreamsError(
    'CONFIG_INVALID',
    `topology takes what build() of a StreamsBuilder has returned in a module that can be loaded, not ` +
      `${textOf(topology)}: else give topologyModule, the URL of a module that exports buildTopology(options)`,
  );
}
