import type { TimeReport } from '../topology/repartition-record.ts';
import { isStoredTime } from '../topology/stored-value.ts';

/**
 * What is kept of the sources' reports, in a row of the runtime's own (store/runtime-rows.ts): it is recovered like any
 * other state.
 */
export interface StoredWatermark {
  readonly watermarkMs: number;
  readonly sources: Readonly<Record<string, { readonly watermarkMs: number; readonly caughtUp: boolean }>>;
}

/** The row as it has always been written: JSON, whose times are named `streamTimeMs`. */
interface Row {
  readonly streamTimeMs: number;
  readonly sources: Readonly<Record<string, { readonly streamTimeMs: number; readonly caughtUp: boolean }>>;
}

export function encodeWatermark({ watermarkMs, sources }: StoredWatermark): Buffer {
  const row: Row = {
    streamTimeMs: watermarkMs,
    sources: Object.fromEntries(
      Object.entries(sources).map(([id, source]) => [
        id,
        { streamTimeMs: source.watermarkMs, caughtUp: source.caughtUp },
      ]),
    ),
  };
  return Buffer.from(JSON.stringify(row), 'utf8');
}

/** undefined: the bytes are something else. */
export function decodeWatermark(bytes: Buffer): StoredWatermark | undefined {
  try {
    const { streamTimeMs, sources } = JSON.parse(bytes.toString('utf8')) as { [field in keyof Row]?: unknown };
    if (!isStoredTime(streamTimeMs) || typeof sources !== 'object' || sources === null) return undefined;
    const entries = Object.entries(sources as Record<string, Partial<Row['sources'][string]> | null>);
    if (!entries.every(([, source]) => isStoredTime(source?.streamTimeMs))) return undefined;
    return {
      watermarkMs: streamTimeMs as number,
      sources: Object.fromEntries(
        entries.map(([id, source]) => [
          id,
          { watermarkMs: source?.streamTimeMs as number, caughtUp: source?.caughtUp as boolean },
        ]),
      ),
    };
  } catch {
    return undefined;
  }
}

/**
 * The watermark: the minimum over sources, so that nothing is late because another source ran ahead. It never goes
 * back.
 *
 *   a source is | when                                             | and the watermark
 *   unknown     | no report of it has arrived yet                  | stays as it is, whatever others report
 *   reading     | its last report says that there is more to read  | is at most the time of that report
 *   caught up   | its last report says that it has read all        | leaves it out; when all are, it is the newest
 *               |                                                  | of their times
 *   relaying    | it goes by reports, which reach all such sources | is at most the time of its last report: one that
 *               |                                                  | others have had may close its windows
 */
export class Watermark {
  readonly #expected: readonly string[];
  readonly #relaying: ReadonlySet<string>;
  #sources = new Map<string, { watermarkMs: number; caughtUp: boolean }>();
  #watermarkMs = -1;
  #changed = false;

  /** `expected`: the names of all sources. `relaying`: of those of them that go by reports themselves. */
  constructor(expected: readonly string[], relaying: readonly string[] = []) {
    this.#expected = expected;
    this.#relaying = new Set(relaying);
  }

  /** -1 before it is known. */
  get nowMs(): number {
    return this.#watermarkMs;
  }

  /** Every source has reported, and has nothing more to read. */
  get allCaughtUp(): boolean {
    return this.#expected.every((id) => this.#sources.get(id)?.caughtUp === true);
  }

  /** Applies a report. A source that was restarted begins below its own past; the past stands. */
  report({ source, watermarkMs, caughtUp }: TimeReport): void {
    const known = this.#sources.get(source);
    const next = { watermarkMs: Math.max(watermarkMs, known?.watermarkMs ?? -1), caughtUp };
    if (known !== undefined && known.watermarkMs === next.watermarkMs && known.caughtUp === caughtUp) return;
    this.#sources.set(source, next);
    this.#changed = true;
    this.#advance();
  }

  /** The row to store, when something changed since the last call. */
  takeChange(): StoredWatermark | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return { watermarkMs: this.#watermarkMs, sources: Object.fromEntries(this.#sources) };
  }

  /** Back to what is committed. */
  load(stored: StoredWatermark | undefined): void {
    this.#watermarkMs = stored?.watermarkMs ?? -1;
    this.#sources = new Map(Object.entries(stored?.sources ?? {}).map(([id, s]) => [id, { ...s }]));
    this.#changed = false;
  }

  /** Makes this source unknown again: the watermark waits for its next report. */
  forget(source: string): void {
    this.#sources.delete(source);
  }

  #advance(): void {
    let behind = Infinity;
    let newest = -1;
    for (const id of this.#expected) {
      const source = this.#sources.get(id);
      if (source === undefined) return;
      // mutant: relay
      if (!source.caughtUp || this.#relaying.has(id)) behind = Math.min(behind, source.watermarkMs);
      newest = Math.max(newest, source.watermarkMs);
    }
    // mutant: minimum
    this.#watermarkMs = Math.max(this.#watermarkMs, behind === Infinity ? newest : behind);
  }
}
