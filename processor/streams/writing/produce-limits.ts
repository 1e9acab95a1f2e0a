/** A broker refuses batches over `max.message.bytes`, 1 MiB by default. */
const BATCH_BYTES = 700_000;
/** A broker closes the connection on a request over `socket.request.max.bytes`, 100 MiB by default. */
const REQUEST_BYTES = 16 * 1024 * 1024;
/** No broker is set to take less. */
const LEAST_BYTES = 16_384;
/** A connection that ends so often on one request, and on no other, ends because of it. */
const MOST_CUTS = 3;
/** Once may be a broker that died just then. */
const ACCIDENTAL_CUTS = 1;
/** Well below what a broker takes by default, whatever else goes with it. */
const LETTER_BYTES = 90 * 1024 * 1024;

/**
 * How much goes into one batch and one request: what the topics and brokers have refused so far makes it less. Shared
 * by the producers of a thread, so that a task that is initialised again does not begin with what was refused.
 */
export class ProduceLimits {
  readonly #batchBytes = new Map<string, number>();
  #requestBytes = REQUEST_BYTES;
  #letterBytes = LETTER_BYTES;
  /** In a row, of requests that can be made smaller, and how large the last one was. */
  #cuts = 0;
  #cutAt = 0;
  /** The same by request that cannot be made smaller. */
  readonly #leastCuts = new Map<string, number>();

  batchBytes(topic: string): number {
    return Math.min(this.#batchBytes.get(topic) ?? BATCH_BYTES, this.#requestBytes);
  }

  get requestBytes(): number {
    return this.#requestBytes;
  }

  /** A dead letter that packs to more is sent in part. */
  get letterBytes(): number {
    return this.#letterBytes;
  }

  /** The topic did not take a batch of this size. */
  refused(topic: string, bytes: number): void {
    this.#batchBytes.set(topic, halfOf(bytes, this.batchBytes(topic)));
  }

  /**
   * The connection ended on a request of this size. True when that is no accident, and the next try would be the same
   * request: `least` names one that cannot be made smaller.
   */
  cut(bytes: number, least: string | undefined, isLetter: boolean): boolean {
    if (bytes < LEAST_BYTES) return false;
    if (least === undefined) {
      this.#cuts += 1;
      this.#cutAt = bytes;
      if (this.#cuts > ACCIDENTAL_CUTS) this.#requestBytes = halfOf(bytes, this.#requestBytes);
      return false;
    }
    const cuts = (this.#leastCuts.get(least) ?? 0) + 1;
    this.#leastCuts.set(least, cuts);
    if (cuts < MOST_CUTS) return false;
    if (!isLetter) return true;
    this.#letterBytes = halfOf(bytes, this.#letterBytes);
    return false;
  }

  /** A request of this size was answered. */
  passed(bytes: number, least: string | undefined): void {
    if (this.#cuts > 0 && bytes * 2 >= this.#cutAt) this.#cuts = 0;
    if (least !== undefined && this.#leastCuts.size > 0) this.#leastCuts.delete(least);
  }
}

function halfOf(bytes: number, limit: number): number {
  return Math.max(LEAST_BYTES, Math.min(limit, Math.floor(bytes / 2)));
}
