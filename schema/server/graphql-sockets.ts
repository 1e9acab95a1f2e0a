import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, getOperationAST, GraphQLError } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type Server as ProtocolServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';

import type { Logger } from '../../processor/streams/logger.ts';
import { apiError } from '../answers/api-error.ts';
import type { ApiMetrics } from './api-metrics.ts';
import type { TokenCheck } from './api-token.ts';
import { formatted, noOperation } from './error-answers.ts';
import type { GraphqlEngine } from './graphql-engine.ts';
import type { OperationLog } from './operation-log.ts';
import { type PersistedDocuments, persistedText } from './persisted-documents.ts';

export const SOCKET_LIMITS = Object.freeze({ frameBytes: 65_536, operations: 20, sockets: 200 });

/** With so much not read by a client, what it sends is not read either: it may not make this side write without end. */
const UNREAD_BYTES = 1_048_576;
const PING_INTERVAL_MS = 12_000;
const INIT_TIMEOUT_MS = 3_000;
/** A code that clients take for a reason to connect again. */
const GOING_AWAY = 1001;

interface Extra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
}

type SocketContext = Context<Record<string, unknown>, Extra>;
type Enveloped = ReturnType<GraphqlEngine['getEnveloped']>;

export interface GraphqlSocketsOptions {
  readonly engine: GraphqlEngine;
  /** What a client is told of an error. */
  readonly mask: (error: unknown) => GraphQLError;
  readonly token: TokenCheck;
  readonly documents: PersistedDocuments;
  readonly log: OperationLog;
  readonly metrics: ApiMetrics;
  readonly logger: Logger;
}

/** GraphQL over WebSocket, in the protocol `graphql-transport-ws`. */
export class GraphqlSockets {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: SOCKET_LIMITS.frameBytes,
    perMessageDeflate: false,
    // A `complete` and a `subscribe` with the same id in one packet must not meet in one turn of the event loop.
    allowSynchronousEvents: false,
    // Answered here, where what was not read yet is counted.
    autoPong: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  readonly #protocol: ProtocolServer<Extra>;
  readonly #options: GraphqlSocketsOptions;
  readonly #enveloped = new WeakMap<ExecutionArgs, Enveloped>();

  constructor(options: GraphqlSocketsOptions) {
    this.#options = options;
    this.#protocol = makeServer<Record<string, unknown>, Extra>({
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: ({ connectionParams, extra }) => {
        const accepted = options.token.acceptsConnection(connectionParams, extra.request);
        if (!accepted) options.metrics.errors.inc({ code: 'UNAUTHENTICATED' });
        return accepted;
      },
      onSubscribe: (context, _id, payload) => this.#begin(context, payload),
      execute: (args) => this.#run(args, 'execute'),
      subscribe: (args) => this.#run(args, 'subscribe'),
      onNext: (_context, _id, _payload, _args, { errors, data = null }) => {
        return errors === undefined ? undefined : { data, errors: errors.map((error) => formatted(asGraphQLError(error))) };
      },
      onError: (_context, _id, _payload, errors) => errors.map((error) => formatted(asGraphQLError(error))),
    });
  }

  /** True when one more would be too many. */
  get full(): boolean {
    return this.#sockets.clients.size >= SOCKET_LIMITS.sockets;
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#open(socket, request));
  }

  /** What to run for an operation, or the errors to send. It never throws: that would close the socket for all others. */
  async #begin(context: SocketContext, payload: { readonly query: string; readonly extensions?: Record<string, unknown> | null | undefined; readonly operationName?: string | null | undefined; readonly variables?: Record<string, unknown> | null | undefined }): Promise<ExecutionArgs | GraphQLError[]> {
    try {
      if (Object.keys(context.subscriptions).length > SOCKET_LIMITS.operations) {
        const error = apiError('TOO_MANY_SUBSCRIPTIONS', `A socket carries at most ${SOCKET_LIMITS.operations} operations at a time. Complete one first.`);
        this.#options.log.errors([error]);
        return [error];
      }
      const { connectionParams = {}, extra } = context;
      const enveloped = this.#options.engine.getEnveloped({ connectionParams, req: extra.request, params: payload });
      const document = enveloped.parse(persistedText(this.#options.documents, payload) ?? payload.query);
      const errors = enveloped.validate(enveloped.schema, document);
      if (errors.length > 0) return errors.map(asGraphQLError);
      if (getOperationAST(document, payload.operationName) == null) throw noOperation();
      const args: ExecutionArgs = {
        schema: enveloped.schema,
        document,
        operationName: payload.operationName ?? null,
        variableValues: payload.variables ?? null,
        contextValue: await enveloped.contextFactory(),
      };
      this.#enveloped.set(args, enveloped);
      return args;
    } catch (error) {
      return [this.#answerFor(error)];
    }
  }

  async #run(args: ExecutionArgs, how: 'execute' | 'subscribe') {
    try {
      return await this.#enveloped.get(args)?.[how](args);
    } catch (error) {
      return { errors: [this.#answerFor(error)] };
    }
  }

  #answerFor(error: unknown): GraphQLError {
    return this.#options.mask(error);
  }

  #open(socket: WebSocket, request: IncomingMessage): void {
    const { metrics, logger } = this.#options;
    metrics.sockets.inc();
    let ponged = true;
    // A client that vanished without a word, or stopped reading, answers no ping.
    const ping = setInterval(() => {
      if (!ponged) return socket.terminate();
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

    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        // Answered when the bytes are out: the next update is made only then.
        send: (text) =>
          new Promise((resolve, reject) => {
            if (socket.readyState !== socket.OPEN) return resolve();
            socket.send(text, (error) => {
              written();
              // Whoever left is told nothing more; its 'close' frees what it had.
              if (error == null || socket.readyState !== socket.OPEN) resolve();
              else reject(error);
            });
            written();
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (receive) => {
          socket.on('message', (data) => {
            receive(String(data)).catch((error: unknown) => this.#failed(socket, error));
          });
        },
      },
      { socket, request },
    );
    socket.once('close', (code, reason) => {
      metrics.sockets.dec();
      clearInterval(ping);
      closed(code, String(reason)).catch((error: unknown) => logger.error({ err: error }, 'a WebSocket could not be tidied up'));
    });
  }

  #failed(socket: WebSocket, error: unknown): void {
    if (socket.readyState !== socket.OPEN) return;
    const message = error instanceof Error ? error.message : '';
    if (message.startsWith('Unexpected message of type')) return socket.close(CloseCode.BadRequest, 'Invalid message received');
    this.#options.logger.error({ err: error }, 'a WebSocket message could not be handled');
    socket.close(CloseCode.InternalServerError, 'Internal server error');
  }

  /** Tells every client to come back, and drops those that do not listen within `graceMs`. */
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

function asGraphQLError(error: unknown): GraphQLError {
  return error instanceof GraphQLError ? error : new GraphQLError('Unexpected error.', { extensions: { code: 'INTERNAL_SERVER_ERROR' } });
}
