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
  const notReachable = brokers.find((broker) => !isAddress(broker));
  if (notReachable !== undefined)
    throw new StreamsError(
      'CONFIG_INVALID',
      `connection.brokers takes host:port each, such as "localhost:9092", not ${textOf(notReachable)}`,
    );
  if (typeof clientId !== 'string')
    throw new StreamsError('CONFIG_INVALID', `connection.clientId takes a text, not ${textOf(clientId)}`);
  if (requestTimeoutMs !== undefined && !(typeof requestTimeoutMs === 'number' && requestTimeoutMs > 0))
    throw new StreamsError(
      'CONFIG_INVALID',
      `connection.requestTimeoutMs takes milliseconds above 0, not ${textOf(requestTimeoutMs)}`,
    );
  if (tls !== undefined) checkTls(tls);
  if (sasl !== undefined) checkSasl(sasl);
}

/** Without a port the client would go on for ever to a name that is cut short, at no port. */
function isAddress(broker: string): boolean {
  const [, port] = /^[^\s/]+:(\d{1,5})$/.exec(broker) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

function checkTls(tls: object): void {
  checkOptions('connection.tls', tls, ['ca']);
  const { ca } = tls as { readonly ca?: unknown };
  if (ca !== undefined && typeof ca !== 'string')
    throw new StreamsError('CONFIG_INVALID', `connection.tls.ca takes PEM text, not ${textOf(ca)}`);
}

const MECHANISMS: readonly unknown[] = ['plain', 'scram-sha-256', 'scram-sha-512'];

function checkSasl(sasl: object): void {
  checkOptions('connection.sasl', sasl, ['mechanism', 'username', 'password']);
  const { mechanism, username, password } = sasl as Readonly<Record<string, unknown>>;
  if (!MECHANISMS.includes(mechanism))
    throw new StreamsError(
      'CONFIG_INVALID',
      `connection.sasl.mechanism takes "plain", "scram-sha-256" or "scram-sha-512", not ${textOf(mechanism)}`,
    );
  // What they are is in no message.
  for (const [name, value] of Object.entries({ username, password }))
    if (typeof value !== 'string' || value === '')
      throw new StreamsError('CONFIG_INVALID', `connection.sasl.${name} takes a text that is not empty`);
}
