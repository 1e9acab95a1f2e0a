import type { Logger, StreamsError } from '@tributary/streams';

/*
 * The runtime knows neither an environment nor commands: its messages name its own options, and its errors say as data
 * which ones, and whether a reset is the remedy. Here both get the names that a user of the login application knows.
 */

/** What stands for an option of the runtime in what a user reads. */
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ['applicationId', 'applicationId (APPLICATION_ID)'],
  ['commitIntervalMs', 'commitIntervalMs (COMMIT_INTERVAL_MS)'],
  ['connection.brokers', 'KAFKA_BROKERS'],
  ['connection.sasl', 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'],
  ['connection.tls', 'KAFKA_SSL and KAFKA_CA_FILE'],
  ['internalReplicationFactor', 'internalReplicationFactor (INTERNAL_REPLICATION_FACTOR)'],
  ['maxRecordBytes', 'maxRecordBytes (MAX_RECORD_BYTES)'],
  ['numStandbyReplicas', 'numStandbyReplicas (NUM_STANDBY_REPLICAS)'],
  ['numStreamThreads', 'numStreamThreads, NUM_STREAM_THREADS'],
  ['processingGuarantee', 'processingGuarantee (PROCESSING_GUARANTEE)'],
  ['queryListener.advertisedHost', 'QUERY_LISTENER_ADVERTISED_HOST'],
  ['queryListener.advertisedPort', 'QUERY_LISTENER_ADVERTISED_PORT'],
  ['queryListener.host', 'QUERY_LISTENER_HOST'],
  ['queryListener.port', 'QUERY_LISTENER_PORT'],
  ['queryListener.token', 'QUERY_LISTENER_TOKEN'],
  ['sessionTimeoutMs', 'sessionTimeoutMs (SESSION_TIMEOUT_MS)'],
  ['stateDir', 'STATE_DIR'],
  ['transactionTimeoutMs', 'transactionTimeoutMs (TRANSACTION_TIMEOUT_MS)'],
]);

const RESET = ' (npm run reset for the login application; docs/operations.md)';

/** The message of an error of the runtime, with the environment's variables and the command that resets. */
export function wordsOf({ message, settings, remedy }: StreamsError): string {
  return `${withVariables(message, settings)}${remedy === 'reset' ? RESET : ''}`;
}

/** The one line that is shown for an error of the runtime. */
export function errorLine(error: StreamsError): string {
  return `${error.code}: ${wordsOf(error)}`;
}

/**
 * A line of the runtime with the environment's variables in place of its options; only words, never parts of a path.
 */
export function withVariables(text: string, options: Iterable<string> = OPTIONS.keys()): string {
  let said = text;
  for (const option of options) {
    const words = OPTIONS.get(option);
    if (words === undefined) continue;
    said = said.replaceAll(
      new RegExp(`(?<![\\w/.-])${option.replace('.', '\\.')}(?![\\w/-]|\\.\\w)`, 'g'),
      () => words,
    );
  }
  return said;
}

/** A logger for the runtime, whose lines name the environment's variables. */
export function loggerWithVariables(logger: Logger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, withVariables(message)),
    info: (fields, message) => logger.info(fields, withVariables(message)),
    warn: (fields, message) => logger.warn(fields, withVariables(message)),
    error: (fields, message) => logger.error(fields, withVariables(message)),
  };
}

/** One line when none of the brokers' names resolves: a broker that is down is waited for, a wrong name is not. */
export function unknownBrokersLine(brokers: readonly string[], unresolvable: readonly string[]): string | undefined {
  const [first] = unresolvable;
  if (first === undefined || unresolvable.length < brokers.length) return undefined;
  const host = first.slice(0, first.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  return `BROKER_NAME_UNKNOWN: KAFKA_BROKERS names "${first}", but the name ${host} does not resolve: correct it.`;
}
