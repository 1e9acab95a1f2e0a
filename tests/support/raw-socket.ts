import { WebSocket } from 'ws';
import { DEADLINE_MS } from './until.ts';

export interface SocketMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

interface SocketOptions {
  readonly protocol?: string;
  readonly headers?: Record<string, string>;
}

/** Its `connection_init` came too late for the server. */
const INIT_TIMEOUT = 4408;

/** A WebSocket that says exactly what a test makes it say, in `graphql-transport-ws` or not. */
export class RawSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly #url: string;
  readonly #options: SocketOptions;
  #next: RawSocket | undefined;
  readonly #messages: SocketMessage[] = [];
  readonly #waiting: { test: (message: SocketMessage) => boolean; resolve: (message: SocketMessage) => void }[] = [];

  constructor(url: string, options: SocketOptions = {}) {
    this.#url = url;
    this.#options = options;
    const { protocol = 'graphql-transport-ws', headers = {} } = options;
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol === '' ? [] : [protocol], { headers });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => {});
    this.socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as SocketMessage;
      const index = this.#waiting.findIndex(({ test }) => test(message));
      if (index === -1) this.#messages.push(message);
      else this.#waiting.splice(index, 1)[0]?.resolve(message);
    });
  }

  /** HTTP status of a refused handshake, or 101. */
  handshake(): Promise<number> {
    return new Promise((resolve) => {
      this.socket.once('open', () => resolve(101));
      this.socket.once('unexpected-response', (request, response) => {
        request.destroy();
        resolve(response.statusCode ?? 0);
      });
    });
  }

  /** @throws when it is closed, or refused, instead. */
  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING)
      await new Promise<void>((resolve, reject) => {
        this.socket.once('open', resolve);
        void this.closed.then((code) => reject(new Error(`closed with ${String(code)} before it was open`)));
      });
    return this;
  }

  /** Opened and acknowledged. A test that stood still for too long connects again, as clients do. */
  async ready(connectionParams?: Record<string, unknown>): Promise<RawSocket> {
    await this.opened();
    this.send({ type: 'connection_init', ...(connectionParams === undefined ? {} : { payload: connectionParams }) });
    try {
      await this.next((message) => message.type === 'connection_ack');
      return this;
    } catch (error) {
      if (this.socket.readyState !== WebSocket.CLOSED || (await this.closed) !== INIT_TIMEOUT) throw error;
      this.#next = new RawSocket(this.#url, this.#options);
      return await this.#next.ready(connectionParams);
    }
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  subscribe(id: string, query: string, variables?: Record<string, unknown>): void {
    this.send({ type: 'subscribe', id, payload: { query, ...(variables === undefined ? {} : { variables }) } });
  }

  /** The first message, past or to come, that fits and has not been returned yet; fails when there is none in time. */
  next(test: (message: SocketMessage) => boolean): Promise<SocketMessage> {
    const index = this.#messages.findIndex(test);
    if (index !== -1) return Promise.resolve(this.#messages.splice(index, 1)[0] as SocketMessage);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(`no such message: ${String(test)}; there are ${JSON.stringify(this.#messages).slice(0, 500)}`),
          ),
        DEADLINE_MS,
      );
      void this.closed.then((code) => {
        clearTimeout(timer);
        reject(new Error(`closed with ${String(code)} before there was such a message: ${String(test)}`));
      });
      this.#waiting.push({
        test,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      });
    });
  }

  of(id: string): Promise<SocketMessage> {
    return this.next((message) => message.id === id);
  }

  close(): void {
    this.socket.close();
    this.#next?.close();
  }
}

/** Codes of the errors that a message carries, in either of the places where there may be some. */
export function codesIn({ payload }: SocketMessage): unknown[] {
  const errors = Array.isArray(payload) ? payload : (payload as { errors?: unknown[] } | undefined)?.errors;
  return ((errors ?? []) as { extensions?: { code?: unknown } }[]).map(({ extensions }) => extensions?.code);
}
