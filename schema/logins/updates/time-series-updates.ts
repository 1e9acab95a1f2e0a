import {
  CompletenessWatch,
  CursorResume,
  decodeCursor,
  encodeCursor,
  freshness,
  type UpdateSource,
} from '@tributary/graphql';
import {
  defaultEndMs,
  newestBetween,
  newestShownMs,
  pointOf,
  seriesPoints,
  type StateFilter,
  windowsOf,
} from '../results/time-series-result.ts';
import type { Resolution, TimeSeriesPoint, TimeSeriesUpdate } from '../generated/resolver-types.ts';
import type { CountWindows } from '../rows/count-windows.ts';
import type { LoginModel } from '../rows/login-model.ts';

export interface TimeSeriesSubject {
  readonly resolution: Resolution;
  readonly windows: number;
  readonly filter: StateFilter;
}

interface Sent {
  readonly version: number;
  readonly epoch: number;
  /** The newest window that was sent without a change; windows ahead of the clock are sent when they change. */
  readonly newestStartMs: number | null;
  readonly countedFromMs: number;
}

/** One subscriber's view of a series: its newest windows first, or what changed since its cursor; then what changed. */
export class TimeSeriesUpdates implements UpdateSource<TimeSeriesUpdate> {
  readonly #model: LoginModel;
  readonly #rows: CountWindows;
  readonly #rowTable: CountWindows['rowTable'];
  readonly #wanted: TimeSeriesSubject;
  readonly #subject: string;
  readonly #resume: CursorResume;
  readonly #completeness: CompletenessWatch;
  #sent: Sent | null = null;

  constructor(model: LoginModel, wanted: TimeSeriesSubject, after: string | null | undefined) {
    this.#model = model;
    this.#rows = windowsOf(model, wanted.resolution);
    this.#rowTable = this.#rows.rowTable;
    this.#wanted = wanted;
    this.#subject = `timeSeries ${wanted.resolution} ${wanted.windows} ${wanted.filter?.join(',') ?? '*'}`;
    this.#completeness = new CompletenessWatch(model);
    const table = wanted.resolution === 'HOUR' ? 'hours' : 'minutes';
    const decoded = after == null ? null : decodeCursor(after, model.applicationId, this.#subject);
    // A cursor holds the start of a window: one whose time is no such start was not made by this API.
    const cursor = (decoded?.newestStartMs ?? 0) % this.#rows.sizeMs === 0 ? decoded : null;
    this.#resume = new CursorResume(cursor, this.#rowTable.positions, () => model.readPositions(table));
  }

  readonly ready = (): boolean => this.#resume.ready();

  get readyByMs(): number {
    return this.#resume.readyByMs;
  }

  nextUpdate(): TimeSeriesUpdate | null {
    const update = this.#sent === null ? this.#first() : this.#since(this.#sent);
    if (update === null) return null;
    const { version, epoch } = this.#rowTable;
    const { countedFromMs } = this.#rows;
    this.#sent = { version, epoch, newestStartMs: this.#newestShownMs, countedFromMs };
    this.#completeness.updated();
    return update;
  }

  #first(): TimeSeriesUpdate {
    const points = this.#pointsSinceCursor();
    return points === null ? this.#snapshot() : this.#update('DELTA', points);
  }

  #since(sent: Sent): TimeSeriesUpdate | null {
    const mustSend = this.#completeness.changed();
    return this.#model.shared(
      `${this.#subject} since ${sent.version} ${sent.epoch} ${sent.newestStartMs} ${mustSend} to ` +
        `${this.#newestShownMs}`,
      () => {
        const points = this.#pointsSince(sent);
        if (points === null) return this.#snapshot();
        return points.length === 0 && !mustSend ? null : this.#update('DELTA', points);
      },
    );
  }

  #pointsSince(sent: Sent): TimeSeriesPoint[] | null {
    const { epoch, version } = this.#rowTable;
    const newestMs = this.#newestShownMs;
    // Before the first login the range followed the clock, and the client's points are of another range.
    if (epoch !== sent.epoch || (sent.newestStartMs === null && newestMs !== null)) return null;
    if (version === sent.version && newestMs === sent.newestStartMs) return [];
    const changed = this.#rows.changedAfter(sent.version, sent.countedFromMs, this.#wanted.filter);
    return changed === null ? null : this.#points(changed, sent.newestStartMs);
  }

  #pointsSinceCursor(): TimeSeriesPoint[] | null {
    const cursor = this.#resume.reached();
    if (cursor === null || cursor.newestStartMs === null || !this.#rowTable.isOfThisTopic(cursor)) return null;
    const changed = this.#rows.changedSince(cursor.positions, this.#wanted.filter);
    if (changed === null) return null;
    // A window whose rows are gone from the topic has left no row here that shows it.
    for (const startMs of this.#rows.expiredSince(cursor.newestStartMs)) changed.add(startMs);
    return this.#points(changed, cursor.newestStartMs);
  }

  /**
   * Changed windows, however old, and every window that is new since `knownNewestMs`, empty ones too; ascending.
   * `starts`: of those that changed.
   */
  #points(starts: Set<number>, knownNewestMs: number | null): TimeSeriesPoint[] {
    const { filter, windows } = this.#wanted;
    const { sizeMs } = this.#rows;
    const newestMs = this.#newestShownMs;
    if (newestMs !== null && knownNewestMs !== null) {
      const firstNewMs = Math.max(knownNewestMs + sizeMs, newestMs - (windows - 1) * sizeMs);
      for (let startMs = firstNewMs; startMs <= newestMs; startMs += sizeMs) starts.add(startMs);
    }
    return [...starts].sort((a, b) => a - b).map((startMs) => pointOf(startMs, this.#rows.get(startMs), filter));
  }

  #snapshot(): TimeSeriesUpdate {
    const { filter, windows } = this.#wanted;
    const toMs = defaultEndMs(this.#model, this.#rows);
    return this.#model.shared(`${this.#subject} to ${toMs}`, () =>
      this.#update('SNAPSHOT', seriesPoints(this.#rows, toMs - windows * this.#rows.sizeMs, toMs, filter)),
    );
  }

  get #newestShownMs(): number | null {
    return newestShownMs(this.#model, this.#rows);
  }

  #update(kind: TimeSeriesUpdate['kind'], points: TimeSeriesPoint[]): TimeSeriesUpdate {
    const { positions } = this.#rowTable;
    const cursor = encodeCursor({
      applicationId: this.#model.applicationId,
      subject: this.#subject,
      positions: positions.vector(),
      newestWrittenAtMs: positions.newestWrittenAtMs,
      newestStartMs: this.#newestShownMs,
    });
    const { resolution, windows, filter } = this.#wanted;
    // Of the whole series, not of this delta: a late window must not make the series look older than it is.
    const toMs = defaultEndMs(this.#model, this.#rows);
    const newestEventMs = newestBetween(this.#rows, toMs - windows * this.#rows.sizeMs, toMs, filter);
    return { kind, cursor, resolution, points, freshness: freshness(this.#model, newestEventMs) };
  }
}
