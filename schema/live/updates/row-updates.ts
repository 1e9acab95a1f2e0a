import { tableTooLarge } from '../graphql/api-error.ts';
import { rowId } from '../tables/row-id.ts';
import type { RowTable } from '../tables/row-table.ts';
import type { Row, RowName, StartRange } from '../tables/row.ts';
import { newestShownMs, shownRange } from '../tables/shown-windows.ts';
import { CompletenessWatch } from './completeness-watch.ts';
import type { UpdateSource } from './conflating-iterator.ts';
import type { CursorContent } from './cursor.ts';
import { CursorResume, type ReadPositions } from './cursor-resume.ts';
import { largeSnapshotsOf } from './large-snapshots.ts';
import type { RowModel } from './row-model.ts';
import { decodeTableCursor, tableCursor } from './table-cursor.ts';
import type { RowSelection } from './row-selection.ts';

/** An update has at most so many rows: a larger snapshot comes in parts. */
const MOST_ROWS = 10_000;

export type UpdateKind = 'SNAPSHOT' | 'DELTA';

/** What an update says, before it is given a form. */
export interface RowsUpdate {
  readonly kind: UpdateKind;
  readonly cursor: string;
  readonly rows: readonly Row[];
  readonly removed: readonly string[];
  readonly more: boolean;
}

export interface RowUpdatesOptions<Update> {
  readonly model: RowModel;
  readonly selection: RowSelection;
  /** What makes this selection differ from others, rights of the viewer included: equal ones share their updates. */
  readonly subject: string;
  /** The cursor that the subscriber gave. */
  readonly after: string | null | undefined;
  readonly readPositions: () => ReadPositions;
  readonly make: (update: RowsUpdate) => Update;
}

interface Sent {
  readonly version: number;
  readonly epoch: number;
  readonly newestMs: number | null;
  readonly windows: StartRange;
  /** Of a bounded selection: the rows that the subscriber has; null for others. */
  readonly rows: readonly Row[] | null;
}

/** A snapshot of which not all has been sent. */
interface Parts {
  readonly rows: readonly Row[];
  readonly cursor: string;
  readonly partialCursor: string;
  readonly at: number;
}

/** What was in sight and is not: `past` of each row that changed, as it was when the subscriber last heard of it. */
interface Difference {
  readonly rows: readonly Row[];
  readonly removed: readonly string[];
}

/**
 * One subscriber's view of a table: a snapshot first, or what changed since its cursor; then what changed. A change
 * costs its own rows, whatever the size of the table; equal subscriptions share what one of them has made.
 */
export class RowUpdates<Update> implements UpdateSource<Update> {
  readonly #options: RowUpdatesOptions<Update>;
  readonly #table: RowTable;
  readonly #resume: CursorResume;
  readonly #completeness: CompletenessWatch;
  #sent: Sent | null = null;
  #parts: Parts | null = null;

  constructor(options: RowUpdatesOptions<Update>) {
    const { model, selection, after, readPositions } = options;
    this.#options = options;
    this.#table = selection.table;
    this.#completeness = new CompletenessWatch(model);
    const cursor = after == null ? null : decodeTableCursor(after, model.applicationId, selection.table.declared);
    // A part of a snapshot is no state: it begins anew.
    this.#resume = new CursorResume(cursor?.isPart === true ? null : cursor, this.#table.positions, readPositions);
  }

  readonly ready = (): boolean => this.#resume.ready();

  get readyByMs(): number {
    return this.#resume.readyByMs;
  }

  readonly hasMore = (): boolean => this.#parts !== null;

  /** @throws GraphQLError TABLE_TOO_LARGE once there is no copy of the table any more: it must not look empty. */
  nextUpdate(): Update | null {
    const { isTooLarge, declared } = this.#table;
    if (isTooLarge) throw tableTooLarge(declared.name, declared.maxRows);
    if (this.#parts !== null) return this.#nextPart(this.#parts);
    const update = this.#sent === null ? this.#first() : this.#since(this.#sent);
    if (update !== null) this.#completeness.updated();
    return update;
  }

  #first(): Update {
    const cursor = this.#resume.reached();
    const difference = cursor === null ? null : this.#differenceTo(cursor);
    if (difference === null) return this.#snapshot();
    this.#remember();
    return this.#options.make({ kind: 'DELTA', cursor: this.#cursor(), ...difference, more: false });
  }

  #since(sent: Sent): Update | null {
    const { epoch, version } = this.#table;
    const newestMs = this.#newestMs();
    const mustSend = this.#completeness.changed();
    if (epoch === sent.epoch && version === sent.version && newestMs === sent.newestMs && !mustSend) return null;
    const since = `${sent.version} ${sent.epoch} ${sent.newestMs} to ${newestMs} ${mustSend}`;
    const { update, now } = this.#options.model.shared(`${this.#options.subject} since ${since}`, () => {
      const made = epoch === sent.epoch ? this.#differenceSince(sent, newestMs) : null;
      if (made === null) return { update: 'snapshot' as const, now: null };
      const isNews = made.difference.rows.length > 0 || made.difference.removed.length > 0 || mustSend;
      const update = isNews
        ? this.#options.make({ kind: 'DELTA', cursor: this.#cursor(), ...made.difference, more: false })
        : null;
      return { update, now: made.now };
    });
    if (update === 'snapshot' || now === null) return this.#snapshot();
    this.#sent = now;
    return update;
  }

  #newestMs(): number | null {
    return newestShownMs(this.#table, this.#options.model.now());
  }

  #differenceSince(sent: Sent, newestMs: number | null): { difference: Difference; now: Sent } | null {
    const { selection } = this.#options;
    const past = this.#table.changedAfter(sent.version);
    if (past === null || isTooMuch(past.size, this.#table)) return null;
    const { version, epoch } = this.#table;
    const windows = shownRange(this.#table, newestMs, selection.last);
    const now: Sent = { version, epoch, newestMs, windows, rows: sent.rows };
    if (sent.rows === null) return { difference: this.#changed(past, sent.windows, windows), now };
    if (!this.#mayHaveMoved(past, sent, windows)) return { difference: NO_DIFFERENCE, now };
    const rows = selection.rows(windows);
    return { difference: this.#replaced(sent.rows, rows), now: { ...now, rows } };
  }

  /** What changed since a cursor; null where that cannot be known of every row. */
  #differenceTo(cursor: CursorContent): Difference | null {
    const { selection, model } = this.#options;
    if (!this.#table.canResume(cursor)) return null;
    const past = this.#table.changedSince(cursor.positions);
    if (past === null || isTooMuch(past.size, this.#table)) return null;
    const before = shownRange(this.#table, cursor.newestStartMs, selection.last);
    const windows = shownRange(this.#table, newestShownMs(this.#table, model.now()), selection.last);
    const known = new Map<RowName, Row | null>();
    for (const [name, was] of past) {
      if (was !== 'unknown') known.set(name, was);
      // Whether the client has a row that is in sight matters to nobody: it is sent as it is now.
      else if (selection.isBounded || !this.#isInSight(name, windows)) return null;
    }
    if (selection.isBounded) return this.#replaced(selection.rows(before, known), selection.rows(windows));
    return this.#changed(past, before, windows);
  }

  #isInSight(name: RowName, windows: StartRange): boolean {
    const row = this.#table.get(name);
    return row !== undefined && this.#options.selection.takes(row, windows);
  }

  /** Of changed rows and of windows that came into sight or left it. */
  #changed(past: ReadonlyMap<RowName, Row | null | 'unknown'>, before: StartRange, now: StartRange): Difference {
    const { selection } = this.#options;
    const rows: Row[] = [];
    const removed: string[] = [];
    const look = (was: Row | null | 'unknown', is: Row | undefined): void => {
      if (is !== undefined && selection.takes(is, now)) rows.push(is);
      else if (was !== null && was !== 'unknown' && selection.takes(was, before)) removed.push(this.#id(was));
    };
    for (const [name, was] of past) look(was, this.#table.get(name));
    for (const row of selection.moved(before, now)) if (!past.has(row.name)) look(row, row);
    return { rows: rows.sort(this.#table.indexes.byKey.compare), removed };
  }

  /** Whether a bounded selection can have other rows than those that were sent. */
  #mayHaveMoved(past: ReadonlyMap<RowName, Row | null>, sent: Sent, windows: StartRange): boolean {
    if (sent.windows.fromMs !== windows.fromMs || sent.windows.toMs !== windows.toMs) return true;
    const had = new Set(sent.rows?.map(({ name }) => name));
    const { selection } = this.#options;
    for (const [name, was] of past) {
      if (had.has(name) || this.#isInSight(name, windows)) return true;
      if (selection.isBoundedTwice && was !== null && selection.takes(was, windows)) return true;
    }
    return false;
  }

  #replaced(before: readonly Row[], now: readonly Row[]): Difference {
    const had = new Map(before.map((row) => [row.name, row]));
    const has = new Set(now.map(({ name }) => name));
    return {
      rows: now.filter((row) => had.get(row.name) !== row),
      removed: before.filter(({ name }) => !has.has(name)).map((row) => this.#id(row)),
    };
  }

  #snapshot(): Update {
    const { model, subject, make } = this.#options;
    const { rows, update } = model.shared(`${subject} whole`, () => {
      const all = this.#options.selection.rows(this.#windows());
      const isWhole = all.length <= MOST_ROWS;
      const whole = { kind: 'SNAPSHOT' as const, removed: [] };
      return {
        rows: all,
        update: isWhole
          ? make({ ...whole, cursor: this.#cursor(), rows: all, more: false })
          : make({ ...whole, cursor: this.#cursor(true), rows: all.slice(0, MOST_ROWS), more: true }),
      };
    });
    const isInParts = rows.length > MOST_ROWS;
    if (isInParts) largeSnapshotsOf(model).hold(rows);
    this.#remember(rows);
    this.#parts = isInParts ? { rows, cursor: this.#cursor(), partialCursor: this.#cursor(true), at: MOST_ROWS } : null;
    return update;
  }

  /** The next part of a snapshot, as all of it was when its first part was sent. */
  #nextPart({ rows, cursor, partialCursor, at }: Parts): Update {
    const { model, subject, make } = this.#options;
    const end = at + MOST_ROWS;
    const isLast = end >= rows.length;
    this.#parts = isLast ? null : { rows, cursor, partialCursor, at: end };
    if (isLast) largeSnapshotsOf(model).release(rows);
    return model.shared(`${subject} part ${at} of ${cursor}`, () =>
      make({
        kind: 'SNAPSHOT',
        cursor: isLast ? cursor : partialCursor,
        rows: rows.slice(at, end),
        removed: [],
        more: !isLast,
      }),
    );
  }

  /** Nobody asks for updates any more. */
  close(): void {
    if (this.#parts !== null) largeSnapshotsOf(this.#options.model).release(this.#parts.rows);
    this.#parts = null;
  }

  #windows(): StartRange {
    return shownRange(this.#table, this.#newestMs(), this.#options.selection.last);
  }

  /** `known`: the rows that are selected now, where they are known. */
  #remember(known?: readonly Row[]): void {
    const { selection } = this.#options;
    const { version, epoch } = this.#table;
    const newestMs = this.#newestMs();
    const windows = this.#windows();
    const rows = selection.isBounded ? (known ?? selection.rows(windows)) : null;
    this.#sent = { version, epoch, newestMs, windows, rows };
  }

  #id(row: Row): string {
    return rowId(this.#table.declared, row);
  }

  #cursor(isPart = false): string {
    return tableCursor(this.#options.model, this.#table, isPart);
  }
}

const NO_DIFFERENCE: Difference = Object.freeze({ rows: [], removed: [] });

/** Whether so many changes are more than all rows are worth. */
function isTooMuch(changes: number, table: RowTable): boolean {
  return changes > MOST_ROWS && changes > table.size / 2;
}
