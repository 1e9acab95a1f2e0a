import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { ListenerConnection, type ListenerLimits } from './listener-connection.ts';
import type { QueryListenerOptions } from './query-listener-options.ts';
import type { OwnerAnswers } from './owner-answers.ts';

const LIMITS: ListenerLimits = {
  helloMs: 5_000,
  idleMs: 60_000,
  slowReaderMs: 20_000,
  mostOpenQuestions: 1_000,
  mostAtOnce: 16,
  mostUnsentBytes: 8 << 20,
};
const MOST_CONNECTIONS = 256;
/** Of callers that have not shown yet that they have the token: they take no place of those that have. */
const MOST_STRANGERS = 64;
/** Addresses at which every interface is listened to, and nobody is reached. */
const ANY_INTERFACE = new Set(['0.0.0.0', '::', '']);

/** The port at which an instance answers questions about its stores. */
export class QueryListener {
  readonly #options: QueryListenerOptions;
  readonly #answers: Pick<OwnerAnswers, 'answer'>;
  readonly #logger: Logger;
  readonly #limits: ListenerLimits;
  readonly #server: Server;
  readonly #connections = new Set<ListenerConnection>();
  #refused = 0;

  constructor(
    options: QueryListenerOptions,
    answers: Pick<OwnerAnswers, 'answer'>,
    logger: Logger,
    limits: Partial<ListenerLimits> = {},
  ) {
    this.#options = options;
    this.#answers = answers;
    this.#logger = logger;
    this.#limits = { ...LIMITS, ...limits };
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket));
  }

  /**
   * Begins to listen. Returns where others reach it.
   * @throws StreamsError CONFIG_INVALID for a host or a port that cannot be listened at.
   */
  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port, advertisedHost, advertisedPort } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port }, resolve);
    try {
      await promise;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const setting = code === 'EADDRINUSE' || code === 'EACCES' ? 'port' : 'host';
      throw new StreamsError(
        'CONFIG_INVALID',
        `queryListener.${setting}: nothing can listen at ${host}:${String(port)} (${messageOf(error)}): give another ` +
          (setting === 'port' ? 'port, or 0 for one that is free' : 'host, such as 0.0.0.0'),
        { cause: error, settings: [`queryListener.${setting}`] },
      );
    }
    this.#server.on('error', (error) =>
      this.#logger.warn({ error: messageOf(error) }, 'the query listener could not take a connection'),
    );
    const bound = this.#server.address();
    const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
    const address = {
      host: advertisedHost ?? (ANY_INTERFACE.has(host) ? hostname() : host),
      port: advertisedPort ?? boundPort,
    };
    this.#logger.info(
      { host, port: boundPort, advertised: address },
      'answers queries of the stores to whom has the token',
    );
    return address;
  }

  /** Ends all connections at once: who asked asks elsewhere. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const connection of this.#connections) connection.destroy();
    await promise;
  }

  #accept(socket: Socket): void {
    const strangers = [...this.#connections].filter(({ isKnown }) => !isKnown);
    // The oldest one: it has had the most time to show the token.
    if (strangers.length >= MOST_STRANGERS) strangers[0]?.destroy();
    const connection = new ListenerConnection(socket, {
      token: this.#options.token,
      limits: this.#limits,
      answer: (question, waitMs) => this.#answers.answer(question, waitMs),
      mayJoin: () => [...this.#connections].filter(({ isKnown }) => isKnown).length < MOST_CONNECTIONS,
      onRefused: (reason) => this.#tellRefused(reason),
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  /** The first one, and then each hundredth: a port scanner is not to fill the log. */
  #tellRefused(reason: string): void {
    if (this.#refused % 100 === 0)
      this.#logger.warn({ reason, refusedBefore: this.#refused }, 'the query listener closed a connection');
    this.#refused += 1;
  }
}
