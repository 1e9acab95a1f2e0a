import type { FetchedPartition } from './fetched-partition.ts';

/**
 * What has been fetched and not been taken yet. The caller waits for records, and fetchers wait for the caller: memory
 * holds no more than one answer per broker here.
 */
export class Arrivals {
  #arrived: FetchedPartition[] = [];
  #wakeCaller: (() => void) | undefined;
  #waitingFetchers: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#arrived.length === 0;
  }

  add(part: FetchedPartition): void {
    this.#arrived.push(part);
  }

  /** Drops what came of a partition. */
  drop(topic: string, partition: number): void {
    if (this.#arrived.length > 0)
      this.#arrived = this.#arrived.filter((part) => part.topic !== topic || part.partition !== partition);
  }

  takeAll(): readonly FetchedPartition[] {
    const taken = this.#arrived;
    this.#arrived = [];
    this.wakeFetchers();
    return taken;
  }

  /** Waits for `wakeCaller`, at most `timeoutMs`. */
  async waitAsCaller(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wakeCaller = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeCaller = undefined;
  }

  wakeCaller(): void {
    this.#wakeCaller?.();
  }

  /** Waits for `takeAll` or `wakeFetchers`. */
  waitAsFetcher(): Promise<void> {
    return new Promise((resolve) => this.#waitingFetchers.push(resolve));
  }

  wakeFetchers(): void {
    const waiting = this.#waitingFetchers;
    this.#waitingFetchers = [];
    for (const wake of waiting) wake();
  }
}
