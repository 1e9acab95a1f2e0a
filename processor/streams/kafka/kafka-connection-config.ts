import { StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';

/**
 * How to reach a Kafka cluster: what every client in a process is built from. Plain data, so that it crosses threads.
 */
export interface KafkaConnectionConfig {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  /** Shown in the broker's logs and quotas. */
  readonly clientId: string;
  /** How long a broker may take to answer before the request counts as failed, its effect unknown. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** TLS; `ca` is PEM text. `rejectUnauthorized` is never switched off. */
  readonly tls?: { readonly ca?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** @throws StreamsError CONFIG_INVALID naming what is unknown, missing or of another kind. */
export function checkConnection(connection: unknown): asserts connection is KafkaConnectionConfig {
  checkOptions('connection', connection, ['brokers', 'clientId', 'requestTimeoutMs', 'tls', 'sasl']);
  const { brokers, clientId, requestTimeoutMs, tls, sasl } = connection as Partial<KafkaConnectionConfig>;
  if (
    !Array.isArray(brokers) ||
    brokers.length === 0 ||
    !brokers.every((broker) => typeof broker === 'string' && broker !== '')
  )
    throw new StreamsError('CONFIG_INVALID', `connection.brokers takes a list of host:port, not ${textOf(brokers)}`);
  if (typeof clientId !== 'string')
    throw new StreamsError('CONFIG_INVALID', `connection.clientId takes a text, not ${textOf(clientId)}`);
  if (requestTimeoutMs !== undefined && !(Number(requestTimeoutMs) > 0))
    throw new StreamsError(
      'CONFIG_INVALID',
      `connection.requestTimeoutMs takes milliseconds above 0, not ${textOf(requestTimeoutMs)}`,
    );
  if (tls !== undefined) checkOptions('connection.tls', tls, ['ca']);
  if (sasl !== undefined) checkOptions('connection.sasl', sasl, ['mechanism', 'username', 'password']);
}
