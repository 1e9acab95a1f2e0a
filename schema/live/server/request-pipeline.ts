import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that a connection may send ahead; with more it is read no further, and with far more it is closed. */
const MAX_AHEAD = 64;
const FAR_TOO_MANY = 4_000;

/**
 * Requests of one connection that are sent without waiting (HTTP pipelining). Each begins when the response to the one
 * before it is out: a client that sends many at once is served as if it had waited, and not before all others.
 */
export class RequestPipeline {
  /** What waits at a connection whose response is not finished. */
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  /** Calls `serve` when all earlier responses of `socket` are out; never, if the connection ends before. */
  next(socket: Socket, response: ServerResponse, serve: () => void): void {
    const begin = (): void => {
      response.once('close', () => this.#ended(socket));
      serve();
    };
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      return begin();
    }
    waiting.push(begin);
    if (waiting.length > FAR_TOO_MANY) socket.destroy();
    else if (waiting.length > MAX_AHEAD) socket.pause();
  }

  /**
   * Calls `begin` when all earlier responses of `socket` are out. What begins has no response of this server's that the
   * next request could wait for.
   */
  whenIdle(socket: Socket, begin: () => void): void {
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined) begin();
    else waiting.push(begin);
  }

  #ended(socket: Socket): void {
    const waiting = this.#waiting.get(socket);
    const begin = socket.destroyed ? undefined : waiting?.shift();
    if (begin === undefined) return void this.#waiting.delete(socket);
    if (waiting !== undefined && waiting.length <= MAX_AHEAD && socket.isPaused()) socket.resume();
    begin();
  }
}
