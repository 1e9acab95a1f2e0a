/** Where a record lies. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const TOPIC = 0;
const PARTITION = 1;
const OFFSET = 2;
const NONE = -1;

/**
 * Which record user code is working on, in memory that other threads can read: a thread that hangs cannot send a
 * message any more. It costs writing one number for each record.
 */
export class RecordWatch {
  readonly #cells: Float64Array;
  readonly #topics: readonly string[];

  /** @param topics every topic that is read, in the same order on both sides. */
  constructor(topics: readonly string[], shared: SharedArrayBuffer = RecordWatch.memory()) {
    this.#topics = topics;
    this.#cells = new Float64Array(shared);
  }

  static memory(): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT);
    new Float64Array(shared).fill(NONE);
    return shared;
  }

  /** Records of this partition follow. */
  enter(topic: string, partition: number): void {
    this.#cells[OFFSET] = NONE;
    this.#cells[PARTITION] = partition;
    this.#cells[TOPIC] = this.#topics.indexOf(topic);
  }

  at(offset: number): void {
    this.#cells[OFFSET] = offset;
  }

  /** User code has come back. */
  leave(): void {
    this.#cells[OFFSET] = NONE;
  }

  /** Undefined while no record is worked on. */
  current(): RecordPlace | undefined {
    const topic = this.#topics[this.#cells[TOPIC] ?? NONE];
    const [partition, offset] = [this.#cells[PARTITION] ?? NONE, this.#cells[OFFSET] ?? NONE];
    return topic === undefined || offset === NONE ? undefined : { topic, partition, offset };
  }
}
