import {
  changelogTopic,
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  DATA_QUALITY,
  HOUR_WINDOWS,
  MINUTE_WINDOWS,
  statusTopic,
} from '../../../processor/logins/names.ts';
import { topicPartition } from '../../../processor/streams/index.ts';
import type { Logger } from '../../../processor/streams/logger.ts';
import { isRuntimeRow } from '../../../processor/streams/store/runtime-rows.ts';
import type { GlobalTableState, TableChange } from '../../../processor/streams/table/global-table-types.ts';
import { ChangeHub, type ChangeTopic } from '../updates/change-hub.ts';
import { InstanceList, type ListedInstance } from '../operations/instance-list.ts';
import { QualityRows } from '../../logins/rows/quality-rows.ts';
import { SharedUpdates } from '../updates/shared-updates.ts';
import { StateRows } from '../../logins/rows/state-rows.ts';
import { WindowRows } from '../../logins/rows/window-rows.ts';

/** How long the wholeness must have changed before subscribers hear of it: the copy's wavers with every login. */
const WHOLENESS_SETTLES_MS = 2_000;

export interface LiveModelOptions {
  readonly applicationId: string;
  readonly logger: Logger;
  /** The wall clock, epoch milliseconds. */
  readonly now?: () => number;
  /** A clock that nobody sets, in milliseconds: what durations are measured with. */
  readonly elapsedMs?: () => number;
}

interface Feed {
  readonly changeTopic: ChangeTopic;
  apply(change: TableChange, version: number): void;
  reset(partition: number, version: number): void;
}

/**
 * This API instance's copy of all results, fed by a global table with committed records only. Everything is
 * synchronous: whoever reads it between two calls of `apply` sees one consistent state.
 */
export class LiveModel {
  readonly applicationId: string;
  readonly states = new StateRows();
  readonly minutes = new WindowRows(MINUTE_WINDOWS);
  readonly hours = new WindowRows(HOUR_WINDOWS);
  readonly quality = new QualityRows();
  readonly instances = new InstanceList();
  readonly hub = new ChangeHub();
  readonly now: () => number;
  readonly #elapsedMs: () => number;
  /** The changelog that a resume cursor counts in. */
  readonly changelogs: { readonly states: string; readonly minutes: string; readonly hours: string };
  readonly #shared = new SharedUpdates();
  readonly #logger: Logger;
  readonly #feeds: ReadonlyMap<string, Feed>;
  #version = 0;
  #tableState: GlobalTableState = {
    caughtUpOnce: false,
    complete: false,
    reason: 'the copy of the results has not been started',
  };
  #positions: () => ReadonlyMap<string, number> = () => new Map();
  #unreadable = 0;
  #wholeness = '';
  #toldWholeness = '';
  #wholenessChangedAtMs: number | null = null;

  constructor({ applicationId, logger, now = Date.now, elapsedMs = () => performance.now() }: LiveModelOptions) {
    this.applicationId = applicationId;
    this.#logger = logger;
    this.now = now;
    this.#elapsedMs = elapsedMs;
    this.changelogs = {
      states: changelogTopic(applicationId, COUNTS_BY_STATE),
      minutes: changelogTopic(applicationId, COUNTS_BY_STATE_MINUTE),
      hours: changelogTopic(applicationId, COUNTS_BY_STATE_HOUR),
    };
    this.#feeds = new Map<string, Feed>([
      [this.changelogs.states, feedOf('states', this.states)],
      [this.changelogs.minutes, feedOf('minutes', this.minutes)],
      [this.changelogs.hours, feedOf('hours', this.hours)],
      [changelogTopic(applicationId, DATA_QUALITY), feedOf('quality', this.quality)],
      [
        statusTopic(applicationId),
        {
          changeTopic: 'processor',
          apply: (change, version) =>
            this.instances.apply(
              change,
              version,
              { elapsedMs: elapsedMs(), nowMs: now() },
              this.#tableState.caughtUpOnce,
            ),
          reset: (partition, version) => this.instances.reset(partition, version),
        },
      ],
    ]);
  }

  /** The topics to copy. */
  get topics(): readonly string[] {
    return [...this.#feeds.keys()];
  }

  /** Grows with every change; equal versions mean equal answers but for the clock. */
  get version(): number {
    return this.#version;
  }

  /**
   * What `make` gives, made once for all subscribers who ask with the same key at this state. `key` must name what
   * `make` depends on beside the rows and their freshness: the subject, and where the subscriber was.
   */
  shared<T>(key: string, make: () => T): T {
    return this.#shared.of(`${this.#version} ${this.#tableState.complete} ${this.lag()} ${key}`, make);
  }

  /** Input records not processed yet; null while nobody knows. */
  lag(): number | null {
    return this.instances.lag(this.#elapsedMs());
  }

  /** The processor instances, and whether they are there. */
  listInstances(): ListedInstance[] {
    return this.instances.list(this.#elapsedMs());
  }

  get tableState(): GlobalTableState {
    return this.#tableState;
  }

  /** Changelog records that could not be read and were passed over. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Where the global table tells how far it has read, so that a cursor from ahead can be told from a foreign one. */
  followPositions(positions: () => ReadonlyMap<string, number>): void {
    this.#positions = positions;
  }

  /** The next offset to be read of each of a topic's partitions, as of now; null for one that is not copied. */
  readPositions(topic: string): (partition: number) => number | null {
    const positions = this.#positions();
    return (partition) => positions.get(topicPartition(topic, partition)) ?? null;
  }

  apply(changes: readonly TableChange[]): void {
    const version = ++this.#version;
    for (const change of changes) {
      const feed = this.#feeds.get(change.topic);
      if (feed === undefined || isRuntimeRow(change.key)) continue;
      try {
        feed.apply(change, version);
        this.hub.notify(feed.changeTopic);
      } catch (error) {
        this.#unreadable += 1;
        const { topic, partition, offset } = change;
        this.#logger.error(
          { topic, partition, offset, reason: error instanceof Error ? error.name : 'unknown' },
          'a changelog record cannot be read; its key keeps its last value. The processor has not written it ' +
            'so: stop what writes to its topics; the next change of the key, or a tombstone, takes its place',
        );
      }
    }
    this.minutes.expire(version);
    this.hours.expire(version);
  }

  reset(topic: string, partition: number): void {
    const feed = this.#feeds.get(topic);
    if (feed === undefined) return;
    feed.reset(partition, ++this.#version);
    this.hub.notify(feed.changeTopic);
  }

  setTableState(state: GlobalTableState): void {
    this.#tableState = state;
    this.#lookAtWholeness();
  }

  /**
   * Lets the clock be seen: instances that went silent, a copy that stays incomplete. To be called about once a second.
   */
  tick(): void {
    // Read positions move without a change, past what was compacted away.
    this.hub.notify('progress');
    const elapsedMs = this.#elapsedMs();
    if (this.instances.tick(this.#version + 1, elapsedMs)) {
      this.#version += 1;
      this.hub.notify('processor');
    }
    this.#lookAtWholeness();
    if (
      this.#wholeness !== this.#toldWholeness &&
      elapsedMs - (this.#wholenessChangedAtMs ?? elapsedMs) >= WHOLENESS_SETTLES_MS
    ) {
      this.#toldWholeness = this.#wholeness;
      this.hub.notify('completeness');
    }
  }

  /**
   * What answers say of themselves besides their rows: whether the copy is complete, and whether it is known what
   * waits.
   */
  get wholeness(): string {
    return `${this.#tableState.complete} ${this.lag() !== null}`;
  }

  /** The wholeness that subscribers were last told to look at. */
  get toldWholeness(): string {
    return this.#toldWholeness;
  }

  #lookAtWholeness(): void {
    const { wholeness } = this;
    if (wholeness === this.#wholeness) return;
    this.#wholeness = wholeness;
    this.#wholenessChangedAtMs = this.#elapsedMs();
  }
}

function feedOf(
  changeTopic: ChangeTopic,
  rows: { apply(change: TableChange, version: number): void; reset(partition: number, version: number): void },
): Feed {
  return {
    changeTopic,
    apply: (change, version) => rows.apply(change, version),
    reset: (partition, version) => rows.reset(partition, version),
  };
}
