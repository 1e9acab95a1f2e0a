import { apiError, badUserInput } from '../graphql/api-error.ts';
import { tooManyFollowed } from '../limits/followed-bytes.ts';
import type { PositionVector } from '../tables/applied-positions.ts';
import { isInRange, type KeyTextRange } from '../tables/key-range.ts';
import type { Row } from '../tables/row.ts';
import { rowId } from '../tables/row-id.ts';
import type { UpdateSource } from '../updates/conflating-iterator.ts';
import type { RowsUpdate } from '../updates/row-updates.ts';
import { AttachedPartition } from './attached-partition.ts';
import type { TailChange, TailFollower } from './changelog-tails.ts';
import { FollowedRows, type FollowedRowsOptions } from './followed-rows.ts';
import { isEmpty, keyBounds } from './key-bounds.ts';
import { ownerCursor } from './owner-cursor.ts';
import { ANSWER_WAIT_MS, type AskOptions, type OwnerTable, rowsByKey } from './owner-table.ts';

export interface OwnerSubscriptionOptions<Update> extends Omit<FollowedRowsOptions, 'held'> {
  readonly table: OwnerTable;
  /** As latin1; null: those of `range`. */
  readonly keys: ReadonlySet<string> | null;
  readonly range: KeyTextRange | null;
  /** Of the cursor that the subscriber gave: his first snapshot is not older. */
  readonly min: PositionVector;
  /** `isCaughtUp`: nothing is known that the update has not seen. */
  readonly make: (update: RowsUpdate) => Update;
}

/** An update has at most so many rows: a larger snapshot comes in parts. */
const MOST_ROWS = 10_000;
const ROWS_OF_AN_ANSWER = 1_000;
/** Owners that move again and again may answer too early so often. */
const MOST_ASKED = 10;

/** A snapshot of which not all has been sent. */
interface Parts {
  readonly rows: readonly Row[];
  readonly positions: PositionVector;
  readonly at: number;
}

/**
 * One subscriber's view of some keys or of a range: a snapshot of the owners, then what the changelog says from the
 * snapshot's positions on. It holds what is subscribed, and nothing else.
 */
export class OwnerSubscription<Update> implements UpdateSource<Update>, TailFollower {
  readonly #options: OwnerSubscriptionOptions<Update>;
  readonly #rows: FollowedRows;
  readonly keys: ReadonlySet<string> | null;
  #partitions = new Map<number, AttachedPartition>();
  /** Grows with each beginning: what an earlier one still does counts no more. */
  #life = 0;
  #isAttached = false;
  /** The changelog that is followed may have gaps. */
  #isLost = false;
  /** The next update is a snapshot. */
  #isWhole = true;
  #parts: Parts | null = null;
  #failure: unknown = null;
  #isClosed = false;
  /** Asks for the next update. */
  wake: () => void = () => undefined;

  constructor(options: OwnerSubscriptionOptions<Update>) {
    this.#options = options;
    const { table, keys, range } = options;
    this.#rows = new FollowedRows({ ...options, held: keys === null ? table.followed : null });
    this.keys =
      keys === null || range === null ? keys : new Set([...keys].filter((keyText) => isInRange(range, { keyText })));
  }

  takes(keyText: string): boolean {
    const { range } = this.#options;
    return range === null || isInRange(range, { keyText });
  }

  changed(change: TailChange): void {
    this.#partitions.get(change.partition)?.changed(change, this.#rows);
    // A snapshot that is being read says itself that it is too large.
    if (!this.#isAttached) return;
    const tooLarge = this.#tooLarge();
    if (tooLarge !== null) this.#fail(tooLarge);
  }

  moved(): void {
    if (this.#isAttached) this.wake();
  }

  /** The client is told all anew, once it is known. */
  lost(): void {
    this.#isLost = true;
    if (!this.#isAttached || this.#isClosed) return;
    this.#isAttached = false;
    this.attach(this.#positions()).catch((error: unknown) => this.#fail(error));
  }

  /** The next update says why it is the last; nothing is held until it is taken. */
  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#failure = error;
    this.wake();
  }

  /**
   * Reads the rows, so that none and no change of them is missing from now on.
   * @throws GraphQLError NOT_READY for partitions that do not answer; BAD_USER_INPUT for a range of too many rows;
   * TOO_MANY_SUBSCRIPTIONS where others follow so many that there is no room for them.
   */
  async attach(min: PositionVector = this.#options.min): Promise<void> {
    const life = ++this.#life;
    do {
      this.#isLost = false;
      await this.#attachOnce(min, life);
    } while (this.#isLost && life === this.#life);
    if (life !== this.#life || this.#isClosed) return;
    this.#isAttached = true;
    this.#isWhole = true;
    this.wake();
  }

  async #attachOnce(min: PositionVector, life: number): Promise<void> {
    this.#leave();
    this.#rows.clear();
    this.#parts = null;
    const { table } = this.#options;
    const keys = this.keys === null ? null : await table.homesOf(this.keys);
    if (life !== this.#life) return;
    const partitions = keys === null ? table.partitions : [...keys.keys()];
    this.#partitions = new Map(partitions.map((partition) => [partition, this.#follow(partition)]));
    try {
      if (keys === null) await this.#readRange(min, life);
      else await this.#readKeys(keys, min, life);
      if (life !== this.#life) return;
      await this.#settle();
      const tooLarge = life === this.#life ? this.#tooLarge() : null;
      if (tooLarge !== null) throw tooLarge;
    } catch (error) {
      if (life === this.#life) {
        this.#leave();
        this.#rows.clear();
      }
      throw error;
    }
  }

  #follow(partition: number): AttachedPartition {
    const { table } = this.#options;
    return new AttachedPartition(table.tails.follow(table.source, partition, table.rows, this));
  }

  async #readKeys(keys: ReadonlyMap<number, readonly string[]>, min: PositionVector, life: number): Promise<void> {
    const { table } = this.#options;
    let left = keys;
    for (let asked = 0; left.size > 0; asked++) {
      const options = this.#askOptions([...left.keys()], min);
      const answers = await table.askRows(left, options);
      if (life !== this.#life) return;
      const again = new Map<number, readonly string[]>();
      const silent: number[] = [];
      for (const [partition, texts] of left) {
        const answer = answers.get(partition) ?? null;
        if (answer === null) silent.push(partition);
        else if (this.#partitions.get(partition)?.answered(answer.position) !== true) again.set(partition, texts);
        else for (const [key, row] of rowsByKey(table, partition, texts, answer)) this.#rows.set(key, row, partition);
      }
      if (silent.length > 0 || (again.size > 0 && asked >= MOST_ASKED))
        throw table.away(silent.length > 0 ? silent : [...again.keys()], options);
      left = again;
    }
  }

  async #readRange(min: PositionVector, life: number): Promise<void> {
    const { table, range } = this.#options;
    const bounds = keyBounds(range, null, false);
    const to =
      bounds.to === undefined ? {} : { to: Buffer.from(isEmpty(bounds) ? (bounds.from ?? '') : bounds.to, 'latin1') };
    const start = bounds.from === undefined ? undefined : Buffer.from(bounds.from, 'latin1');
    let left = new Map<number, Uint8Array | undefined>(table.partitions.map((partition) => [partition, start]));
    for (let early = 0; left.size > 0;) {
      const reads = [...left].map(([partition, from]) => {
        const read = {
          kind: 'range' as const,
          ...(from === undefined ? {} : { from }),
          ...to,
          limit: ROWS_OF_AN_ANSWER,
        };
        return [partition, read] as const;
      });
      const options = this.#askOptions([...left.keys()], min);
      const answers = await table.askRanges(new Map(reads), options);
      if (life !== this.#life) return;
      const next = new Map<number, Uint8Array | undefined>();
      const silent: number[] = [];
      for (const [partition, from] of left) {
        const answer = answers.get(partition) ?? null;
        if (answer === null) silent.push(partition);
        else if (this.#partitions.get(partition)?.answered(answer.position) !== true) {
          early += 1;
          next.set(partition, from);
        } else {
          for (const [key, value] of answer.rows) {
            const row = table.rows.ofAnswer(key, value, answer, partition);
            if (row !== null) this.#rows.set(row.keyText, row, partition);
          }
          if (answer.next !== undefined) next.set(partition, answer.next);
        }
      }
      if (silent.length > 0 || early > MOST_ASKED * table.partitions.length)
        throw table.away(silent.length > 0 ? silent : [...next.keys()], options);
      const { declared } = table;
      if (this.#rows.isOver) throw tooManyFollowed();
      if (this.#rows.size > declared.maxRows)
        throw badUserInput(
          'range',
          `takes more than ${declared.maxRows} rows of ${declared.name}, its maxRows. Ask for a shorter one.`,
        );
      left = next;
    }
  }

  #askOptions(partitions: readonly number[], min: PositionVector): AskOptions {
    const positions = partitions.flatMap((partition): [number, number][] => {
      const known = [this.#partitions.get(partition)?.minPosition, min[partition]].filter((one) => one != null);
      return known.length === 0 ? [] : [[partition, Math.max(...known)]];
    });
    return { min: Object.fromEntries(positions), waitMs: ANSWER_WAIT_MS };
  }

  async #settle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(this.#options.table.away([...this.#partitions.keys()], { waitMs: ANSWER_WAIT_MS }));
      }, ANSWER_WAIT_MS);
    });
    try {
      await Promise.race([tooLate, Promise.all([...this.#partitions.values()].map((one) => one.settle(this.#rows)))]);
    } finally {
      clearTimeout(timer);
    }
  }

  readonly hasMore = (): boolean => this.#parts !== null;

  nextUpdate(): Update | null {
    if (this.#failure !== null) throw this.#failure as Error;
    if (!this.#isAttached) return null;
    if (this.#parts !== null) return this.#nextPart(this.#parts);
    if (this.#isWhole) {
      this.#isWhole = false;
      return this.#nextPart({ rows: this.#rows.whole(), positions: this.#positions(), at: 0 });
    }
    const difference = this.#rows.difference();
    if (difference === null) return null;
    return this.#options.make({
      kind: 'DELTA',
      cursor: this.#cursor(this.#positions()),
      rows: difference.rows,
      removed: difference.removed.map((row) => rowId(this.#options.table.declared, row)),
      more: false,
    });
  }

  #nextPart({ rows, positions, at }: Parts): Update {
    const end = at + MOST_ROWS;
    const more = end < rows.length;
    this.#parts = more ? { rows, positions, at: end } : null;
    const cursor = this.#cursor(positions, more);
    return this.#options.make({ kind: 'SNAPSHOT', cursor, rows: rows.slice(at, end), removed: [], more });
  }

  #positions(): PositionVector {
    return Object.fromEntries([...this.#partitions].map(([partition, { position }]) => [partition, position]));
  }

  #cursor(positions: PositionVector, isPart = false): string {
    const { table } = this.#options;
    return ownerCursor(table.model.applicationId, table.declared, positions, isPart);
  }

  /** Rows may have come into a range until they are too many. */
  #tooLarge(): Error | null {
    if (this.#rows.isOver) return tooManyFollowed();
    const { name, maxRows } = this.#options.table.declared;
    if (this.#rows.size <= maxRows) return null;
    return apiError(
      'TABLE_TOO_LARGE',
      `More than ${maxRows} rows of ${name}, its maxRows, are in the range by now. Subscribe to a shorter one.`,
      { table: name },
    );
  }

  #leave(): void {
    for (const attached of this.#partitions.values()) {
      this.#options.table.tails.leave(attached.tail, this);
      attached.drop();
    }
    this.#partitions = new Map();
  }

  close(): void {
    this.#isClosed = true;
    this.#life += 1;
    this.#leave();
    this.#rows.clear();
    this.#parts = null;
  }
}
