import { connect, isIP, type Socket } from 'node:net';
import kafkajs from '#kafkajs';
import { freeWhole } from '../free-bytes.ts';
import type { Logger } from '../logger.ts';
import type { Broker } from './broker.ts';
import type { KafkaConnectionConfig } from './kafka-connection-config.ts';
import { requireMendedKafkajs } from './mended-kafkajs.ts';
import type { PartitionMetadata, TopicMetadata } from './shared-metadata.ts';

const { Kafka, logLevel } = kafkajs;

/** A kafkajs client, for its admin and plain producer. */
export type Kafka = kafkajs.Kafka;

/** What kafkajs keeps private: its connections and metadata. */
export interface KafkajsCluster {
  /** Null before the first answer. Made anew by each. */
  readonly brokerPool: { readonly metadata: { readonly topicMetadata: readonly TopicMetadata[] } | null };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findBroker(node: { nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<Broker>;
}

const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_DELAY_MS = 60_000;

/** As kafkajs' own, which loads what TLS needs also where there is none: a part of each thread's start. */
const openSocket: kafkajs.ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // kafkajs gives what its types say is there.
  const secure: typeof ssl | undefined = ssl;
  const socket = secure
    ? process
        .getBuiltinModule('node:tls')
        .connect({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...secure }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  freeWritten(socket);
  return socket;
};

type Written = (error?: Error | null) => void;

/** kafkajs makes bytes of its own for each request, and has no use for them once they are written. */
function freeWritten(socket: Socket): void {
  const write = socket.write.bind(socket) as (bytes: Uint8Array, encoding: string, written: Written) => boolean;
  socket.write = (bytes: Uint8Array | string, encoding?: unknown): boolean =>
    write(bytes as Uint8Array, encoding as string, (error) => {
      if (!error && typeof bytes !== 'string') freeWhole(bytes);
    });
}

/**
 * The sockets of one client. kafkajs connects again whenever something is asked of it: what was under way when it was
 * disconnected would open a connection that nobody ends, and the process would not end either.
 */
export class ClientSockets {
  readonly #open = new Set<Socket>();
  #ended = false;

  /** @throws after the end: kafkajs makes a failed connection of it. */
  readonly factory: kafkajs.ISocketFactory = (options) => {
    if (this.#ended) throw new Error('the client is disconnected for good');
    const socket = openSocket(options);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  /** Ends all of them; none is opened any more. */
  end(): void {
    this.#ended = true;
    for (const socket of this.#open) socket.destroy();
  }
}

/**
 * The one place where a kafkajs client is made. kafkajs' own lines are logged as debug: the runtime logs what matters.
 * @throws StreamsError KAFKAJS_NOT_MENDED
 */
export function createKafka(config: KafkaConnectionConfig, logger: Logger, sockets?: ClientSockets): kafkajs.Kafka {
  requireMendedKafkajs(kafkajs);
  const saslConfig = config.sasl;
  return new Kafka({
    clientId: config.clientId,
    brokers: [...config.brokers],
    ...(config.tls === undefined ? {} : { ssl: config.tls.ca === undefined ? true : { ca: [config.tls.ca] } }),
    ...(saslConfig === undefined ? {} : { sasl: saslOptions(saslConfig) }),
    socketFactory: sockets?.factory ?? openSocket,
    connectionTimeout: 3_000,
    requestTimeout: config.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 2 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) => {
        const { message, timestamp: _timestamp, logger: _logger, ...fields } = log;
        logger.debug({ ...fields, namespace }, `kafkajs: ${message}`);
      },
  });
}

function saslOptions(sasl: NonNullable<KafkaConnectionConfig['sasl']>): kafkajs.SASLOptions {
  const { mechanism, username, password } = sasl;
  if (mechanism === 'plain') return { mechanism, username, password };
  if (mechanism === 'scram-sha-256') return { mechanism, username, password };
  return { mechanism, username, password };
}

/** The connections and metadata of a kafkajs client, which kafkajs keeps private. */
export function createKafkajsCluster(kafka: kafkajs.Kafka): KafkajsCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((s) => s.description === 'private:Kafka:createCluster');
  if (symbol === undefined) throw new Error('kafkajs 2.2.4 is required: its cluster factory was not found');
  const create = Reflect.get(kafka, symbol) as (options: object) => KafkajsCluster;
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, maxInFlightRequests: null });
}
