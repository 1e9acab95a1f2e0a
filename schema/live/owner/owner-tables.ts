import type { Logger } from '@tributary/streams';
import type { OwnerReads } from '@tributary/streams/operations';
import type { FeedSources } from '../feed/feed-source.ts';
import type { FollowedBytes } from '../limits/followed-bytes.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { ChangelogTails, type TailFetcher } from './changelog-tails.ts';
import { OwnerTable, type OwnerTableOptions } from './owner-table.ts';

/** What owners and changelogs are reached with. */
export interface OwnerLinks {
  readonly reads: OwnerReads;
  /** A reader of changelogs, for as long as somebody follows one. */
  readonly openTail: () => TailFetcher;
}

/** The tables of an API whose rows are asked of their owners. */
export class OwnerTables {
  readonly #tables: ReadonlyMap<string, OwnerTable>;
  /** What subscriptions to ranges of them hold. */
  readonly followed: FollowedBytes;
  readonly #logger: Logger;
  #sources: FeedSources = new Map();
  #links: OwnerLinks | null = null;
  #tails: ChangelogTails | null = null;

  constructor(declared: readonly DeclaredTable[], options: Omit<OwnerTableOptions, 'declared'>) {
    this.followed = options.followed;
    this.#logger = options.logger;
    this.#tables = new Map(
      declared
        .filter(({ held }) => held === 'owner')
        .map((table) => [table.name, new OwnerTable({ ...options, declared: table })]),
    );
  }

  get size(): number {
    return this.#tables.size;
  }

  get(name: string): OwnerTable | undefined {
    return this.#tables.get(name);
  }

  all(): Iterable<OwnerTable> {
    return this.#tables.values();
  }

  connect(links: OwnerLinks): void {
    const tails = new ChangelogTails({ open: links.openTail, logger: this.#logger });
    this.#links = links;
    this.#tails = tails;
    for (const table of this.#tables.values()) table.connect({ reads: links.reads, tails });
  }

  /** Where the tables are, as the application's record says. */
  follow(sources: FeedSources): void {
    this.#sources = sources;
    for (const [name, table] of this.#tables) {
      const source = sources.get(name);
      if (source !== undefined) table.follow(source);
    }
  }

  /** By which tasks a store is processed; undefined while that is not known. */
  subTopologyOf(store: string): number | undefined {
    for (const { declared } of this.#tables.values())
      if (declared.source.kind === 'store' && declared.source.store === store)
        return this.#sources.get(declared.name)?.subTopology;
    return undefined;
  }

  async close(): Promise<void> {
    this.#links?.reads.close();
    await this.#tails?.close();
  }
}
