import type { KafkaConnectionConfig, KafkaStreamsOptions, Logger } from '@tributary/streams';
import type { Environment } from './environment.ts';
import type { LoginTopologyOptions } from './topology.ts';

/** The dead-letter topic takes what the input takes, and the headers on top. */
const DEAD_LETTER_MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** The login application as the environment asks for it. */
export function streamsOptions(
  environment: Environment,
  connection: KafkaConnectionConfig,
  logger: Logger,
): KafkaStreamsOptions {
  const {
    inputTopic,
    deadLetterTopic,
    internalReplicationFactor,
    sessionTimeoutMs,
    transactionTimeoutMs,
    queryListener,
  } = environment;
  const topologyOptions: LoginTopologyOptions = { inputTopic, deadLetterTopic };
  return {
    topologyModule: new URL('./topology.ts', import.meta.url),
    topologyOptions,
    connection,
    logger,
    ...(queryListener === undefined ? {} : { queryListener }),
    config: {
      applicationId: environment.applicationId,
      stateDir: environment.stateDir,
      processingGuarantee: environment.processingGuarantee,
      numStreamThreads: environment.numStreamThreads,
      numStandbyReplicas: environment.numStandbyReplicas,
      commitIntervalMs: environment.commitIntervalMs,
      maxRecordBytes: environment.maxRecordBytes,
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      ...(transactionTimeoutMs === undefined ? {} : { transactionTimeoutMs }),
      ...(internalReplicationFactor === undefined ? {} : { internalReplicationFactor }),
    },
    creatableTopics: {
      [inputTopic]: { partitions: environment.inputPartitions },
      [deadLetterTopic]: {
        partitions: 1,
        config: { 'max.message.bytes': String(DEAD_LETTER_MAX_MESSAGE_BYTES), 'retention.ms': '-1' },
      },
    },
  };
}
