import { messageOf, StreamsError } from '../errors.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { hasCode } from './kafka-errors.ts';

/** What the application asked for when a broker refused it. */
interface AskedOfBroker {
  readonly groupId: string;
  readonly transactionTimeoutMs?: number;
  readonly sessionTimeoutMs?: number;
}

interface BrokerLimit {
  /** Kafka's number of the refusal. */
  readonly code: number;
  /** The brokers' settings that refuse it. */
  readonly settings: readonly string[];
  /** The application's option that was refused. */
  readonly options: readonly string[];
  readonly words: (asked: AskedOfBroker, limits: string) => string;
}

const number = (value: number | undefined): string => String(value ?? 'what is set');

const LIMITS: readonly BrokerLimit[] = [
  {
    code: 50,
    settings: ['transaction.max.timeout.ms'],
    options: ['transactionTimeoutMs'],
    words: ({ transactionTimeoutMs }, limits) =>
      `the brokers take no transaction time-out of ${number(transactionTimeoutMs)} ms (${limits}): set ` +
      `transactionTimeoutMs to at most that, or raise it at the brokers`,
  },
  {
    code: 26,
    settings: ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'],
    options: ['sessionTimeoutMs'],
    words: ({ groupId, sessionTimeoutMs }, limits) =>
      `the group ${groupId} takes no session time-out of ${number(sessionTimeoutMs)} ms (${limits}): set ` +
      `sessionTimeoutMs to one between them, or change these at the brokers`,
  },
  {
    code: 81,
    settings: ['group.max.size'],
    options: ['numStreamThreads'],
    words: ({ groupId }, limits) =>
      `the group ${groupId} is full (${limits}): run fewer threads (numStreamThreads) or ` +
      `processes, or raise it at the brokers`,
  },
  {
    code: 12,
    settings: ['offset.metadata.max.bytes'],
    options: [],
    words: (_asked, limits) =>
      `the brokers take no offset metadata of this length (${limits}): set it back to 4096, its default, ` +
      `at the brokers`,
  },
  {
    code: 23,
    settings: [],
    options: ['applicationId'],
    words: ({ groupId }) =>
      `the group ${groupId} has members of another kind: some other application uses the name as its group id. ` +
      `Use another applicationId, or stop that one`,
  },
];

/**
 * CONFIG_INVALID if a limit of the brokers is why they refused, with the limit as far as this user may see it, and the
 * setting that mends it; else undefined. Trying again would be refused for ever.
 */
export async function asBrokerLimit(
  error: unknown,
  cluster: Partial<Pick<KafkaCluster, 'brokerSettings'>>,
  asked: AskedOfBroker,
): Promise<StreamsError | undefined> {
  const limit = LIMITS.find(({ code }) => hasCode(error, code));
  if (limit === undefined) return undefined;
  // They may be hidden from this user; their names are not.
  const values =
    limit.settings.length === 0
      ? new Map<string, string>()
      : await cluster.brokerSettings?.(limit.settings).catch(() => undefined);
  const limits = limit.settings
    .map((name) => (values?.get(name) === undefined ? name : `${name}=${String(values.get(name))}`))
    .join(', ');
  return new StreamsError('CONFIG_INVALID', `${limit.words(asked, limits)}. Kafka says: ${messageOf(error)}`, {
    settings: limit.options,
    cause: error,
  });
}
