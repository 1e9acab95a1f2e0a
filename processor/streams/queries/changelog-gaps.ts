import { READ_COMMITTED } from '../kafka/broker.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import type { Logger } from '../logger.ts';
import { RecordFetcher, type FetchCluster } from '../reading/record-fetcher.ts';

const FETCH_WAIT_MS = 20;
const LONGEST_LOOK_MS = 500;

/**
 * Whether a changelog holds committed records between two offsets. A position of one who reads the changelog is behind
 * the markers of transactions, and an active task, which has written the records, knows of no markers: the two can only
 * be compared by looking.
 */
export class ChangelogGaps {
  readonly #cluster: FetchCluster;
  readonly #logger: Logger;
  readonly #looking = new Map<string, Promise<boolean>>();
  /** By partition: the newest gap that was looked at and is empty. */
  readonly #empty = new Map<string, readonly [from: number, to: number]>();

  /** `cluster`: with connections of its own. */
  constructor(cluster: FetchCluster, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
  }

  /** False where it is not known: no answer of the broker, or an undecided transaction. Does not throw. */
  isEmpty({ topic, partition }: TopicPartition, from: number, to: number): Promise<boolean> {
    const name = topicPartition(topic, partition);
    const known = this.#empty.get(name);
    if (known !== undefined && known[0] <= from && to <= known[1]) return Promise.resolve(true);
    const id = `${name} ${String(from)} ${String(to)}`;
    const looking =
      this.#looking.get(id) ??
      this.#look({ topic, partition }, from, to)
        .catch(() => false)
        .then((isEmpty) => {
          this.#looking.delete(id);
          if (isEmpty) this.#empty.set(name, [from, to]);
          return isEmpty;
        });
    this.#looking.set(id, looking);
    return looking;
  }

  async #look({ topic, partition }: TopicPartition, from: number, to: number): Promise<boolean> {
    const fetcher = new RecordFetcher(this.#cluster, this.#logger, {
      isolationLevel: READ_COMMITTED,
      maxWaitMs: FETCH_WAIT_MS,
    });
    const untilMs = performance.now() + LONGEST_LOOK_MS;
    try {
      fetcher.seek(topic, partition, from);
      while (performance.now() < untilMs) {
        for (const { records, nextOffset, outOfRange } of await fetcher.take(FETCH_WAIT_MS)) {
          if (outOfRange || records.some(({ offset }) => offset < to)) return false;
          if (nextOffset >= to) return true;
        }
      }
      return false;
    } finally {
      await fetcher.close();
    }
  }
}
