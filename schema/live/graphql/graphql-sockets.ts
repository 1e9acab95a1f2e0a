import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  getOperationAST,
  GraphQLError,
} from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type Server as ProtocolServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';

import type { Logger } from '@tributary/streams';
import { apiError, unauthenticated } from './api-error.ts';
import type { ApiMetrics } from '../operations/api-metrics.ts';
import type { TokenCheck } from '../access/api-token.ts';
import { isExpired, type KnownViewer, type Viewers } from '../access/viewers.ts';
import { alarmAt } from '../access/wall-clock-alarm.ts';
import { formatted, noOperation } from './client-errors.ts';
import type { GraphqlEngine } from './graphql-engine.ts';
import type { OperationLog } from '../operations/operation-log.ts';
import { type PersistedDocuments, persistedText } from './persisted-documents.ts';
import { resultText } from './shared-execution.ts';
import { SOCKET_LIMITS } from '../limits/socket-limits.ts';
import { MOST_UNSENT_BYTES, UnsentBytes } from '../limits/unsent-bytes.ts';

/** When a client has so much unread, its messages are not read either: it cannot make this side write without end. */
const UNREAD_BYTES = 1_048_576;
const PING_INTERVAL_MS = 12_000;
/** A client on a slow network, or on a busy machine, needs more than the three seconds that are usual. */
const INIT_TIMEOUT_MS = 10_000;
/** Longest id of an operation; clients use numbers or UUIDs. */
const MAX_ID_LENGTH = 256;
/** How long a client may take to close its side after a close frame. */
const CLOSE_GRACE_MS = 2_000;
/** A close code after which clients connect again. */
const GOING_AWAY = 1001;
/** Why a socket is closed with 4403 though it was acknowledged. */
const EXPIRED = 'Expired';

interface Extra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** Resolves when the bytes are out. */
  readonly send: (text: string) => Promise<void>;
  /** Who asks; null until that is known. */
  viewer: KnownViewer | null;
}

type SocketContext = Context<Record<string, unknown>, Extra>;
type Enveloped = ReturnType<GraphqlEngine['getEnveloped']>;

/** An operation that is about to run. */
interface Begun {
  readonly enveloped: Enveloped;
  readonly id: string;
  readonly send: Extra['send'];
  /** The viewer's time is over: then his socket is closed. */
  readonly isOver: () => boolean;
}

interface GraphqlSocketsOptions {
  readonly engine: GraphqlEngine;
  /** Makes of an error what a client may see. */
  readonly mask: (error: unknown) => GraphQLError;
  readonly token: TokenCheck;
  readonly viewers: Viewers;
  readonly documents: PersistedDocuments;
  readonly log: OperationLog;
  readonly metrics: ApiMetrics;
  readonly logger: Logger;
  /** What may wait for slow readers, of all sockets together. */
  readonly maxUnsentBytes?: number | undefined;
}

/** GraphQL over WebSocket, in the protocol `graphql-transport-ws`. */
export class GraphqlSockets {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: SOCKET_LIMITS.frameBytes,
    perMessageDeflate: false,
    // Spread, since the types of the library do not name it yet.
    ...{ closeTimeout: CLOSE_GRACE_MS },
    // A `complete` and a `subscribe` with the same id in one packet must not be handled in one turn of the event loop.
    allowSynchronousEvents: false,
    // Pongs are sent below, where unread bytes are counted.
    autoPong: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  readonly #protocol: ProtocolServer<Extra>;
  readonly #options: GraphqlSocketsOptions;
  readonly #begun = new WeakMap<ExecutionArgs, Begun>();
  readonly #unsent: UnsentBytes<WebSocket>;

  constructor(options: GraphqlSocketsOptions) {
    this.#options = options;
    this.#unsent = new UnsentBytes(options.maxUnsentBytes ?? MOST_UNSENT_BYTES, (socket) => {
      options.metrics.stalledReaders.inc();
      socket.terminate();
    });
    this.#protocol = makeServer<Record<string, unknown>, Extra>({
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: async ({ connectionParams, extra }) => {
        if (
          options.token.acceptsConnection(connectionParams, extra.request) &&
          (await this.#admits(extra, connectionParams))
        )
          return true;
        options.metrics.errors.inc({ code: 'UNAUTHENTICATED' });
        return false;
      },
      onSubscribe: (context, id, payload) => this.#begin(context, id, payload),
      execute: (args) => this.#run(args, 'execute'),
      subscribe: async (args) => this.#sendingItself(args, await this.#run(args, 'subscribe')),
      onNext: (_context, _id, _payload, _args, { data, errors }) =>
        errors === undefined ? undefined : withFormattedErrors(data, errors),
      onError: (_context, _id, _payload, errors) => errors.map((error) => formatted(asGraphQLError(error))),
    });
  }

  /** Whether one more socket would be too many. */
  get full(): boolean {
    return this.#sockets.clients.size >= SOCKET_LIMITS.sockets;
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  /** What was sent and is not read yet, of all sockets together. */
  get unsentBytes(): number {
    return this.#unsent.bytes;
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#open(socket, request, stream));
  }

  /** Whether somebody is known to ask through a socket; when he expires, it is closed. */
  async #admits(extra: Extra, connectionParams: Readonly<Record<string, unknown>> | undefined): Promise<boolean> {
    const { socket, request } = extra;
    extra.viewer = await this.#options.viewers.of(request, connectionParams);
    if (extra.viewer === null) return false;
    const { expiresAtMs } = extra.viewer;
    // One that was closed meanwhile has nothing to be freed, and its event is over.
    if (expiresAtMs === null || socket.readyState !== socket.OPEN) return true;
    socket.once(
      'close',
      alarmAt(expiresAtMs, () => socket.close(CloseCode.Forbidden, EXPIRED)),
    );
    return true;
  }

  /**
   * What to run for an operation, or the errors to send. It never throws: that would close the socket with all its
   * operations.
   */
  async #begin(
    context: SocketContext,
    id: string,
    payload: {
      readonly query: string;
      readonly extensions?: Record<string, unknown> | null | undefined;
      readonly operationName?: string | null | undefined;
      readonly variables?: Record<string, unknown> | null | undefined;
    },
  ): Promise<ExecutionArgs | GraphQLError[]> {
    try {
      if (Object.keys(context.subscriptions).length > SOCKET_LIMITS.operations) {
        const error = apiError(
          'TOO_MANY_SUBSCRIPTIONS',
          `A socket carries at most ${SOCKET_LIMITS.operations} operations at a time. Complete one first.`,
        );
        this.#options.log.errors([error]);
        return [error];
      }
      const { connectionParams = {}, extra } = context;
      if (isOver(extra)) return [unauthenticated()];
      const operationName = payload.operationName === '' ? null : (payload.operationName ?? null);
      if (id.length > MAX_ID_LENGTH) {
        // The id is sent back with every message of the operation, an error too.
        extra.socket.close(CloseCode.BadRequest, `An operation's id has at most ${MAX_ID_LENGTH} characters`);
        return [];
      }
      const enveloped = this.#options.engine.getEnveloped({
        ...extra.viewer?.context,
        connectionParams,
        req: extra.request,
        params: payload,
      });
      const document = enveloped.parse(persistedText(this.#options.documents, payload) ?? payload.query);
      const errors = enveloped.validate(enveloped.schema, document);
      if (errors.length > 0) return errors.map(asGraphQLError);
      if (getOperationAST(document, operationName) == null) throw noOperation();
      const args: ExecutionArgs = {
        schema: enveloped.schema,
        document,
        operationName,
        variableValues: payload.variables ?? null,
        contextValue: await enveloped.contextFactory(),
      };
      this.#begun.set(args, { enveloped, id, send: extra.send, isOver: () => isOver(extra) });
      return args;
    } catch (error) {
      return [this.#clientError(error)];
    }
  }

  async #run(args: ExecutionArgs, how: 'execute' | 'subscribe') {
    try {
      return await this.#begun.get(args)?.enveloped[how](args);
    } catch (error) {
      return { errors: [this.#clientError(error)] };
    }
  }

  /**
   * A subscription's results as an iterable that sends them itself and yields none: the protocol's library would write
   * each result as JSON for each subscriber. The library begins and ends operations, and sends errors.
   */
  #sendingItself<R>(args: ExecutionArgs, results: R): R | AsyncIterable<never> {
    const begun = this.#begun.get(args);
    if (begun === undefined || !isAsyncIterable(results)) return results;
    const { id, send, isOver } = begun;
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const iterator = results[Symbol.asyncIterator]();
    const ended = { done: true, value: undefined } as const;
    // A function of its own: a loop would keep the last result in memory while it waits for the next one.
    const sendNext = async (): Promise<boolean> => {
      const { done, value } = await iterator.next();
      if (done === true) return false;
      // The alarm is late where the machine has slept, or its clock was set.
      if (isOver()) {
        await iterator.return?.();
        return false;
      }
      const { data, errors } = value;
      await send(
        `${head}${errors === undefined ? resultText(value) : JSON.stringify(withFormattedErrors(data, errors))}}`,
      );
      return true;
    };
    const sending: AsyncIterableIterator<never> = {
      async next() {
        try {
          while (await sendNext());
        } catch (error) {
          // The caller takes an iterator that failed for one that has ended; when a send failed, the source has not.
          await iterator.return?.();
          throw error;
        }
        return ended;
      },
      async return() {
        await iterator.return?.();
        return ended;
      },
      [Symbol.asyncIterator]: () => sending,
    };
    return sending;
  }

  #clientError(error: unknown): GraphQLError {
    return this.#options.mask(error);
  }

  #open(socket: WebSocket, request: IncomingMessage, stream: Duplex): void {
    const { metrics, logger } = this.#options;
    metrics.sockets.inc();
    let ponged = true;
    // A client that vanished or stopped reading sends no pong.
    const ping = setInterval(() => {
      if (!ponged) {
        metrics.stalledReaders.inc();
        return socket.terminate();
      }
      ponged = false;
      socket.ping();
    }, PING_INTERVAL_MS);
    socket.on('pong', () => (ponged = true));
    const written = (): void => {
      if (socket.bufferedAmount > UNREAD_BYTES) socket.pause();
      else if (socket.isPaused) socket.resume();
    };
    socket.on('ping', (data) => {
      socket.pong(data, false, written);
      written();
    });
    socket.on('error', (error) => logger.debug({ reason: error.message }, 'a WebSocket failed'));

    let gathering = false;
    // What is sent in one turn of the event loop goes to the system in one piece: the updates of all subscriptions of a
    // socket go together.
    const gather = (): void => {
      if (gathering) return;
      gathering = true;
      stream.cork();
      process.nextTick(() => {
        gathering = false;
        stream.uncork();
      });
    };
    // Resolves when the bytes are out: only then the next update is made.
    const send = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== socket.OPEN) return resolve();
        gather();
        socket.send(text, (error) => {
          this.#unsent.sent(socket, text.length);
          written();
          // A client that left gets nothing more; the 'close' event frees what it had.
          if (error == null || socket.readyState !== socket.OPEN) resolve();
          else reject(error);
        });
        written();
        // Of text that is not plain ASCII somewhat less than it takes.
        this.#unsent.add(socket, text.length);
      });
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send,
        close: (code, reason) => socket.close(code, reason),
        onMessage: (receive) => {
          socket.on('message', (data) => {
            receive(String(data)).catch((error: unknown) => this.#failed(socket, error));
          });
        },
      },
      { socket, request, send, viewer: null },
    );
    socket.once('close', (code, reason) => {
      metrics.sockets.dec();
      this.#unsent.forget(socket);
      clearInterval(ping);
      closed(code, String(reason)).catch((error: unknown) =>
        logger.error({ err: error }, 'a WebSocket could not be tidied up'),
      );
    });
  }

  #failed(socket: WebSocket, error: unknown): void {
    if (socket.readyState !== socket.OPEN) return;
    const message = error instanceof Error ? error.message : '';
    if (message.startsWith('Unexpected message of type'))
      return socket.close(CloseCode.BadRequest, 'Invalid message received');
    this.#options.logger.error({ err: error }, 'a WebSocket message could not be handled');
    socket.close(CloseCode.InternalServerError, 'Internal server error');
  }

  /** Asks every client to connect again, and cuts those that have not closed within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const { clients } = this.#sockets;
    const gone = [...clients].map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
    for (const socket of clients) socket.close(GOING_AWAY, 'Going away');
    const timer = setTimeout(() => {
      for (const socket of clients) socket.terminate();
    }, graceMs);
    await Promise.all(gone);
    clearTimeout(timer);
    this.#sockets.close();
  }
}

function withFormattedErrors(data: ExecutionResult['data'], errors: readonly GraphQLError[]): FormattedExecutionResult {
  return { data: data ?? null, errors: errors.map((error) => formatted(asGraphQLError(error))) };
}

function isAsyncIterable(results: unknown): results is AsyncIterable<ExecutionResult> {
  return typeof results === 'object' && results !== null && Symbol.asyncIterator in results;
}

function asGraphQLError(error: unknown): GraphQLError {
  return error instanceof GraphQLError
    ? error
    : new GraphQLError('Unexpected error.', { extensions: { code: 'INTERNAL_SERVER_ERROR' } });
}

function isOver({ viewer, socket }: Extra): boolean {
  if (viewer !== null && !isExpired(viewer)) return false;
  socket.close(CloseCode.Forbidden, EXPIRED);
  return true;
}
