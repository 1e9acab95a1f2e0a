import type { TimeReport } from '../topology/repartition-record.ts';
import { isStoredTime } from '../topology/stored-value.ts';

/**
 * What is kept of the sources' reports, JSON in a row of the runtime's own (store/runtime-rows.ts): it is recovered
 * like any other state.
 */
export interface StreamTimeRecord {
  readonly streamTimeMs: number;
  readonly sources: Readonly<Record<string, { readonly streamTimeMs: number; readonly caughtUp: boolean }>>;
}

export function encodeStreamTime(record: StreamTimeRecord): Buffer {
  return Buffer.from(JSON.stringify(record), 'utf8');
}

/** undefined: the bytes are something else. */
export function decodeStreamTime(bytes: Buffer): StreamTimeRecord | undefined {
  try {
    const { streamTimeMs, sources } = JSON.parse(bytes.toString('utf8')) as Partial<StreamTimeRecord>;
    if (!isStoredTime(streamTimeMs) || typeof sources !== 'object' || sources === null) return undefined;
    return Object.values(sources).every((source: { streamTimeMs?: unknown } | null) =>
      isStoredTime(source?.streamTimeMs),
    )
      ? { streamTimeMs: streamTimeMs as number, sources }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Stream time of an aggregate: the minimum over its sources, so that nothing is late because another partition ran
 * ahead. A source is left out only when it has itself declared that it caught up; a source that has not been heard of
 * holds stream time back altogether. Stream time never goes back.
 */
export class StreamTime {
  readonly #expected: readonly string[];
  #sources = new Map<string, { streamTimeMs: number; caughtUp: boolean }>();
  #streamTimeMs = -1;
  #changed = false;

  /** `expected`: ids of all source tasks that feed the repartition topic. */
  constructor(expected: readonly string[]) {
    this.#expected = expected;
  }

  get nowMs(): number {
    return this.#streamTimeMs;
  }

  /** All sources have been heard of, and have nothing more to read. */
  get allCaughtUp(): boolean {
    return this.#expected.every((id) => this.#sources.get(id)?.caughtUp === true);
  }

  /** Takes a report. A source that was restarted begins below its own past; the past stands. */
  report({ source, streamTimeMs, caughtUp }: TimeReport): void {
    const known = this.#sources.get(source);
    const next = { streamTimeMs: Math.max(streamTimeMs, known?.streamTimeMs ?? -1), caughtUp };
    if (known !== undefined && known.streamTimeMs === next.streamTimeMs && known.caughtUp === caughtUp) return;
    this.#sources.set(source, next);
    this.#changed = true;
    this.#advance();
  }

  /** The record to store, when something changed since the last call. */
  takeChange(): StreamTimeRecord | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return { streamTimeMs: this.#streamTimeMs, sources: Object.fromEntries(this.#sources) };
  }

  /** Back to what is committed. */
  load(record: StreamTimeRecord | undefined): void {
    this.#streamTimeMs = record?.streamTimeMs ?? -1;
    this.#sources = new Map(Object.entries(record?.sources ?? {}).map(([id, s]) => [id, { ...s }]));
    this.#changed = false;
  }

  /** As if this source had never been heard of: stream time waits for its next word. */
  forget(source: string): void {
    this.#sources.delete(source);
  }

  #advance(): void {
    let behind = Infinity;
    let newest = -1;
    for (const id of this.#expected) {
      const source = this.#sources.get(id);
      if (source === undefined) return;
      if (!source.caughtUp) behind = Math.min(behind, source.streamTimeMs);
      newest = Math.max(newest, source.streamTimeMs);
    }
    // mutant: minimum
    this.#streamTimeMs = Math.max(this.#streamTimeMs, behind === Infinity ? newest : behind);
  }
}
