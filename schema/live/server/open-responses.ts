import type { ServerResponse } from 'node:http';

/** The responses that are not finished, so that a stop can let them finish, except event streams, which never end. */
export class OpenResponses {
  readonly #open = new Set<ServerResponse>();
  #onIdle: (() => void) | null = null;

  /** How many responses are event streams. */
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
   * Cuts event streams without an `event: complete`, which a client takes for the end of its subscription and does not
   * connect again; waits for the other responses, up to `graceMs`.
   */
  async drain(graceMs: number): Promise<void> {
    this.#cutEventStreams();
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    // Those that began meanwhile.
    this.#cutEventStreams();
  }

  #cutEventStreams(): void {
    for (const response of this.#open) if (isEventStream(response)) response.destroy();
  }
}

export function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
