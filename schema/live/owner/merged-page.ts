import type { OrderAnswer, OrderRead, RangeAnswer, RangeRead } from '@tributary/streams/operations';
import { badUserInput } from '../graphql/api-error.ts';
import type { PositionVector } from '../tables/applied-positions.ts';
import type { KeyTextRange } from '../tables/key-range.ts';
import type { RowTest } from '../tables/row-filter.ts';
import { byField, byKey, byKeyDescending, type RowOrderFunction } from '../tables/row-index.ts';
import type { Row, RowPlace } from '../tables/row.ts';
import { sortTypeOf, sortValueOf } from '../tables/sort-values.ts';
import type { PlainField } from '../types/type-model.ts';
import { isEmpty, keyBounds } from './key-bounds.ts';
import type { AskOptions, OwnerTable } from './owner-table.ts';

export interface MergedPageRequest extends AskOptions {
  readonly first: number;
  /** The place behind which the page begins. */
  readonly after: RowPlace | null;
  readonly range: KeyTextRange | null;
  /** By which the rows are ordered; null: the key. */
  readonly field: PlainField | null;
  readonly direction: 'ASC' | 'DESC';
  /** What filter and rights say of a row; null: they take all. */
  readonly test: RowTest | null;
  /** The argument that an error names where too many rows would have to be looked at. */
  readonly filteredBy: 'filter' | 'keys';
}

export interface MergedPage {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
  /** The last row that was looked at where the page ends before its end; else null. */
  readonly endedAt: RowPlace | null;
  readonly positions: PositionVector;
  /** Partitions that did not answer. */
  readonly partial: readonly number[];
  readonly stale: boolean;
}

/** So many rows are looked at for one page, over all partitions; a filter that takes few of them is refused. */
export const MOST_LOOKED_AT = 20_000;
/** An answer has no more rows. */
const MOST_ROWS_OF_AN_ANSWER = 1_000;

type Answer = RangeAnswer | OrderAnswer;

/** What has come of one partition, and what of it has not been looked at yet. */
interface Part {
  readonly partition: number;
  from: string | undefined;
  to: string | undefined;
  /** In the order of a field: where its owner goes on. */
  next: string | undefined;
  rows: readonly Row[];
  at: number;
  taken: number;
  isDone: boolean;
  position: number;
}

/**
 * Rows in order, of all partitions, each at one position: a page ends early, before its `first`, rather than go on in a
 * partition whose rows have changed meanwhile.
 * @throws GraphQLError NOT_READY where no partition answers; BAD_USER_INPUT where too many rows would be looked at.
 */
export async function mergedPage(table: OwnerTable, request: MergedPageRequest): Promise<MergedPage> {
  return new PageMerge(table, request).run();
}

class PageMerge {
  readonly #table: OwnerTable;
  readonly #request: MergedPageRequest;
  readonly #limit: number;
  readonly #isReverse: boolean;
  #parts: Part[] = [];
  #partial: readonly number[] = [];
  #stale = false;
  #looked = 0;
  readonly #rows: Row[] = [];
  readonly #compare: RowOrderFunction;
  #endedAt: Row | null = null;
  #last: Row | null = null;

  constructor(table: OwnerTable, request: MergedPageRequest) {
    this.#table = table;
    this.#request = request;
    const { first, test, field, direction } = request;
    this.#isReverse = direction === 'DESC';
    this.#compare = field !== null ? byField(field, direction) : this.#isReverse ? byKeyDescending : byKey;
    const share = Math.floor(MOST_LOOKED_AT / Math.max(1, table.partitions.length));
    this.#limit = test === null ? first + 1 : Math.min(MOST_ROWS_OF_AN_ANSWER, Math.max(first + 1, share));
  }

  async run(): Promise<MergedPage> {
    const { first, after, range, field } = this.#request;
    // In the order of a field the keys behind the place may be any.
    const bounds = keyBounds(range, field === null ? (after?.keyText ?? null) : null, this.#isReverse);
    const isDone = isEmpty(bounds);
    this.#parts = this.#table.partitions.map((partition) => ({
      ...{ partition, ...bounds, next: undefined, rows: [], at: 0, taken: 0, isDone, position: 0 },
    }));
    await this.#begin();
    while (!this.#merge() && (await this.#refill()));
    const rows = this.#rows.slice(0, first);
    return {
      rows,
      hasNextPage: this.#rows.length > first || this.#endedAt !== null,
      endedAt: this.#rows.length > first ? null : this.#endedAt,
      positions: Object.fromEntries(this.#parts.map(({ partition, position }) => [partition, position])),
      partial: this.#partial,
      stale: this.#stale,
    };
  }

  async #begin(): Promise<void> {
    // A range without keys is asked for too: what it holds nothing of is of some position.
    const answers = await this.#ask(this.#parts);
    this.#partial = this.#parts.flatMap(({ partition }) => (answers.get(partition) == null ? [partition] : []));
    if (this.#partial.length === this.#parts.length) throw this.#table.away(this.#partial, this.#request);
    this.#parts = this.#parts.filter(({ partition }) => !this.#partial.includes(partition));
    for (const part of this.#parts) this.#take(part, answers.get(part.partition) as Answer);
  }

  #ask(parts: readonly Part[]): Promise<Map<number, Answer | null>> {
    const { field } = this.#request;
    if (field !== null)
      return this.#table.askOrders(
        new Map(parts.map((part) => [part.partition, this.#orderRead(part, field)])),
        this.#request,
      );
    const reads = parts.map((part): [number, RangeRead] => [
      part.partition,
      { kind: 'range', ...bytesOf(part), ...(this.#isReverse ? { reverse: true } : {}), limit: this.#limit },
    ]);
    return this.#table.askRanges(new Map(reads), this.#request);
  }

  #orderRead(part: Part, field: PlainField): OrderRead {
    const { after } = this.#request;
    const place = after === null ? undefined : orderPlace(field, after);
    return {
      ...{ kind: 'order', field: field.name, type: orderTypeOf(field), descending: this.#isReverse },
      ...bytesOf(part),
      ...(part.next !== undefined ? { at: part.next } : place !== undefined ? { after: place } : {}),
      limit: this.#limit,
    };
  }

  #take(part: Part, answer: Answer): void {
    const { rows, position, stale } = answer;
    const { partition } = part;
    part.rows = rows.flatMap(([key, value]) => this.#table.rows.ofAnswer(key, value, answer, partition) ?? []);
    part.at = 0;
    part.position = position;
    part.isDone = answer.next === undefined;
    if (answer.kind === 'order') part.next = answer.next;
    else if (answer.next !== undefined)
      part[this.#isReverse ? 'to' : 'from'] = Buffer.from(answer.next).toString('latin1');
    this.#stale ||= stale;
    this.#looked += rows.length;
  }

  /** True when the page is whole; false where rows of a partition must come first. */
  #merge(): boolean {
    const { first, test } = this.#request;
    while (this.#rows.length <= first) {
      let least: Part | null = null;
      for (const part of this.#parts) {
        const row = part.rows[part.at];
        if (row === undefined) {
          if (part.isDone) continue;
          return false;
        }
        if (least === null || this.#compare(row, least.rows[least.at] as Row) < 0) least = part;
      }
      if (least === null) return true;
      const row = least.rows[least.at] as Row;
      least.at += 1;
      least.taken += 1;
      this.#last = row;
      if (test === null || test(row)) this.#rows.push(row);
    }
    return true;
  }

  /** False where the page ends here: a partition does not answer any more, or its rows have changed. */
  async #refill(): Promise<boolean> {
    const { filteredBy } = this.#request;
    if (this.#looked >= MOST_LOOKED_AT)
      throw badUserInput(
        filteredBy,
        `would have more than ${MOST_LOOKED_AT} rows of ${this.#table.declared.name} looked at for one page. ` +
          'Ask for a range of keys, by "keys", that has fewer.',
      );
    const empty = this.#parts.filter(({ rows, at, isDone }) => !isDone && rows[at] === undefined);
    const answers = await this.#ask(empty);
    for (const part of empty) {
      const answer = answers.get(part.partition) ?? null;
      if (answer === null || (answer.position !== part.position && part.taken > 0)) {
        this.#endedAt = this.#last;
        return false;
      }
    }
    for (const part of empty) this.#take(part, answers.get(part.partition) as Answer);
    return true;
  }
}

/** Bounds of keys as owners are asked; those between which no key can be ask for nothing. */
function bytesOf({ from, to, isDone }: Part): Pick<RangeRead, 'from' | 'to'> {
  return {
    ...(from === undefined ? {} : { from: Buffer.from(from, 'latin1') }),
    ...(to === undefined ? {} : { to: Buffer.from(isDone ? (from ?? '') : to, 'latin1') }),
  };
}

function orderPlace(field: PlainField, { keyText, value }: RowPlace): NonNullable<OrderRead['after']> {
  return { value: sortValueOf(field, value[field.name]), key: Buffer.from(keyText, 'latin1') };
}

/** As what an owner compares the values of a field: as `byField` does. */
function orderTypeOf(field: PlainField): OrderRead['type'] {
  if (field.type.kind === 'scalar' && field.type.name === 'DateTime') return 'instant';
  const type = sortTypeOf(field);
  return type === 'string' ? 'text' : type;
}
