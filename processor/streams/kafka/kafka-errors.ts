import { createRequire } from 'node:module';
import { messageOf, StreamsError } from '../errors.ts';
import { unresolvableBrokers } from './broker-names.ts';
import { topicPartition } from './topic-partition.ts';

const { createErrorFromCode } = createRequire(import.meta.url)('#kafkajs/src/protocol/error.js') as {
  createErrorFromCode: (code: number) => Error;
};

/** Broker error codes the runtime acts on, by Kafka's own numbers. kafkajs has no name for 90: numbers it is. */
export const CODE = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER: 6,
  MESSAGE_TOO_LARGE: 10,
  RECORD_LIST_TOO_LARGE: 18,
  COORDINATOR_LOADING: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  INVALID_TIMESTAMP: 32,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52,
  FENCED_LEADER_EPOCH: 74,
  MEMBER_ID_REQUIRED: 79,
  FENCED_INSTANCE_ID: 82,
  PRODUCER_FENCED: 90,
} as const;

interface KafkajsErrorShape {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly type?: unknown;
  readonly originalError?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  /** `host:port` that kafkajs was talking to. */
  readonly broker?: unknown;
}

function shape(error: unknown): KafkajsErrorShape {
  return typeof error === 'object' && error !== null ? error : {};
}

/** kafkajs wraps errors in errors when it gives up retrying; the innermost says what happened. */
function chain(error: unknown): KafkajsErrorShape[] {
  const errors: KafkajsErrorShape[] = [];
  let current: unknown = error;
  while (typeof current === 'object' && current !== null && errors.length < 8) {
    errors.push(shape(current));
    current = shape(current).originalError ?? shape(current).cause;
  }
  return errors;
}

/** The broker's error number, or undefined when no broker answered. */
export function kafkaCode(error: unknown): number | undefined {
  for (const { code } of chain(error)) if (typeof code === 'number') return code;
  return undefined;
}

export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  const code = kafkaCode(error);
  return code !== undefined && codes.includes(code);
}

/** Another producer owns the transactional id now, or the coordinator timed the transaction out. */
export function isFenced(error: unknown): boolean {
  return hasCode(
    error,
    CODE.INVALID_PRODUCER_EPOCH,
    CODE.PRODUCER_FENCED,
    CODE.INVALID_PRODUCER_ID_MAPPING,
    CODE.INVALID_TXN_STATE,
    CODE.TRANSACTION_COORDINATOR_FENCED,
  );
}

/** The request was refused because the node asked is not, or not yet, the right one: it had no effect. */
export function isMisdirected(error: unknown): boolean {
  return hasCode(
    error,
    CODE.COORDINATOR_LOADING,
    CODE.COORDINATOR_NOT_AVAILABLE,
    CODE.NOT_COORDINATOR,
    CODE.NOT_LEADER,
    CODE.LEADER_NOT_AVAILABLE,
    CODE.FENCED_LEADER_EPOCH,
    CODE.UNKNOWN_TOPIC_OR_PARTITION,
  );
}

const AWAY_NAMES = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSLockTimeout',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'LeaderNotKnownError',
]);
const AWAY_SYSCALL_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * The cluster cannot do it right now, and will again without anybody's help here: request timed out, broker or replica
 * not available, network, too few replicas in sync (before or after the append), no controller, storage, offset not
 * available, unstable offset.
 */
const NOT_NOW = [7, 8, 9, 13, 19, 20, 41, 56, 78, 88] as const;

const CUT_SYSCALL_CODES: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

/** A connection that was there ended before the answer came. */
export function isConnectionCut(error: unknown): boolean {
  return chain(error).some(
    ({ name, code }) =>
      name === 'KafkaJSConnectionClosedError' ||
      CUT_SYSCALL_CODES.includes(code) ||
      (name === 'KafkaJSConnectionError' &&
        CUT_SYSCALL_CODES.some((syscall) => messageOf(error).includes(String(syscall)))),
  );
}

/** A partition has no leader, while another one is elected. */
export class LeaderNotKnownError extends Error {
  override readonly name = 'LeaderNotKnownError';
  readonly retriable = true;
  constructor(topic: string, partition: number) {
    super(`${topicPartition(topic, partition)} has no leader at the moment`);
  }
}

/** The broker's refusal of a part of a request, as kafkajs throws that of the whole. */
export function refusal(code: number): Error {
  return createErrorFromCode(code);
}

/** kafkajs reads metadata also when no broker answered: this is its error. */
const NO_METADATA = /'topicMetadata'.* null|null .*'topicMetadata'/;

/**
 * What is said while `isBrokerAway`: whether a broker is about to come or its address is wrong looks the same from
 * here.
 */
export function waitingForKafka(brokers: readonly string[], error: unknown): string {
  return (
    `waiting for Kafka at ${brokers.join(',')}: ${awayReason(brokers, error)}. It goes on by itself when that ` +
    `answers; is the address right, and Kafka running?`
  );
}

/**
 * The address that could not be reached, when it is not one of the settings: a broker that was reached has told it, as
 * its own or that of another one.
 */
export function advertisedAddress(brokers: readonly string[], error: unknown): string | undefined {
  const asked = chain(error)
    .map(({ broker }) => broker)
    .find((broker) => typeof broker === 'string');
  return asked === undefined || brokers.some((broker) => sameAddress(broker, asked)) ? undefined : asked;
}

/** Why a broker is away; says whether the address is one of the settings or one that the brokers advertise. */
export function awayReason(brokers: readonly string[], error: unknown): string {
  return messageOf(asAdvertisedAddress(brokers, error) ?? error);
}

/** The error in these words, when a broker that was reached has told the address that cannot be. */
export function asAdvertisedAddress(brokers: readonly string[], error: unknown): Error | undefined {
  if (error instanceof AdvertisedAddressError) return error;
  const advertised = advertisedAddress(brokers, error);
  return advertised === undefined
    ? undefined
    : new AdvertisedAddressError(
        `${messageOf(error)}. The brokers at ${brokers.join(',')} answer, and tell that one of them is at ` +
          `${advertised} (advertised.listeners)`,
        { cause: error },
      );
}

class AdvertisedAddressError extends Error {
  override readonly name = 'AdvertisedAddressError';
}

/** kafkajs writes no brackets around the addresses of IPv6; a dot at the end of a name says that it is whole. */
function sameAddress(one: string, other: string): boolean {
  const plain = (address: string): string =>
    address
      .toLowerCase()
      .replaceAll(/[[\]]/g, '')
      .replace(/\.(?=:\d+$)/, '');
  return plain(one) === plain(other);
}

/** No broker answered, or the one that did is not ready: waiting is the remedy. */
export function isBrokerAway(error: unknown): boolean {
  for (const link of chain(error)) {
    const { name, code } = link;
    if (link instanceof TypeError && NO_METADATA.test(link.message)) return true;
    if (typeof name === 'string' && AWAY_NAMES.has(name)) return true;
    if (typeof code === 'string' && AWAY_SYSCALL_CODES.has(code)) return true;
  }
  // Of a request for several topics kafkajs gives a list.
  const { errors } = shape(error);
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isBrokerAway);
  return hasCode(error, ...NOT_NOW) || isMisdirected(error);
}

/** kafkajs asked each broker for the coordinator; its error says only that none answered. */
export function isCoordinatorNotFound(error: unknown): boolean {
  return chain(error).some(({ name }) => name === 'KafkaJSGroupCoordinatorNotFound');
}

/** The option that has the addresses of the brokers. */
const BROKERS = 'connection.brokers';

/** Topic, group, cluster and transactional id authorization failed. */
const ACCESS_DENIED = [29, 30, 31, 53] as const;

/**
 * BROKER_ACCESS_DENIED if Kafka's access lists are why, else undefined. `what` names the thing and what was wanted of
 * it, as `writing to logins`: Kafka itself does not say.
 */
export function asAccessDenied(error: unknown, what: string): StreamsError | undefined {
  if (error instanceof StreamsError && error.code === 'BROKER_ACCESS_DENIED') return error;
  // A response about several topics is one error that holds several.
  const { errors } = typeof error === 'object' && error !== null && 'errors' in error ? error : { errors: undefined };
  const denied = [error, ...(Array.isArray(errors) ? (errors as unknown[]) : [])].find((one) =>
    hasCode(one, ...ACCESS_DENIED),
  );
  if (denied === undefined) return undefined;
  return new StreamsError(
    'BROKER_ACCESS_DENIED',
    `${what}: Kafka's access lists do not allow it to this user (${messageOf(denied)}); docs/operations.md ` +
      `lists the rights that are needed`,
    { cause: error },
  );
}

/**
 * Errors that waiting cannot mend: a name that does not resolve, failed authentication, failed TLS, a right that is
 * missing. Asked at start only; later a name server may be away like any broker. One of several
 * names of brokers may be wrong: `fatalConnectionError` asks whether any other resolves.
 */
export function asFatalConnectionError(error: unknown, brokers: readonly string[]): StreamsError | undefined {
  const denied = asAccessDenied(error, 'starting');
  if (denied !== undefined) return denied;
  const all = chain(error);
  const text = all.map((e) => messageOf(e)).join(' ') + messageOf(error);
  const where = `${BROKERS} ${brokers.join(',')}`;
  if (all.some((e) => e.name === 'KafkaJSSASLAuthenticationError') || /SASL|authenticat/i.test(text)) {
    return new StreamsError(
      'BROKER_AUTHENTICATION_FAILED',
      `${where}: the broker refused the credentials; check connection.sasl`,
      { settings: [BROKERS, 'connection.sasl'], cause: error },
    );
  }
  if (/certificate|self.signed|CERT_|ssl3|wrong version number|EPROTO/i.test(text)) {
    return new StreamsError('BROKER_TLS_FAILED', `${where}: TLS failed (${messageOf(error)}); check connection.tls`, {
      settings: [BROKERS, 'connection.tls'],
      cause: error,
    });
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) {
    const advertised = advertisedAddress(brokers, error);
    const why =
      advertised === undefined
        ? `the name does not resolve; check ${BROKERS}`
        : `the brokers there answer, and tell that one of them is at ${advertised}, a name that does not resolve ` +
          `here. Set advertised.listeners of that broker to a name or address that its clients know, or make ` +
          `this one known here (DNS, /etc/hosts); ${BROKERS} is right`;
    return new StreamsError('BROKER_NAME_UNKNOWN', `${where}: ${why}`, { settings: [BROKERS], cause: error });
  }
  return undefined;
}

/**
 * The same, but for one unknown name among several brokers: that of a broker which is gone, or not there yet.
 */
export async function fatalConnectionError(
  error: unknown,
  brokers: readonly string[],
): Promise<StreamsError | undefined> {
  const fatal = asFatalConnectionError(error, brokers);
  if (fatal?.code !== 'BROKER_NAME_UNKNOWN' || advertisedAddress(brokers, error) !== undefined) return fatal;
  // mutant: all-names-unknown
  return (await unresolvableBrokers(brokers)).length === brokers.length ? fatal : undefined;
}
