import type { GlobalTable, GlobalTableOptions } from '@tributary/streams';

import { openTableFeed } from '../../feed/table-feed.ts';
import { openTableRows } from '../../feed/table-rows.ts';
import { createFedLiveApi, type LiveApi } from '../../live-api.ts';
import { declarationOf, HOUR_MS, type RandomTable, topicOf } from './random-table.ts';
import { PARTITIONS } from './records.ts';
import type { Topic, TopicRecord } from './topic.ts';

export const DELETE_RETENTION_MS = 24 * HOUR_MS;

/** One instance of the API, which reads the topic when it is told to, and as far. */
export class FedInstance {
  readonly api: LiveApi;
  readonly #topic: Topic;
  readonly #read = new Map<number, number>();
  /** The ends that it reads to before it has a copy. */
  readonly #wanted: ReadonlyMap<number, number>;
  #options: GlobalTableOptions | null = null;
  #caughtUpAtMs: number | null = null;

  constructor(table: RandomTable, topic: Topic) {
    this.#topic = topic;
    this.#wanted = new Map(topic.partitions().map((partition) => [partition, topic.endOf(partition)]));
    const { kind } = table.layout;
    const source = {
      topic: topicOf(table),
      layout: kind === 'topic' || kind === 'store' ? ('key-value' as const) : kind,
      isChangelog: kind !== 'topic',
      partitions: PARTITIONS,
      deleteRetentionMs: DELETE_RETENTION_MS,
    };
    this.api = createFedLiveApi(
      {
        applicationId: 'app',
        connection: { brokers: ['127.0.0.1:9'], clientId: 'test' },
        tables: { things: declarationOf(table) },
      },
      (given) =>
        openTableRows({
          ...given,
          openFeed: (feed) =>
            openTableFeed({
              ...feed,
              findSources: () => Promise.resolve(new Map([['things', source]])),
              createTable: (options) => this.#tableOf(options),
            }),
        }),
    );
    this.api.start();
  }

  #tableOf(options: GlobalTableOptions): GlobalTable {
    const isOfStatus = !options.topics.includes(this.#topic.name);
    if (!isOfStatus) this.#options = options;
    const state = () => ({
      caughtUpOnce: this.isCaughtUp,
      complete: this.isCaughtUp,
      reason: this.isCaughtUp ? null : 'the copy is being made',
    });
    return {
      start: () => (isOfStatus ? undefined : options.onState(state())),
      state,
      positions: () =>
        new Map(
          isOfStatus || this.#options === null
            ? []
            : this.#topic.partitions().map((partition) => [`${this.#topic.name}-${partition}`, this.readOf(partition)]),
        ),
      caughtUpAtMs: (topic) => (topic === this.#topic.name ? this.#caughtUpAtMs : null),
      close: () => Promise.resolve(),
    };
  }

  get isCaughtUp(): boolean {
    return this.#caughtUpAtMs !== null;
  }

  /** The next offset to be read. */
  readOf(partition: number): number {
    return this.#read.get(partition) ?? 0;
  }

  /** Reads up to `most` records of each of these partitions, at once. */
  read(partitions: readonly number[], most: number): void {
    const batch: TopicRecord[] = [];
    for (const partition of partitions) {
      const left = this.#topic.from(partition, this.readOf(partition));
      const taken = left.slice(0, most);
      const end = taken.length === left.length ? this.#topic.endOf(partition) : (taken.at(-1)?.change.offset ?? 0) + 1;
      this.#read.set(partition, end);
      batch.push(...taken);
    }
    this.#hand(batch);
  }

  readAll(): void {
    this.read(this.#topic.partitions(), Number.POSITIVE_INFINITY);
  }

  /** Reads a partition anew, as after a time in which tombstones may have been missed. */
  reread(partition: number): void {
    if (!this.isCaughtUp || this.readOf(partition) < this.#topic.endOf(partition)) return;
    this.#options?.onReset(this.#topic.name, partition);
    this.#read.delete(partition);
    this.#caughtUpAtMs = Date.now();
    this.read([partition], Number.POSITIVE_INFINITY);
  }

  #hand(batch: readonly TopicRecord[]): void {
    const changes = batch.map(({ change }) => change);
    if (changes.length > 0) this.#options?.onChanges(changes);
    const isThere = [...this.#wanted].every(([partition, end]) => this.readOf(partition) >= end);
    if (isThere) this.#caughtUpAtMs ??= Date.now();
    this.#options?.onState({
      caughtUpOnce: this.isCaughtUp,
      complete: this.isCaughtUp,
      reason: this.isCaughtUp ? null : 'the copy is being made',
    });
  }
}
