import type { TimeReport } from '../topology/repartition-record.ts';
import { StreamTime, type StreamTimeRecord } from './watermark.ts';

/** A task behind a repartition topic that this one reads. */
export interface TimeSource {
  readonly grouping: string;
  readonly taskId: string;
  /**
   * It reads, itself or through others, what this task hands on: what it reports must not hold back what it is made of.
   */
  readonly cyclic: boolean;
}

/** The user's topics as a whole, where repartition topics are read beside them. No task id looks like it. */
const OWN_TOPICS = '!own';

/**
 * How far one task has come in event time: the minimum over what it reads, drained inputs left out.
 *
 * Of the user's topics that is the newest time it has been told of: their records come in the order of their times, and
 * a topic with more to read is waited for, so nothing older is to come from another one. Behind repartition topics it
 * is what the source tasks report, each for each topic: one topic may be read further than another.
 */
export class TaskTime {
  readonly #taskId: string;
  readonly #readsRepartition: boolean;
  readonly #mixed: boolean;
  readonly #streamTime: StreamTime;
  /** What tasks downstream are told: the same, but for sources that are downstream themselves. */
  readonly #progress: StreamTime;
  /** A report's name in the stored record: the source's id, before which the topic stands where there are several. */
  readonly #nameOf: (grouping: string, source: string) => string;
  #observedMs = -1;

  constructor(options: { taskId: string; readsUserTopics: boolean; timeSources: readonly TimeSource[] }) {
    const { taskId, readsUserTopics, timeSources } = options;
    this.#taskId = taskId;
    this.#readsRepartition = timeSources.length > 0;
    this.#mixed = this.#readsRepartition && readsUserTopics;
    const several = new Set(timeSources.map(({ grouping }) => grouping)).size > 1;
    this.#nameOf = (grouping, source) => (several ? `${grouping} ${source}` : source);
    const own = this.#mixed ? [OWN_TOPICS] : [];
    const expected = (sources: readonly TimeSource[]): StreamTime =>
      new StreamTime([...own, ...sources.map(({ grouping, taskId: id }) => this.#nameOf(grouping, id))]);
    this.#streamTime = this.#readsRepartition ? expected(timeSources) : new StreamTime([taskId]);
    this.#progress = timeSources.some(({ cyclic }) => cyclic)
      ? expected(timeSources.filter(({ cyclic }) => !cyclic))
      : this.#streamTime;
  }

  /** -1 before it is known. Never goes back. */
  get streamTimeMs(): number {
    return this.#readsRepartition ? this.#streamTime.nowMs : Math.max(this.#streamTime.nowMs, this.#observedMs);
  }

  /** What is reported to tasks downstream. */
  get progressMs(): number {
    return this.#progress === this.#streamTime ? this.streamTimeMs : this.#progress.nowMs;
  }

  /**
   * Those that it reads the partials of have no more to read: what is yet to come of them is not behind what others
   * have told.
   */
  get sourcesCaughtUp(): boolean {
    return !this.#readsRepartition || this.#progress.allCaughtUp;
  }

  /** A record of the user's topics is about to be handed on. */
  observe(timestampMs: number): void {
    if (timestampMs <= this.#observedMs) return;
    this.#observedMs = timestampMs;
    if (this.#mixed) this.#reportOwn(false);
  }

  /** Goes on from a time that was committed beside the offsets. What comes of reports is in the store. */
  resume(streamTimeMs: number): void {
    if (!this.#readsRepartition) this.observe(streamTimeMs);
  }

  /** The user's topics are read to their end, all of them, or not. */
  drained(all: boolean): void {
    if (this.#mixed) this.#reportOwn(all);
  }

  report(grouping: string, { source, streamTimeMs, caughtUp }: TimeReport): void {
    this.#report({ source: this.#nameOf(grouping, source), streamTimeMs, caughtUp });
  }

  /** The record to store, when something changed since the last call. */
  takeChange(): StreamTimeRecord | undefined {
    if (!this.#readsRepartition)
      this.#streamTime.report({ source: this.#taskId, streamTimeMs: this.#observedMs, caughtUp: false });
    return this.#streamTime.takeChange();
  }

  /** Back to what is committed. How far the user's topics are read is to be found out again. */
  load(record: StreamTimeRecord | undefined): void {
    this.#observedMs = -1;
    for (const time of new Set([this.#streamTime, this.#progress])) {
      time.load(record);
      time.forget(OWN_TOPICS);
    }
  }

  #reportOwn(caughtUp: boolean): void {
    this.#report({ source: OWN_TOPICS, streamTimeMs: this.#observedMs, caughtUp });
  }

  #report(report: TimeReport): void {
    this.#streamTime.report(report);
    if (this.#progress !== this.#streamTime) this.#progress.report(report);
  }
}
