import type { OutgoingRecord } from './streams-producer.ts';

/** What a task wants sent with its next commit, in order. Nothing leaves the process before step 2 of the commit. */
export class RecordCollector {
  #records: OutgoingRecord[] = [];

  add(record: OutgoingRecord): void {
    this.#records.push(record);
  }

  get size(): number {
    return this.#records.length;
  }

  take(): OutgoingRecord[] {
    const taken = this.#records;
    this.#records = [];
    return taken;
  }

  clear(): void {
    this.#records = [];
  }
}
