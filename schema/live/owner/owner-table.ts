import type { Logger } from '@tributary/streams';
import {
  type OrderAnswer,
  type OrderRead,
  type OwnerAnswer,
  type OwnerQuestion,
  type OwnerReads,
  partitionOf,
  type RangeAnswer,
  type RangeRead,
  type RowsAnswer,
} from '@tributary/streams/operations';
import type { FeedSource } from '../feed/feed-source.ts';
import { notReady } from '../graphql/api-error.ts';
import type { FollowedBytes } from '../limits/followed-bytes.ts';
import type { PositionVector } from '../tables/applied-positions.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import type { Row } from '../tables/row.ts';
import type { RowModel } from '../updates/row-model.ts';
import type { ChangelogTails } from './changelog-tails.ts';
import { partitionsAway } from './owner-errors.ts';
import { OwnerRows } from './owner-rows.ts';

/** So many rows of each partition are looked at to see whether they lie where Kafka's partitioner has their keys. */
const PROBED_ROWS = 20;
const PROBE_EVERY_MS = 1_000;
const PROBE_WAIT_MS = 300;
/** How long an answer is waited for where no cursor is asked for. */
export const ANSWER_WAIT_MS = 5_000;
/** How long a query waits until owners have seen what its cursor has. */
const CURSOR_WAIT_MS = 2_000;

export interface OwnerTableOptions {
  readonly declared: DeclaredTable;
  readonly model: RowModel & { noteUnreadable(): void };
  readonly logger: Logger;
  readonly allowStale: boolean;
  /** Of all tables of the instance. */
  readonly followed: FollowedBytes;
}

/** With what the owners are asked, and what they have changed is followed. */
export interface OwnerConnection {
  readonly reads: OwnerReads;
  readonly tails: ChangelogTails;
}

/** Of each partition that is asked: what the answer must have seen. */
export interface AskOptions {
  readonly min?: PositionVector | undefined;
  readonly waitMs?: number | undefined;
  /** Nobody depends on the answer: a partition that does not answer is not told of. */
  readonly isProbe?: boolean | undefined;
}

/** What one partition has answered; null: nobody has in time. */
export type Answered<A extends OwnerAnswer> = A | null;

/** A table whose rows are asked of the processors that own them. It holds none. */
export class OwnerTable {
  readonly declared: DeclaredTable;
  readonly model: OwnerTableOptions['model'];
  readonly rows: OwnerRows;
  readonly followed: FollowedBytes;
  readonly #logger: Logger;
  readonly #allowStale: boolean;
  #source: FeedSource | null = null;
  #connection: OwnerConnection | null = null;
  /** Partitions for which nobody has answered the last time. */
  readonly #silent = new Set<number>();
  /** Some row lies in another partition than Kafka's partitioner has for its key: the row of a key may be in any. */
  #isSpread = false;
  #hasSeenRows = false;
  #probe: Promise<void> | null = null;
  #probedAtMs = -Infinity;

  constructor({ declared, model, logger, allowStale, followed }: OwnerTableOptions) {
    this.declared = declared;
    this.model = model;
    this.#logger = logger;
    this.#allowStale = allowStale;
    this.followed = followed;
    this.rows = new OwnerRows({
      declared,
      logger,
      onUnreadable: () => model.noteUnreadable(),
      onRow: (keyText, partition) => this.#look(keyText, partition),
    });
  }

  connect(connection: OwnerConnection): void {
    this.#connection = connection;
  }

  /** Where its changelog is; what was followed elsewhere is read anew. */
  follow(source: FeedSource): void {
    const before = this.#source;
    this.#source = source;
    this.#isSpread = false;
    this.#hasSeenRows = false;
    if (before !== null && before.topic !== source.topic) this.#connection?.tails.lose(before.topic);
  }

  /** Whether all that was asked for last was answered. */
  get isComplete(): boolean {
    return this.#source !== null && this.#silent.size === 0;
  }

  get unreadable(): number {
    return this.rows.unreadable;
  }

  /** @throws GraphQLError NOT_READY while it is not known where the table is. */
  get source(): FeedSource {
    if (this.#source === null) throw notReady();
    return this.#source;
  }

  /** @throws GraphQLError NOT_READY before the API has started. */
  get tails(): ChangelogTails {
    return this.#connected().tails;
  }

  #connected(): OwnerConnection {
    if (this.#connection === null) throw notReady();
    return this.#connection;
  }

  get partitions(): readonly number[] {
    return Array.from({ length: this.source.partitions }, (_, partition) => partition);
  }

  /**
   * The partitions in which the rows of these keys may be, with the keys to ask each for: those of Kafka's partitioner,
   * or all of them where the store has rows elsewhere, too.
   */
  async homesOf(keyTexts: ReadonlySet<string>): Promise<ReadonlyMap<number, readonly string[]>> {
    if (!this.#isSpread && !this.#hasSeenRows && this.source.partitions > 1) await this.#probeRows();
    if (this.#isSpread) return new Map(this.partitions.map((partition) => [partition, [...keyTexts]]));
    return Map.groupBy(keyTexts, (keyText) => this.#partitionOf(keyText));
  }

  #partitionOf(keyText: string): number {
    return partitionOf(Buffer.from(keyText, 'latin1'), this.source.partitions);
  }

  #look(keyText: string, partition: number): void {
    if (this.#isSpread) return;
    this.#hasSeenRows = true;
    if (this.#partitionOf(keyText) === partition) return;
    this.#isSpread = true;
    const { name: table } = this.declared;
    this.#logger.warn(
      { table, partition },
      "a row lies in another partition than Kafka's partitioner has for its key: every key is asked for at all " +
        'partitions. A store behind groupBy, or of a topic whose producer partitions as Java does, needs one question',
    );
    // Who follows some keys follows too few partitions.
    this.#connection?.tails.lose(this.source.topic);
  }

  /** Looks at some rows of each partition, while none has been seen; those that do not answer hold nobody up. */
  #probeRows(): Promise<void> {
    if (this.#probe === null && performance.now() - this.#probedAtMs < PROBE_EVERY_MS) return Promise.resolve();
    const reads = this.partitions.map((partition) => [partition, { kind: 'range', limit: PROBED_ROWS }] as const);
    this.#probe ??= this.askRanges(new Map(reads), { waitMs: PROBE_WAIT_MS, isProbe: true })
      .then((answers) => {
        for (const [partition, answer] of answers)
          for (const [key, value] of answer?.rows ?? [])
            this.rows.ofAnswer(key, value, answer as RangeAnswer, partition);
      })
      .finally(() => {
        this.#probe = null;
        this.#probedAtMs = performance.now();
      });
    return this.#probe;
  }

  /** Rows of the keys of some partitions, in one round trip for all. */
  async askRows(
    keys: ReadonlyMap<number, readonly string[]>,
    options: AskOptions,
  ): Promise<Map<number, Answered<RowsAnswer>>> {
    const reads = new Map(
      [...keys].map(([partition, texts]) => [
        partition,
        { kind: 'rows', keys: texts.map((text) => Buffer.from(text, 'latin1')) } as const,
      ]),
    );
    return this.#ask(reads, options) as Promise<Map<number, Answered<RowsAnswer>>>;
  }

  /** Ranges of some partitions, in one round trip for all. */
  async askRanges(
    reads: ReadonlyMap<number, RangeRead>,
    options: AskOptions,
  ): Promise<Map<number, Answered<RangeAnswer>>> {
    return this.#ask(reads, options) as Promise<Map<number, Answered<RangeAnswer>>>;
  }

  /** The same of rows in the order of a field. */
  async askOrders(
    reads: ReadonlyMap<number, OrderRead>,
    options: AskOptions,
  ): Promise<Map<number, Answered<OrderAnswer>>> {
    return this.#ask(reads, options) as Promise<Map<number, Answered<OrderAnswer>>>;
  }

  /** @throws GraphQLError NOT_READY that names the partitions which did not answer. */
  away(partitions: readonly number[], { min, waitMs }: AskOptions): Error {
    const withCursor = hasPositions(min);
    return partitionsAway(this.declared.name, partitions, { waitedMs: this.waitMs({ min, waitMs }), withCursor });
  }

  waitMs({ min, waitMs }: AskOptions): number {
    return waitMs ?? (hasPositions(min) ? CURSOR_WAIT_MS : ANSWER_WAIT_MS);
  }

  async #ask(
    reads: ReadonlyMap<number, OwnerQuestion['read']>,
    options: AskOptions,
  ): Promise<Map<number, OwnerAnswer | null>> {
    if (reads.size === 0) return new Map();
    const { source } = this.declared;
    if (source.kind !== 'store') throw new TypeError(`the table ${this.declared.name} is of no store`);
    const questions = [...reads].map(([partition, read]): OwnerQuestion => {
      const minPosition = options.min?.[partition];
      return {
        store: source.store,
        partition,
        allowStale: this.#allowStale,
        ...(minPosition === undefined ? {} : { minPosition }),
        read,
      };
    });
    const answers = await this.#connected().reads.ask(questions, this.waitMs(options));
    return new Map(
      questions.map(({ partition }, at) => {
        const answer = answers[at];
        const error = answer === undefined || answer instanceof Error ? (answer ?? null) : undefined;
        if (error === undefined || options.isProbe !== true) this.#note(partition, error);
        return [partition, error === undefined ? (answer as OwnerAnswer) : null];
      }),
    );
  }

  /** `error`: undefined where the partition has answered. */
  #note(partition: number, error: Error | null | undefined): void {
    const { name: table } = this.declared;
    if (error === undefined) {
      if (this.#silent.delete(partition)) this.#logger.info({ table, partition }, 'a partition answers again');
    } else if (!this.#silent.has(partition)) {
      this.#silent.add(partition);
      this.#logger.warn({ table, partition, error: error?.message }, 'nobody answers for a partition of a table');
    }
  }
}

/** Rows of one partition's answer, by the texts of their keys. */
export function rowsByKey(
  table: OwnerTable,
  partition: number,
  keys: readonly string[],
  answer: RowsAnswer,
): Map<string, Row | null> {
  return new Map(
    keys.map((text, at) => [
      text,
      table.rows.ofAnswer(Buffer.from(text, 'latin1'), answer.rows[at] ?? null, answer, partition),
    ]),
  );
}

function hasPositions(min: PositionVector | undefined): boolean {
  return min !== undefined && Object.keys(min).length > 0;
}
