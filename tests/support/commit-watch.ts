import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { KafkaCluster, READ_COMMITTED } from '@tributary/streams/operations';
import { quietLogger } from './quiet-logger.ts';
import { within } from './speed.ts';
import { until, DEADLINE_MS } from './until.ts';

export interface WatchedPartition {
  readonly topic: string;
  readonly partition: number;
}

const POLL_INTERVAL_MS = 50;

/**
 * Watches a group's committed offsets while records flow into every one of these partitions, and the ends of what is
 * made of them, as a consumer of committed records sees them; and answers the longest time in which one of all of these
 * did not move. What the watch itself needs to see an offset counts with it.
 */
export class CommitWatch {
  readonly #cluster: KafkaCluster;
  readonly #groupId: string;
  readonly #inputs: readonly WatchedPartition[];
  readonly #outputs: readonly WatchedPartition[];
  readonly #partitions: readonly WatchedPartition[];
  readonly #offsets: number[];
  readonly #movedAt: number[];
  readonly #running: Promise<void>;
  #longest = { ms: 0, name: '' };
  #stopped = false;

  constructor(
    connection: KafkaConnectionConfig,
    groupId: string,
    inputs: readonly WatchedPartition[],
    outputs: readonly WatchedPartition[] = [],
  ) {
    const partitions = [...inputs, ...outputs];
    this.#cluster = new KafkaCluster({ ...connection, clientId: 'test-watch' }, quietLogger);
    this.#groupId = groupId;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#partitions = partitions;
    this.#offsets = partitions.map(() => -1);
    this.#movedAt = partitions.map(() => performance.now());
    this.#running = this.#run();
  }

  /** Every partition has moved at this moment or later. @throws when not in time. */
  async allMoved(boundMs = DEADLINE_MS): Promise<void> {
    const since = performance.now();
    await until(
      () => this.#movedAt.every((at) => at >= since),
      () =>
        `a commit of ${this.#partitions
          .filter((_, index) => (this.#movedAt[index] as number) < since)
          .map(nameOf)
          .join(', ')}`,
      within(boundMs),
    );
  }

  /** Begins to measure. */
  reset(): void {
    this.#longest = { ms: 0, name: '' };
  }

  /** The longest standstill that has ended, and whose it was. */
  get longest(): { readonly ms: number; readonly name: string } {
    return this.#longest;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#cluster.disconnect();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const [committed, ends] = await Promise.all([
          this.#cluster.committedOffsets(this.#groupId, this.#inputs),
          this.#ends(),
        ]);
        const offsets = [...committed, ...ends];
        const now = performance.now();
        for (const [index, offset] of offsets.entries()) {
          if (offset <= (this.#offsets[index] as number)) continue;
          const ms = now - (this.#movedAt[index] as number);
          if (ms > this.#longest.ms) this.#longest = { ms, name: nameOf(this.#partitions[index] as WatchedPartition) };
          this.#offsets[index] = offset;
          this.#movedAt[index] = now;
        }
      } catch {
        await this.#cluster.refresh().catch(() => undefined);
      }
      await sleep(POLL_INTERVAL_MS);
    }
  }

  async #ends(): Promise<number[]> {
    if (this.#outputs.length === 0) return [];
    await this.#cluster.track([...new Set(this.#outputs.map(({ topic }) => topic))]);
    const ranges = this.#outputs.map(({ topic, partition }) =>
      this.#cluster.offsetRange(topic, partition, READ_COMMITTED),
    );
    return (await Promise.all(ranges)).map(({ end }) => end);
  }
}

const nameOf = ({ topic, partition }: WatchedPartition): string => `${topic}-${String(partition)}`;
