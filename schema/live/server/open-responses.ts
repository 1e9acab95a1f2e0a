import type { ServerResponse } from 'node:http';

/** The answers that are being given, so that a stop can let them finish, all but those that never would. */
export class OpenResponses {
  readonly #open = new Set<ServerResponse>();
  #onIdle: (() => void) | null = null;

  /** How many of them are event streams. */
  get eventStreams(): number {
    let count = 0;
    for (const response of this.#open) if (isEventStream(response)) count += 1;
    return count;
  }

  add(response: ServerResponse): void {
    this.#open.add(response);
    response.once('close', () => {
      this.#open.delete(response);
      if (this.#open.size === 0) this.#onIdle?.();
    });
  }

  /**
   * Cuts event streams off without a last word, for a client takes `complete` for the end of its subscription and does
   * not come back; waits for the rest, up to `graceMs`.
   */
  async drain(graceMs: number): Promise<void> {
    for (const response of this.#open) if (isEventStream(response)) response.destroy();
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

export function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
