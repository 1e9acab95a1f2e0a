import { isRuntimeRow, type Logger } from '@tributary/streams';
import { messageOf } from '@tributary/streams/operations';
import type { FeedSource } from '../feed/feed-source.ts';
import { takeKeyApart } from '../feed/take-key-apart.ts';
import type { Row } from '../tables/row.ts';
import { isNotReady } from './owner-errors.ts';
import type { OwnerRows } from './owner-rows.ts';

/** A record of a changelog, as a fetcher has it. */
export interface TailRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** What was fetched of one partition. */
export interface TailFetch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly TailRecord[];
  /** The offset to read next, behind markers of transactions, too. */
  readonly nextOffset: number;
  /** The partition does not hold the offset asked for: nothing is fetched before a new seek. */
  readonly outOfRange: boolean;
}

/** Reads committed records of partitions from offsets on: a RecordFetcher, or what plays one. */
export interface TailFetcher {
  seek(topic: string, partition: number, offset: number): void;
  remove(topic: string, partition: number): void;
  /** What has arrived, or nothing after `timeoutMs`. Rejects for what cannot be read. */
  take(timeoutMs: number): Promise<readonly TailFetch[]>;
  wake(): void;
  close(): Promise<void>;
}

/** One change of a row that is followed. */
export interface TailChange {
  readonly partition: number;
  readonly offset: number;
  readonly keyText: string;
  /** Null: there is none any more, or it cannot be read. */
  readonly row: Row | null;
}

export interface TailFollower {
  /** Followed keys as latin1; null: those that `takes` says. */
  readonly keys: ReadonlySet<string> | null;
  takes(keyText: string): boolean;
  changed(change: TailChange): void;
  /** After all changes that came together. */
  moved(): void;
  /** Changes may be missing from here on: what is followed must be read anew. */
  lost(): void;
}

export interface TailsOptions {
  readonly open: () => TailFetcher;
  readonly logger: Logger;
  /** How long is waited before changelogs that could not be read are read anew. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

const TAKE_MS = 1_000;
const RETRY_MS = 1_000;

/** The changelogs of owner tables, each partition read once for all that follow it, and only while somebody does. */
export class ChangelogTails {
  readonly #options: TailsOptions;
  readonly #tails = new Map<string, PartitionTail>();
  #fetcher: TailFetcher | null = null;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: TailsOptions) {
    this.#options = options;
  }

  /** How many partitions are read or waited for. */
  get size(): number {
    return this.#tails.size;
  }

  /** The tail of a partition, which is read from `PartitionTail.start` on. `rows`: of the table. */
  follow(source: FeedSource, partition: number, rows: OwnerRows, follower: TailFollower): PartitionTail {
    const name = nameOf(source.topic, partition, rows);
    let tail = this.#tails.get(name);
    if (tail === undefined) {
      tail = new PartitionTail(source, partition, rows, (offset) => this.#seek(source.topic, partition, offset));
      this.#tails.set(name, tail);
    }
    tail.add(follower);
    return tail;
  }

  leave(tail: PartitionTail, follower: TailFollower): void {
    tail.remove(follower);
    const { topic, partition, rows, isFollowed } = tail;
    if (isFollowed || this.#tails.get(nameOf(topic, partition, rows)) !== tail) return;
    this.#tails.delete(nameOf(topic, partition, rows));
    if (this.#at(topic, partition).length === 0) this.#fetcher?.remove(topic, partition);
    if (this.#tails.size === 0) this.#stop();
  }

  /** The tails of a partition: one for each table that has it. */
  #at(topic: string, partition: number): PartitionTail[] {
    return [...this.#tails.values()].filter((tail) => tail.topic === topic && tail.partition === partition);
  }

  /** A topic is followed no more: its table is elsewhere. */
  lose(topic: string): void {
    for (const [name, tail] of [...this.#tails]) if (tail.topic === topic) this.#drop(name, tail);
  }

  #drop(name: string, tail: PartitionTail): void {
    // Who was told of another one may have left this one, and begun anew.
    if (this.#tails.get(name) !== tail) return;
    this.#tails.delete(name);
    if (this.#at(tail.topic, tail.partition).length === 0) this.#fetcher?.remove(tail.topic, tail.partition);
    tail.lost();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await this.#running;
  }

  #stop(): void {
    const fetcher = this.#fetcher;
    this.#fetcher = null;
    fetcher?.wake();
  }

  #seek(topic: string, partition: number, offset: number): void {
    if (this.#isClosed) return;
    if (this.#fetcher === null) {
      const fetcher = this.#options.open();
      this.#fetcher = fetcher;
      this.#running = Promise.all([this.#running, this.#run(fetcher)]).then(() => undefined);
    }
    // Another table may have read less of it: what it has read already it is not told again.
    const offsets = this.#at(topic, partition).flatMap(({ next }) => next ?? []);
    this.#fetcher.seek(topic, partition, Math.min(offset, ...offsets));
  }

  async #run(fetcher: TailFetcher): Promise<void> {
    const { logger, pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref()) } = this.#options;
    while (this.#fetcher === fetcher) {
      try {
        const fetched = await fetcher.take(TAKE_MS);
        if (this.#fetcher === fetcher) this.#deliver(fetched);
      } catch (error) {
        logger.error({ error: messageOf(error) }, 'the changelogs of owner tables cannot be read: they are read anew');
        await pause(RETRY_MS);
        // Somebody may have come and gone meanwhile: this fetcher is then no longer the one.
        if (this.#fetcher !== fetcher) break;
        this.#fetcher = null;
        for (const [name, tail] of [...this.#tails]) this.#drop(name, tail);
      }
    }
    await fetcher.close();
  }

  #deliver(fetched: readonly TailFetch[]): void {
    const moved = new Set<TailFollower>();
    for (const fetch of fetched)
      for (const tail of this.#at(fetch.topic, fetch.partition)) {
        if (fetch.outOfRange || !this.#tell(tail, fetch, moved))
          this.#drop(nameOf(fetch.topic, fetch.partition, tail.rows), tail);
      }
    for (const follower of moved) follower.moved();
  }

  /** False where a record cannot be told: those who follow this tail read anew, and no other changelog waits for it. */
  #tell(tail: PartitionTail, fetch: TailFetch, moved: Set<TailFollower>): boolean {
    try {
      tail.deliver(fetch, moved);
      return true;
    } catch (error) {
      const { topic, partition } = tail;
      // A schema that is away has been logged by the table, once for all rows that need it.
      if (!isNotReady(error))
        this.#options.logger.error(
          { topic, partition, error: messageOf(error) },
          'a change in the changelog of an owner table cannot be told: the rows of its partition are read anew',
        );
      return false;
    }
  }
}

/** One partition of a table's changelog, and who follows it. */
export class PartitionTail {
  readonly topic: string;
  readonly partition: number;
  readonly rows: OwnerRows;
  readonly #take: ReturnType<typeof takeKeyApart>;
  readonly #isChangelog: boolean;
  readonly #seek: (offset: number) => void;
  readonly #byKey = new Map<string, Set<TailFollower>>();
  readonly #byRange = new Set<TailFollower>();
  readonly #all = new Set<TailFollower>();
  #startedAt: number | null = null;
  #end: number | null = null;
  #next = 0;
  #waiting: (() => void)[] = [];

  constructor(source: FeedSource, partition: number, rows: OwnerRows, seek: (offset: number) => void) {
    const { topic, layout, isChangelog } = source;
    this.topic = topic;
    this.partition = partition;
    this.rows = rows;
    this.#take = takeKeyApart(layout, { kind: 'key-value' });
    this.#isChangelog = isChangelog;
    this.#seek = seek;
  }

  get isFollowed(): boolean {
    return this.#all.size > 0;
  }

  /** Behind the last record that was delivered, or where the reading began; null before. */
  get end(): number | null {
    return this.#end;
  }

  /** Where the reading began; null before. */
  get startedAt(): number | null {
    return this.#startedAt;
  }

  /** The offset that is delivered next; null before the reading began. */
  get next(): number | null {
    return this.#end === null ? null : this.#next;
  }

  /** Reads from `offset` on, where the tail is not read yet. */
  start(offset: number): void {
    if (this.#end !== null) return;
    this.#startedAt = offset;
    this.#end = offset;
    this.#next = offset;
    this.#seek(offset);
  }

  /** Resolves once all before `offset` has been delivered; also where it never will be, which `lost` says. */
  async until(offset: number): Promise<void> {
    if (this.#next >= offset) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#next >= offset) resolve();
        else this.#waiting.push(look);
      };
      look();
    });
  }

  add(follower: TailFollower): void {
    this.#all.add(follower);
    if (follower.keys === null) this.#byRange.add(follower);
    else
      for (const key of follower.keys) {
        const followers = this.#byKey.get(key);
        if (followers === undefined) this.#byKey.set(key, new Set([follower]));
        else followers.add(follower);
      }
  }

  remove(follower: TailFollower): void {
    this.#all.delete(follower);
    this.#byRange.delete(follower);
    for (const key of follower.keys ?? []) {
      const followers = this.#byKey.get(key);
      followers?.delete(follower);
      if (followers?.size === 0) this.#byKey.delete(key);
    }
  }

  lost(): void {
    this.#next = Number.POSITIVE_INFINITY;
    this.#look();
    for (const follower of [...this.#all]) follower.lost();
  }

  deliver({ records, nextOffset }: TailFetch, moved: Set<TailFollower>): void {
    // What was on its way when another offset was sought.
    if (this.#end === null || nextOffset < this.#next) return;
    for (const record of records) if (record.offset >= this.#next) this.#deliverRecord(record, moved);
    this.#next = nextOffset;
    this.#look();
  }

  #deliverRecord({ key, value, offset, timestampMs }: TailRecord, moved: Set<TailFollower>): void {
    this.#end = offset + 1;
    if (key === null || (this.#isChangelog && isRuntimeRow(key))) return;
    const taken = this.#take({ key, value });
    if (taken === null) return;
    const { partition } = this;
    const keyText = taken.key.toString('latin1');
    if (taken.value !== null) this.rows.see(keyText, partition);
    const followers = [
      ...(this.#byKey.get(keyText) ?? []),
      ...[...this.#byRange].filter((follower) => follower.takes(keyText)),
    ];
    if (followers.length === 0) return;
    if (taken.value === null) this.rows.forget(keyText);
    const row =
      taken.value === null ? null : this.rows.read(taken.key, taken.value, { partition, offset, timestampMs });
    for (const follower of followers) {
      follower.changed({ partition, offset, keyText, row });
      moved.add(follower);
    }
  }

  #look(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }
}

/** Two tables over one store read its values in their own way. */
const tableNumbers = new WeakMap<OwnerRows, number>();
let tables = 0;
function nameOf(topic: string, partition: number, rows: OwnerRows): string {
  let number = tableNumbers.get(rows);
  if (number === undefined) tableNumbers.set(rows, (number = ++tables));
  return `${number} ${topic}-${partition}`;
}
