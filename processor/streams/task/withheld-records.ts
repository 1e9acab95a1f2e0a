import type { FetchedPartition } from '../reading/fetched-partition.ts';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import { DeadLetter } from '../topology/record.ts';
import type { RecordPlace } from './record-watch.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

/** The reason of a dead letter whose record made user code hang. */
const PROCESSING_HANGS = 'PROCESSING_HANGS';

/** Records that user code has hung at: they are dead-lettered without another try. */
export class WithheldRecords {
  readonly #offsets = new Map<string, Set<number>>();

  add(places: readonly RecordPlace[]): void {
    for (const { topic, partition, offset } of places) {
      const name = topicPartition(topic, partition);
      const known = this.#offsets.get(name);
      if (known === undefined) this.#offsets.set(name, new Set([offset]));
      else known.add(offset);
    }
  }

  /** The same fetch, with these records marked as unreadable. */
  applyTo(fetched: FetchedPartition): FetchedPartition {
    if (this.#offsets.size === 0) return fetched;
    const offsets = this.#offsets.get(topicPartition(fetched.topic, fetched.partition));
    if (offsets === undefined) return fetched;
    return {
      ...fetched,
      records: fetched.records.map((record) =>
        offsets.has(record.offset) && record.unreadable === undefined ? withheld(record) : record,
      ),
    };
  }
}

function withheld(record: FetchedRecord): FetchedRecord {
  const letter = new DeadLetter(
    PROCESSING_HANGS,
    'a function of the topology did not come back from this record, twice',
  );
  return Object.create(record, { unreadable: { value: letter } }) as FetchedRecord;
}
