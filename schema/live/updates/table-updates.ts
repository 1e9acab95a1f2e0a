import type { AppliedPositions } from '../tables/applied-positions.ts';
import type { AnyLiveModel } from '../tables/live-model.ts';
import type { RowOrigin } from '../tables/live-table.ts';
import { CompletenessWatch } from './completeness-watch.ts';
import type { UpdateSource } from './conflating-iterator.ts';
import { changedSince, decodeCursor, encodeCursor } from './cursor.ts';
import { CursorResume, type ReadPositions } from './cursor-resume.ts';

export type UpdateKind = 'SNAPSHOT' | 'DELTA';

/** A table as far as its updates need it: `Key` may be some of its keys. */
export interface UpdatedTable<Key extends string, Row extends RowOrigin> {
  readonly positions: AppliedPositions;
  readonly version: number;
  readonly epoch: number;
  get(key: Key): Row | undefined;
  rows(): Iterable<readonly [key: string, row: Row]>;
}

export interface TableUpdatesOptions<Key extends string, Row extends RowOrigin, Update> {
  readonly model: AnyLiveModel;
  readonly table: UpdatedTable<Key, Row>;
  /** The next offset to read of each partition of the table's topic, as of now. */
  readonly readPositions: () => ReadPositions;
  /** The subscription and its arguments: what makes its updates differ from those of another one. */
  readonly subject: string;
  /** The cursor that the subscriber gave. */
  readonly after: string | null | undefined;
  /** What a snapshot holds, in the order of every update. */
  readonly keys: readonly Key[];
  /** An update of the rows of `keys`, as they are now. */
  readonly make: (kind: UpdateKind, cursor: string, keys: readonly Key[]) => Update;
}

/** One subscriber's view of a table: a snapshot first, or what changed since its cursor; then what changed. */
export class TableUpdates<Key extends string, Row extends RowOrigin, Update> implements UpdateSource<Update> {
  readonly #options: TableUpdatesOptions<Key, Row, Update>;
  readonly #resume: CursorResume;
  readonly #completeness: CompletenessWatch;
  #sent: { readonly version: number; readonly epoch: number } | null = null;

  constructor(options: TableUpdatesOptions<Key, Row, Update>) {
    const { model, table, readPositions, subject, after } = options;
    this.#options = options;
    this.#completeness = new CompletenessWatch(model);
    const cursor = after == null ? null : decodeCursor(after, model.applicationId, subject);
    this.#resume = new CursorResume(cursor, table.positions, readPositions);
  }

  readonly ready = (): boolean => this.#resume.ready();

  get readyByMs(): number {
    return this.#resume.readyByMs;
  }

  nextUpdate(): Update | null {
    const sent = this.#sent;
    const update = sent === null ? this.#first() : this.#since(sent);
    if (update === null) return null;
    const { version, epoch } = this.#options.table;
    this.#sent = { version, epoch };
    this.#completeness.updated();
    return update;
  }

  #first(): Update {
    const cursor = this.#resume.resumable([...this.#options.table.rows()].map(([, row]) => row));
    if (cursor === null) return this.#snapshot();
    return this.#update(
      'DELTA',
      this.#keys((row) => changedSince(cursor, row)),
    );
  }

  #since(sent: { readonly version: number; readonly epoch: number }): Update | null {
    const { model, table, subject } = this.#options;
    if (table.epoch !== sent.epoch) return this.#snapshot();
    if (table.version === sent.version && !this.#completeness.changed()) return null;
    return model.shared(`${subject} since ${sent.version}`, () =>
      this.#update(
        'DELTA',
        this.#keys((row) => row.version > sent.version),
      ),
    );
  }

  #snapshot(): Update {
    const { model, subject, keys } = this.#options;
    return model.shared(subject, () => this.#update('SNAPSHOT', keys));
  }

  #keys(isChanged: (row: Row) => boolean): Key[] {
    const { keys, table } = this.#options;
    return keys.filter((key) => {
      const row = table.get(key);
      return row !== undefined && isChanged(row);
    });
  }

  #update(kind: UpdateKind, keys: readonly Key[]): Update {
    const { model, table, subject, make } = this.#options;
    const cursor = encodeCursor({
      applicationId: model.applicationId,
      subject,
      positions: table.positions.vector(),
      newestWrittenAtMs: table.positions.newestWrittenAtMs,
      newestStartMs: null,
    });
    return make(kind, cursor, keys);
  }
}
