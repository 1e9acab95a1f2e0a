import { PRODUCER_ID_AT, RECORDS_AT } from './batch-header.ts';
import { VarintCursor } from './varint-cursor.ts';

/** The type in the key of a control record: int16 version, int16 type. */
const ABORT_MARKER = 0;

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/**
 * Which producers are inside an aborted transaction while the batches of a response are walked in offset order. A
 * producer enters at the first offset the broker names and leaves at its own ABORT marker; the broker lists
 * transactions in the order they were aborted, so they are sorted first, and several may begin within one batch's
 * offsets.
 */
export class AbortedTransactions {
  readonly #waiting: AbortedTransaction[];
  readonly #inside = new Set<bigint>();
  #next = 0;

  constructor(transactions: readonly AbortedTransaction[]) {
    // mutant: aborted-in-order
    this.#waiting = transactions.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  covers(bytes: Buffer, batchAt: number, lastOffset: number): boolean {
    this.#enterUpTo(lastOffset);
    return this.#inside.size > 0 && this.#inside.has(bytes.readBigInt64BE(batchAt + PRODUCER_ID_AT));
  }

  endAt(bytes: Buffer, batchAt: number, batchEnd: number, lastOffset: number): void {
    this.#enterUpTo(lastOffset);
    if (this.#inside.size === 0) return;
    const cursor = new VarintCursor(bytes, batchAt + RECORDS_AT);
    cursor.varint();
    cursor.at++;
    cursor.varlong();
    cursor.varint();
    const keyLength = cursor.varint();
    if (keyLength < 4 || cursor.at + keyLength > batchEnd) return;
    if (bytes.readInt16BE(cursor.at + 2) !== ABORT_MARKER) return;
    this.#inside.delete(bytes.readBigInt64BE(batchAt + PRODUCER_ID_AT));
  }

  #enterUpTo(offset: number): void {
    for (let next = this.#waiting[this.#next]; next !== undefined; next = this.#waiting[this.#next]) {
      if (next.firstOffset > offset) return;
      this.#inside.add(next.producerId);
      // mutant: each-aborted
      this.#next++;
    }
  }
}
