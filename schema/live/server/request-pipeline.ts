import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that a connection may have sent ahead; with more it is not read on, and with far more it is ended. */
const MAX_AHEAD = 64;
const FAR_TOO_MANY = 4_000;

/**
 * Requests of one connection, each begun when the answer to the one before it is out: whoever sends many without
 * waiting is served as if he had waited, and not before all others.
 */
export class RequestPipeline {
  /** What waits at a connection that is being answered. */
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  /** Calls `answer` when it is the turn of `response`; never, if the connection ends before. */
  next(socket: Socket, response: ServerResponse, answer: () => void): void {
    const begin = (): void => {
      response.once('close', () => this.#ended(socket));
      answer();
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
   * Calls `begin` when what `socket` asked before is answered: whatever it is has no answer of this server's to wait
   * for.
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
