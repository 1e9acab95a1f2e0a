import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { createKafka } from '@tributary/streams/operations';
import { quietLogger } from './quiet-logger.ts';
import { until, DEADLINE_MS } from './until.ts';

const POLL_MS = 20;

/** Where a watch looks. A look that fails closes it; the next one opens it again. */
export interface OffsetSource {
  /** `topic-partition` and its committed offset. */
  look(): Promise<readonly (readonly [string, number])[]>;
  close(): Promise<void>;
}

/** Watches the committed offsets of a group from outside. */
export function watchOffsets(connection: KafkaConnectionConfig, groupId: string): OffsetWatch {
  let admin: Admin | undefined;
  return new OffsetWatch({
    look: async () => {
      if (admin === undefined) {
        const opened = createKafka({ ...connection, clientId: 'test-watch' }, quietLogger).admin();
        await opened.connect();
        admin = opened;
      }
      const topics = await admin.fetchOffsets({ groupId });
      return topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [`${topic}-${String(partition)}`, Number(offset)] as const),
      );
    },
    close: async () => {
      const opened = admin;
      admin = undefined;
      await opened?.disconnect().catch(() => undefined);
    },
  });
}

/** Looks at offsets all along: when each moved, and whether one ever went back. Outlives a broker that is away. */
export class OffsetWatch {
  /** One sentence for each offset that went back. */
  readonly regressions: string[] = [];
  /**
   * The most that one offset has moved between two looks: no less than the largest commit was. May be set back to 0.
   */
  largestStep = 0;
  readonly #source: OffsetSource;
  readonly #offsets = new Map<string, number>();
  readonly #running: Promise<void>;
  #stopped = false;
  #looks = 0;

  constructor(source: OffsetSource) {
    this.#source = source;
    this.#running = this.#run();
  }

  /** `topic-partition` to the offset as it was seen last. */
  now(): Map<string, number> {
    return new Map(this.#offsets);
  }

  /** How often it has looked: a watch that saw nothing proves nothing. */
  get looks(): number {
    return this.#looks;
  }

  /**
   * `performance.now()` of when each of these partitions was first seen beyond `since`, in the order in which they
   * moved.
   * @throws when one has not moved in time, naming it.
   */
  async moved(
    partitions: readonly string[],
    since: ReadonlyMap<string, number>,
    deadlineMs = DEADLINE_MS,
  ): Promise<number[]> {
    const at = new Map<string, number>();
    const all = (): boolean => {
      for (const name of partitions)
        if (!at.has(name) && (this.#offsets.get(name) ?? 0) > (since.get(name) ?? 0)) at.set(name, performance.now());
      return at.size === partitions.length;
    };
    await until(all, () => `a new commit of ${partitions.filter((name) => !at.has(name)).join(', ')}`, deadlineMs);
    return [...at.values()].sort((a, b) => a - b);
  }

  /** Resolves when a partition is committed up to `offset`. @throws when it is not in time. */
  async reached(partition: string, offset: number): Promise<void> {
    await this.moved([partition], new Map([[partition, offset - 1]]));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#look();
      } catch {
        // The broker is away, or has no coordinator yet.
        await this.#source.close();
      }
      await sleep(POLL_MS);
    }
    await this.#source.close();
  }

  async #look(): Promise<void> {
    for (const [name, offset] of await this.#source.look()) {
      const before = this.#offsets.get(name) ?? -1;
      if (offset < before) this.regressions.push(`${name} went back from ${String(before)} to ${String(offset)}`);
      if (before >= 0) this.largestStep = Math.max(this.largestStep, offset - before);
      this.#offsets.set(name, offset);
    }
    this.#looks += 1;
  }
}
