import type { OutgoingRecord } from './streams-producer.ts';

/** What a task wants sent with its next commit, in order. Nothing leaves the process before step 2 of the commit. */
export class RecordCollector {
  #records: OutgoingRecord[] = [];
  #bytes = 0;

  add(record: OutgoingRecord): void {
    this.#records.push(record);
    const { row } = record;
    this.#bytes +=
      row === undefined
        ? (record.key?.length ?? 0) + (record.value?.length ?? 0)
        : row.keyBytes + Math.max(0, row.valueBytes);
  }

  /** Of keys and values: what a commit is asked for early by, so that a long interval does not fill the memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#records.length;
  }

  take(): OutgoingRecord[] {
    const taken = this.#records;
    this.clear();
    return taken;
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
  }
}
