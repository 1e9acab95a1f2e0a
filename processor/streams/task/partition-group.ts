/** What the group needs to know of a record that was read. */
export interface Timed {
  /** Event time; undefined goes first. */
  readonly timestampMs: number | undefined;
}

export interface PartitionGroupOptions<R, T extends Timed> {
  /** In the order of declaration, which decides between equal times. */
  readonly inputs: readonly string[];
  /** Called once a record, when it is at the head of its queue. */
  readonly read: (record: R) => T;
  /** How long a partition that is read to its end is waited for while others have records. */
  readonly maxIdleMs: number;
  /** A queue this full is not fetched for. Defaults below. */
  readonly maxRecords?: number;
  readonly maxBytes?: number;
  readonly onFull?: (input: string) => void;
  /** Half of a full queue is gone: its partition may be fetched again. */
  readonly onRoom?: (input: string) => void;
}

/** What a fetch brought of one partition. */
export interface Arrival<R> {
  readonly records: readonly R[];
  /** The position after them. */
  readonly nextOffset: number;
  /** Where the partition ended when it was fetched. */
  readonly endOffset: number;
  /** What the records keep in memory. */
  readonly bytes: number;
}

interface Queue<R, T> {
  readonly input: string;
  /** Oldest first; the first one's first `handedOut` records are gone. */
  readonly arrivals: Arrival<R>[];
  handedOut: number;
  records: number;
  bytes: number;
  /** The record at the head, once it has been read. */
  head: T | undefined;
  /** Behind all that was fetched. */
  nextOffset: number;
  /** Undefined: the partition has not been fetched since it was sought. */
  endOffset: number | undefined;
  /** What is known of the end is as old as the pause: the partition was full, and has not been fetched since. */
  endIsOld: boolean;
  full: boolean;
  /** Since when it has been empty and read to its end, as far as anybody asked. */
  idleSinceMs: number | undefined;
}

const MAX_RECORDS = 5_000;
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * The input partitions of one task, as Kafka Streams' PartitionGroup: one queue each, and the record with the smallest
 * event time among their heads goes first. A partition known to have more is waited for, without limit; one that is
 * read to its end for `maxIdleMs` from when it was found empty. Memory per input: a queue's bound and two fetches.
 *
 * Pure: it knows no Kafka and no clock.
 */
export class PartitionGroup<R extends { readonly offset: number }, T extends Timed> {
  readonly #queues: readonly Queue<R, T>[];
  readonly #byInput: ReadonlyMap<string, Queue<R, T>>;
  readonly #options: PartitionGroupOptions<R, T>;
  readonly #maxRecords: number;
  readonly #maxBytes: number;

  constructor(options: PartitionGroupOptions<R, T>) {
    this.#options = options;
    this.#maxRecords = options.maxRecords ?? MAX_RECORDS;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#queues = options.inputs.map((input) => ({
      input,
      arrivals: [],
      handedOut: 0,
      records: 0,
      bytes: 0,
      head: undefined,
      nextOffset: 0,
      endOffset: undefined,
      endIsOld: false,
      full: false,
      idleSinceMs: undefined,
    }));
    this.#byInput = new Map(this.#queues.map((queue) => [queue.input, queue]));
  }

  /** Drops what waits; the partitions are read from these offsets. */
  seek(offsets: ReadonlyMap<string, number>): void {
    for (const queue of this.#queues) {
      const nextOffset = offsets.get(queue.input) ?? queue.nextOffset;
      Object.assign(queue, {
        handedOut: 0,
        records: 0,
        bytes: 0,
        head: undefined,
        nextOffset,
        endOffset: undefined,
        endIsOld: false,
        full: false,
        idleSinceMs: undefined,
      } satisfies Partial<Queue<R, T>>);
      queue.arrivals.length = 0;
    }
  }

  add(input: string, arrival: Arrival<R>): void {
    const queue = this.#queueOf(input);
    queue.nextOffset = arrival.nextOffset;
    queue.endOffset = arrival.endOffset;
    queue.endIsOld = false;
    if (arrival.records.length === 0) return;
    queue.arrivals.push(arrival);
    queue.records += arrival.records.length;
    queue.bytes += arrival.bytes;
    queue.idleSinceMs = undefined;
    if (!queue.full && (queue.records >= this.#maxRecords || queue.bytes >= this.#maxBytes)) {
      queue.full = true;
      this.#options.onFull?.(input);
    }
  }

  /**
   * Removes and returns the record whose turn it is; undefined while some partition is waited for, and when there is
   * none.
   */
  next(nowMs: number): T | undefined {
    const first = this.#first(nowMs);
    if (first === undefined) return undefined;
    const { head } = first;
    first.head = undefined;
    this.#drop(first);
    return head;
  }

  /** When `next` may have a record without further fetches: `nowMs` at once, Infinity never. */
  readyAtMs(nowMs: number): number {
    // Asked also when nothing waits: the time of an empty partition runs, as in Kafka Streams, from when it is found
    // empty.
    const untilMs = this.#waitsUntilMs(nowMs);
    return this.#queues.some(({ records }) => records > 0) ? untilMs : Infinity;
  }

  /** What to commit: the first record that waits, or the position of the fetches when none waits. */
  position(input: string): number {
    const queue = this.#queueOf(input);
    return queue.arrivals[0]?.records[queue.handedOut]?.offset ?? queue.nextOffset;
  }

  /** These partitions are read to their end and nothing of them waits, as far as the last fetches show. */
  isDrained(inputs: readonly string[] = this.#options.inputs): boolean {
    return inputs.every((input) => isDrained(this.#queueOf(input)));
  }

  /** Every partition has been fetched since it was sought. */
  get allFetched(): boolean {
    return this.#queues.every(({ endOffset }) => endOffset !== undefined);
  }

  /** Where the partition ended when it was fetched last; undefined when it has not been since it was sought. */
  end(input: string): number | undefined {
    return this.#queueOf(input).endOffset;
  }

  /** Records of this partition that wait. */
  waiting(input: string): number {
    return this.#queueOf(input).records;
  }

  #first(nowMs: number): Queue<R, T> | undefined {
    if (this.#waitsUntilMs(nowMs) > nowMs) return undefined;
    let first: Queue<R, T> | undefined;
    let firstMs = Infinity;
    for (const queue of this.#queues) {
      if (queue.records === 0) continue;
      queue.head ??= this.#options.read(queue.arrivals[0]?.records[queue.handedOut] as R);
      const timeMs = queue.head.timestampMs ?? -Infinity;
      // mutant: oldest-first
      if (first === undefined || timeMs < firstMs) [first, firstMs] = [queue, timeMs];
    }
    return first;
  }

  #waitsUntilMs(nowMs: number): number {
    let untilMs = nowMs;
    for (const queue of this.#queues) {
      if (queue.records > 0) continue;
      if (!isDrained(queue)) {
        queue.idleSinceMs = undefined;
        untilMs = Infinity;
        continue;
      }
      queue.idleSinceMs ??= nowMs;
      untilMs = Math.max(untilMs, queue.idleSinceMs + this.#options.maxIdleMs);
    }
    return untilMs;
  }

  #drop(queue: Queue<R, T>): void {
    const [arrival] = queue.arrivals as [Arrival<R>];
    queue.records -= 1;
    queue.handedOut += 1;
    if (queue.handedOut === arrival.records.length) {
      queue.arrivals.shift();
      queue.handedOut = 0;
      queue.bytes -= arrival.bytes;
    }
    if (queue.full && queue.records <= this.#maxRecords / 2 && queue.bytes <= this.#maxBytes / 2) {
      queue.full = false;
      queue.endIsOld = true;
      this.#options.onRoom?.(queue.input);
    }
  }

  #queueOf(input: string): Queue<R, T> {
    return this.#byInput.get(input) as Queue<R, T>;
  }
}

function isDrained({ records, nextOffset, endOffset, endIsOld }: Queue<unknown, unknown>): boolean {
  return records === 0 && endOffset !== undefined && !endIsOld && nextOffset >= endOffset;
}
