import type { TailFetch, TailFetcher, TailRecord } from '../../owner/changelog-tails.ts';

/** A changelog that is read by hand: what is written arrives with `deliver`, or at once. */
export class MemoryTail implements TailFetcher {
  readonly #topic: string;
  readonly #log: ReadonlyMap<number, readonly TailRecord[]>;
  readonly #next = new Map<number, number>();
  #arrived: TailFetch[] = [];
  #wake: () => void = () => undefined;
  #failure: Error | null = null;
  isClosed = false;

  constructor(topic: string, log: ReadonlyMap<number, readonly TailRecord[]>) {
    this.#topic = topic;
    this.#log = log;
  }

  get partitions(): readonly number[] {
    return [...this.#next.keys()].sort();
  }

  seek(_topic: string, partition: number, offset: number): void {
    this.#next.set(partition, offset);
    this.#arrived = this.#arrived.filter((one) => one.partition !== partition);
    this.deliver(partition);
  }

  remove(_topic: string, partition: number): void {
    this.#next.delete(partition);
  }

  /** Brings what has been written since, at most so many records. */
  deliver(partition: number, most = Number.POSITIVE_INFINITY): void {
    const from = this.#next.get(partition);
    if (from === undefined) return;
    const log = this.#log.get(partition) ?? [];
    const records = log.slice(from, from + Math.min(most, log.length));
    this.#next.set(partition, from + records.length);
    this.#push({ topic: this.#topic, partition, records, nextOffset: from + records.length, outOfRange: false });
  }

  /** The offsets of this partition are not there any more. */
  outOfRange(partition: number): void {
    this.#push({ topic: this.#topic, partition, records: [], nextOffset: 0, outOfRange: true });
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  #push(fetch: TailFetch): void {
    this.#arrived.push(fetch);
    this.#wake();
  }

  async take(): Promise<readonly TailFetch[]> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#arrived.length === 0 && !this.isClosed) await new Promise<void>((resolve) => (this.#wake = resolve));
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  wake(): void {
    this.#wake();
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
