import type { Row, RowName } from './row.ts';
import { byOffset, RowIndex } from './row-index.ts';

/** One change of one row. */
export interface RowChange {
  readonly name: RowName;
  readonly offset: number;
  readonly version: number;
  /** The row before it; null where there was none here. */
  readonly before: Row | null;
}

/** What a row was at some place in the past. `unknown`: nothing here can tell. */
export type PastRow = Row | null | 'unknown';

interface Removal {
  readonly name: RowName;
  readonly offset: number;
}

/** So many changes are kept with what was before them, and as many removals beyond them. */
const KEPT = 8_192;

/**
 * What has changed in one partition, in the order of its topic. The newest thousands of changes are kept with what was
 * before them; of older ones it is known which rows and removals came after an offset. So an update is made of what has
 * changed, without a look at any other row.
 */
export class RowLog {
  readonly #changes: RowChange[] = [];
  /** From this offset on, and after this version, no change is missing. */
  #wholeFrom = 0;
  #wholeFromVersion = 0;
  readonly #rows = new RowIndex<Pick<Row, 'offset'>>(byOffset);
  readonly #removals: Removal[] = [];
  #removalsFrom = 0;
  /** Changes before it were read as the copy was made: what was before them may have been compacted away. */
  #copiedUntil = Number.POSITIVE_INFINITY;
  readonly #isOfVersions: boolean;

  /** `isOfVersions`: of a versioned store: the row before a change has another key in the topic. */
  constructor(isOfVersions: boolean) {
    this.#isOfVersions = isOfVersions;
  }

  /** The copy has been made, of all that is before `offset`. */
  copied(offset: number): void {
    if (this.#copiedUntil === Number.POSITIVE_INFINITY) this.#copiedUntil = offset;
  }

  /** `after`: the row as this change has made it; null: it was removed. */
  add(change: RowChange, after: Row | null): void {
    const { name, offset, before } = change;
    if (before !== null) this.#rows.delete(before);
    if (after !== null) this.#rows.add(after);
    else {
      this.#removals.push({ name, offset });
      if (this.#removals.length >= 2 * KEPT)
        this.#removalsFrom = (this.#removals.splice(0, KEPT).at(-1)?.offset ?? 0) + 1;
    }
    if (before === null && this.#copiedUntil === Number.POSITIVE_INFINITY) {
      // While the copy is made, what was before the first record of a row is not known: nothing is lost with it.
      this.#wholeFrom = offset + 1;
      this.#wholeFromVersion = change.version;
      return;
    }
    this.#changes.push(change);
    if (this.#changes.length < 2 * KEPT) return;
    const dropped = this.#changes.splice(0, KEPT).at(-1) ?? change;
    this.#wholeFrom = dropped.offset + 1;
    this.#wholeFromVersion = dropped.version;
  }

  /** Changes of later batches than `version`, in their order; null where some are missing. */
  after(version: number): Iterable<RowChange> | null {
    if (version < this.#wholeFromVersion) return null;
    return from(
      this.#changes,
      lowerBound(this.#changes, (change) => change.version > version),
    );
  }

  /**
   * The name of each row that was changed or removed from `offset` on, with what it was at `offset`; null where a
   * removal may be missing. A name may come more than once: then the first one counts.
   */
  *since(offset: number): Generator<readonly [name: RowName, past: PastRow]> {
    const first = lowerBound(this.#changes, (change) => change.offset >= offset);
    for (const change of from(this.#changes, first)) yield [change.name, this.#pastOf(change, offset)];
    if (offset >= this.#wholeFrom) return;
    yield* this.#rowsFrom(offset).map(({ name }) => [name, 'unknown'] as const);
    const firstRemoval = lowerBound(this.#removals, (removal) => removal.offset >= offset);
    for (const { name } of from(this.#removals, firstRemoval)) yield [name, 'unknown'];
  }

  /** Whether `since` names each removal. */
  knowsRemovalsSince(offset: number): boolean {
    return offset >= this.#removalsFrom;
  }

  #pastOf({ before, offset: changedAt }: RowChange, offset: number): PastRow {
    // Compaction takes a version that was written again, and leaves an older one that was over at `offset`.
    if (this.#isOfVersions && changedAt < this.#copiedUntil) return 'unknown';
    if (before !== null) return before.offset < offset ? before : 'unknown';
    return offset >= this.#wholeFrom && changedAt >= this.#copiedUntil ? null : 'unknown';
  }

  #rowsFrom(offset: number): Row[] {
    const rows: Row[] = [];
    this.#rows.walk({ offset }, (row) => rows.push(row) > 0);
    return rows;
  }

  /** The Kafka timestamp of the last record before `offset` that has left a row here; 0 where there is none. */
  timestampBefore(offset: number): number {
    return this.#rows.lastUntil({ offset: offset - 1 })?.timestampMs ?? 0;
  }
}

function* from<T>(all: readonly T[], start: number): Generator<T> {
  for (let at = start; at < all.length; at++) yield all[at] as T;
}

/** The first place at which `test` holds; it holds for all that come after. */
function lowerBound<T>(all: readonly T[], test: (one: T) => boolean): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(all[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
