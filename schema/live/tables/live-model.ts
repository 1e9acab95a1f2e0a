import {
  type GlobalTableState,
  type Logger,
  type StreamsError,
  type TableChange,
  topicPartition,
} from '@tributary/streams';
import { changelogTopic, statusTopic } from '@tributary/streams/operations';
import { ChangeHub, type ChangeTopic } from '../updates/change-hub.ts';
import type { LiveTable, LiveTables } from './live-table.ts';
import { InstanceList, type ListedInstance } from '../operations/instance-list.ts';
import { isOfRegistry } from '../types/value-reader.ts';
import { SharedUpdates } from '../updates/shared-updates.ts';

/** A change of completeness must last so long before subscribers are woken: the copy's wavers with every record. */
const COMPLETENESS_SETTLES_MS = 2_000;

export interface LiveModelOptions<Tables extends LiveTables> {
  readonly applicationId: string;
  readonly logger: Logger;
  /** Each table, and the store whose changelog it copies, or the topic that it copies. */
  readonly tables: {
    readonly [Name in keyof Tables]: ({ readonly store: string } | { readonly topic: string }) & {
      readonly table: Tables[Name];
    };
  };
  /** The wall clock, epoch milliseconds. */
  readonly now?: (() => number) | undefined;
  /** A clock that nobody sets, in milliseconds: durations are measured with it. */
  readonly elapsedMs?: (() => number) | undefined;
}

/** What every model has, whatever its tables. */
export type AnyLiveModel = Pick<
  LiveModel,
  | 'applicationId'
  | 'tableState'
  | 'lag'
  | 'listInstances'
  | 'unreadable'
  | 'notReady'
  | 'windowCounts'
  | 'shared'
  | 'completeness'
  | 'announcedCompleteness'
>;

/** What every subscriber asks for when it is woken: made once for a turn of the event loop. */
interface TurnState {
  readonly version: number;
  readonly tableState: GlobalTableState;
  readonly state: string;
  readonly completeness: string;
}

/** Where the records of one topic go. */
interface Feed extends Pick<LiveTable, 'apply' | 'reset'> {
  readonly changeTopic: ChangeTopic;
  readonly unreadableRow?: string | undefined;
}

const NO_FEEDS: readonly Feed[] = [];

const ALL = { copies: 0 };

/** Changes that wait for a schema, the first of which needs it. */
export interface UnappliedChanges {
  readonly changes: readonly [TableChange, ...TableChange[]];
  /** How many copies have the first change already, of those that are fed by its topic. */
  readonly copies: number;
  /** SCHEMA_REGISTRY_AWAY or SCHEMA_REGISTRY_REFUSED. */
  readonly error: StreamsError;
}

/**
 * This API instance's copy of an application's tables, fed by a global table with committed records only. Everything is
 * synchronous: a reader between two calls of `apply` sees one consistent state.
 */
export class LiveModel<Tables extends LiveTables = LiveTables> {
  readonly applicationId: string;
  readonly tables: Tables;
  readonly instances = new InstanceList();
  readonly hub = new ChangeHub<keyof Tables & string>();
  readonly logger: Logger;
  readonly now: () => number;
  readonly #elapsedMs: () => number;
  /** By the name of the table. */
  readonly #topics: Map<string, string>;
  readonly #windowed: readonly (readonly [store: string, table: LiveTable])[];
  readonly #shared = new SharedUpdates();
  readonly #instancesFeed: Feed;
  #feeds: ReadonlyMap<string, readonly Feed[]>;
  #version = 0;
  #tableState: GlobalTableState = {
    caughtUpOnce: false,
    complete: false,
    reason: 'the copy of the results has not been started',
  };
  #positions: () => ReadonlyMap<string, number> = () => new Map();
  #turnPositions: ReadonlyMap<string, number> | null = null;
  #unreadable = 0;
  #turn: TurnState | null = null;
  #completeness = '';
  #announcedCompleteness = '';
  #completenessChangedAtMs: number | null = null;

  constructor({
    applicationId,
    logger,
    tables,
    now = Date.now,
    elapsedMs = () => performance.now(),
  }: LiveModelOptions<Tables>) {
    this.applicationId = applicationId;
    this.logger = logger;
    this.now = now;
    this.#elapsedMs = elapsedMs;
    const sources = Object.entries(tables);
    this.tables = Object.fromEntries(sources.map(([name, { table }]) => [name, table])) as unknown as Tables;
    this.#topics = new Map(
      sources.map(([name, source]) => [
        name,
        'store' in source ? changelogTopic(applicationId, source.store) : source.topic,
      ]),
    );
    this.#windowed = sources.flatMap(([, source]) =>
      source.table.windowCount === undefined || !('store' in source) ? [] : [[source.store, source.table]],
    );
    this.#instancesFeed = {
      changeTopic: 'processor',
      apply: (change, version) =>
        this.instances.apply(change, version, { elapsedMs: elapsedMs(), nowMs: now() }, this.#tableState.caughtUpOnce),
      reset: (partition, version) => this.instances.reset(partition, version),
    };
    this.#feeds = this.#feedsByTopic();
  }

  #feedsByTopic(): ReadonlyMap<string, readonly Feed[]> {
    const feeds = new Map<string, Feed[]>();
    for (const [name, topic] of this.#topics)
      feeds.set(topic, [...(feeds.get(topic) ?? []), feedOf(name, this.tables[name] as LiveTable)]);
    // The first topic that cannot be read is named: one with results says more than this one.
    return feeds.set(statusTopic(this.applicationId), [this.#instancesFeed]);
  }

  /** Says from which topic a table is read, where that is known later than the table; before the first change. */
  follow(table: keyof Tables & string, topic: string): void {
    this.#topics.set(table, topic);
    this.#feeds = this.#feedsByTopic();
  }

  /** The topic that a table copies, which its resume cursors count in. */
  changelogOf(table: keyof Tables & string): string {
    const topic = this.#topics.get(table);
    if (topic === undefined) throw new TypeError(`the model has no table "${table}"`);
    return topic;
  }

  /** Of each windowed table: its store, and how many windows the copy has. */
  windowCounts(): (readonly [store: string, windows: number])[] {
    return this.#windowed.map(([store, table]) => [store, table.windowCount ?? 0]);
  }

  /** The topics to copy. */
  get topics(): readonly string[] {
    return [...this.#feeds.keys()];
  }

  /** Grows with every change; equal versions mean equal results but for the clock. */
  get version(): number {
    return this.#version;
  }

  /**
   * What `make` returns, made once for all subscribers that use the same key at this state. `key` must name what `make`
   * depends on beside the rows and their freshness: the subject, and where the subscriber was.
   */
  shared<T>(key: string, make: () => T): T {
    return this.#shared.of(`${this.#ofThisTurn().state} ${key}`, make);
  }

  /** What results show besides their rows: asked for by each subscriber, and the same for all of one turn. */
  #ofThisTurn(): TurnState {
    const [known, version, tableState] = [this.#turn, this.#version, this.#tableState];
    if (known?.version === version && known.tableState === tableState) return known;
    const [{ complete }, lag] = [tableState, this.lag()];
    if (known === null) setImmediate(() => (this.#turn = null));
    const state = `${version} ${complete} ${lag}`;
    this.#turn = { version, tableState, state, completeness: `${complete} ${lag !== null}` };
    return this.#turn;
  }

  /** Input records not processed yet; null while that is unknown. */
  lag(): number | null {
    return this.instances.lag(this.#elapsedMs());
  }

  /** The processor instances, and whether they are alive. */
  listInstances(): ListedInstance[] {
    return this.instances.list(this.#elapsedMs());
  }

  get tableState(): GlobalTableState {
    return this.#tableState;
  }

  /** How many changelog records could not be read and were passed over. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Counts a row that cannot be read, of a table that is not copied. */
  noteUnreadable(): void {
    this.#unreadable += 1;
  }

  /** Where the global table reports how far it has read: it tells a cursor that is ahead from a foreign one. */
  followPositions(positions: () => ReadonlyMap<string, number>): void {
    this.#positions = positions;
    this.#turnPositions = null;
  }

  /** As of the last change. All that wait for a cursor look at once: a list for each would cost all partitions each. */
  #positionsOfThisTurn(): ReadonlyMap<string, number> {
    if (this.#turnPositions === null) setImmediate(() => (this.#turnPositions = null));
    this.#turnPositions ??= this.#positions();
    return this.#turnPositions;
  }

  /** The next offset to be read of each partition of a table's topic, as of now; null for one that is not copied. */
  readPositions(table: keyof Tables & string): (partition: number) => number | null {
    const topic = this.changelogOf(table);
    const positions = this.#positionsOfThisTurn();
    return (partition) => positions.get(topicPartition(topic, partition)) ?? null;
  }

  /** @throws StreamsError SCHEMA_REGISTRY_AWAY, SCHEMA_REGISTRY_REFUSED; `applyUntil` tells what is not applied. */
  apply(changes: readonly TableChange[]): void {
    const unapplied = this.applyUntil(changes);
    if (unapplied !== null) throw unapplied.error;
  }

  /**
   * Applies changes up to one that needs a schema which its registry does not give; null when all are applied. What is
   * returned is to be applied again, from `copies` on, before anything else of its partition.
   */
  applyUntil(changes: readonly TableChange[], { copies }: { readonly copies: number } = ALL): UnappliedChanges | null {
    const version = ++this.#version;
    this.#turnPositions = null;
    let first = copies;
    for (const [index, change] of changes.entries()) {
      // Keys of a topic of the user's may be any bytes; the runtime's own rows of changelogs are left out before.
      const feeds = this.#feeds.get(change.topic) ?? NO_FEEDS;
      for (let at = first; at < feeds.length; at += 1) {
        const error = this.#applyTo(feeds[at] as Feed, change, version);
        if (error !== null) return { changes: [change, ...changes.slice(index + 1)], copies: at, error };
      }
      first = 0;
    }
    return null;
  }

  #applyTo(feed: Feed, change: TableChange, version: number): StreamsError | null {
    try {
      feed.apply(change, version);
    } catch (error) {
      // A copy with a hole must not be served.
      if (isOfRegistry(error)) return error;
      this.#unreadable += 1;
      const { topic, partition, offset } = change;
      this.logger.error(
        { topic, partition, offset, reason: error instanceof Error ? error.name : 'unknown' },
        `a record cannot be read; ${feed.unreadableRow ?? 'its key keeps its last value'}. What writes the topic has ` +
          'not written it as it is declared: stop it, or declare it so; the next change of the key, or a tombstone, ' +
          'takes its place',
      );
    }
    // A row that is left out has changed, too.
    this.hub.notify(feed.changeTopic as ChangeTopic<keyof Tables & string>);
    return null;
  }

  reset(topic: string, partition: number): void {
    for (const feed of this.#feeds.get(topic) ?? NO_FEEDS) {
      feed.reset(partition, ++this.#version);
      this.#turnPositions = null;
      this.hub.notify(feed.changeTopic as ChangeTopic<keyof Tables & string>);
    }
  }

  /** Why this instance is not ready, in one line; null when it is. */
  get notReady(): string | null {
    for (const table of Object.values(this.tables)) if (table.trouble != null) return table.trouble;
    const { complete, reason } = this.#tableState;
    return complete ? null : (reason ?? 'the copy of the results is not complete');
  }

  setTableState(state: GlobalTableState): void {
    this.#tableState = state;
    this.#lookAtCompleteness();
  }

  /**
   * Handles what changes by time alone: instances that went silent, a copy that stays incomplete. To be called about
   * once a second.
   */
  tick(): void {
    // Read positions also move without a change, past records that were compacted away.
    this.hub.notify('progress');
    const elapsedMs = this.#elapsedMs();
    if (this.instances.tick(this.#version + 1, elapsedMs)) {
      this.#version += 1;
      this.hub.notify('processor');
    }
    this.#lookAtCompleteness();
    if (
      this.#completeness !== this.#announcedCompleteness &&
      elapsedMs - (this.#completenessChangedAtMs ?? elapsedMs) >= COMPLETENESS_SETTLES_MS
    ) {
      this.#announcedCompleteness = this.#completeness;
      this.hub.notify('completeness');
    }
  }

  /**
   * What every result shows besides its rows: whether the copy is complete, and whether the lag is known.
   */
  get completeness(): string {
    return this.#ofThisTurn().completeness;
  }

  /** The completeness for which subscribers were last woken. */
  get announcedCompleteness(): string {
    return this.#announcedCompleteness;
  }

  #lookAtCompleteness(): void {
    const { completeness } = this;
    if (completeness === this.#completeness) return;
    this.#completeness = completeness;
    this.#completenessChangedAtMs = this.#elapsedMs();
  }
}

function feedOf(changeTopic: string, table: LiveTable): Feed {
  return {
    changeTopic,
    get unreadableRow() {
      return table.unreadableRow;
    },
    apply: (change, version) => table.apply(change, version),
    reset: (partition, version) => table.reset(partition, version),
  };
}
