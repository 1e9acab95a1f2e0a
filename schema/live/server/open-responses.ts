import type { ServerResponse } from 'node:http';

interface OpenResponse {
  readonly response: ServerResponse;
  /** Its place among those that are open. */
  at: number;
}

/** The responses that are not finished, so that a stop can let them finish, except event streams, which never end. */
export class OpenResponses {
  /** No Set: as its entries come and go it is made anew, and V8 keeps for old what a table held that it has left. */
  readonly #open: OpenResponse[] = [];
  #onIdle: (() => void) | null = null;

  /** How many responses are event streams. */
  get eventStreams(): number {
    let count = 0;
    for (const { response } of this.#open) if (isEventStream(response)) count += 1;
    return count;
  }

  add(response: ServerResponse): void {
    const open = { response, at: this.#open.length };
    this.#open.push(open);
    response.once('close', () => {
      this.#remove(open);
      if (this.#open.length === 0) this.#onIdle?.();
    });
  }

  /**
   * Cuts event streams without an `event: complete`, which a client takes for the end of its subscription and does not
   * connect again; waits for the other responses, up to `graceMs`.
   */
  async drain(graceMs: number): Promise<void> {
    this.#cutEventStreams();
    if (this.#open.length === 0) return;
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

  /** The last one takes its place. */
  #remove({ at }: OpenResponse): void {
    const last = this.#open.pop();
    if (last === undefined || last.at === at) return;
    last.at = at;
    this.#open[at] = last;
  }

  #cutEventStreams(): void {
    for (const { response } of [...this.#open]) if (isEventStream(response)) response.destroy();
  }
}

export function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
