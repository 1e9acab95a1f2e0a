/** What may wait for clients that read slowly, of all connections together. A snapshot in parts is some megabytes. */
export const MOST_UNSENT_BYTES = 128 * 1024 * 1024;

/**
 * Bytes that were sent and not read, by reader. Each reader has few updates on their way, but many readers that stop
 * reading would hold as many large snapshots: beyond the bound the one that holds most is cut off, and connects again
 * when it can.
 */
export class UnsentBytes<Reader> {
  readonly #mostBytes: number;
  readonly #cut: (reader: Reader) => void;
  readonly #ofReader = new Map<Reader, number>();
  #bytes = 0;

  constructor(mostBytes: number, cut: (reader: Reader) => void) {
    this.#mostBytes = mostBytes;
    this.#cut = cut;
  }

  /** Of all readers. */
  get bytes(): number {
    return this.#bytes;
  }

  add(reader: Reader, bytes: number): void {
    this.#ofReader.set(reader, (this.#ofReader.get(reader) ?? 0) + bytes);
    this.#bytes += bytes;
    while (this.#bytes > this.#mostBytes && this.#ofReader.size > 0) {
      const most = this.#slowest();
      this.forget(most);
      this.#cut(most);
    }
  }

  /** They are out. */
  sent(reader: Reader, bytes: number): void {
    const before = this.#ofReader.get(reader);
    if (before === undefined) return;
    this.#bytes -= bytes;
    if (before > bytes) this.#ofReader.set(reader, before - bytes);
    else this.#ofReader.delete(reader);
  }

  /** It is gone, and what waited for it with it. */
  forget(reader: Reader): void {
    this.#bytes -= this.#ofReader.get(reader) ?? 0;
    this.#ofReader.delete(reader);
  }

  #slowest(): Reader {
    let most: readonly [Reader, number] | undefined;
    for (const entry of this.#ofReader) if (most === undefined || entry[1] > most[1]) most = entry;
    return (most as readonly [Reader, number])[0];
  }
}
