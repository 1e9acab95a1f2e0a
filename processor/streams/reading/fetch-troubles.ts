/**
 * Why some partition cannot be read, by broker or by partition: a broker that answers says nothing about the others.
 */
export class FetchTroubles {
  readonly #reasons = new Map<string, string>();
  readonly #onChange: ((reason: string | undefined) => void) | undefined;
  #reported: string | undefined;

  /** `onChange`: called with the oldest reason when it changes, and with undefined when none is left. */
  constructor(onChange: ((reason: string | undefined) => void) | undefined) {
    this.#onChange = onChange;
  }

  set(source: string, reason: string): void {
    this.#reasons.set(source, reason);
    this.#report();
  }

  clear(source: string): void {
    if (this.#reasons.delete(source)) this.#report();
  }

  #report(): void {
    const [reason] = this.#reasons.values();
    if (reason === this.#reported) return;
    this.#reported = reason;
    this.#onChange?.(reason);
  }
}
