import { isRuntimeRow, type TableChange } from '@tributary/streams';
import type { FeedSources } from './feed-source.ts';
import { NewestVersions } from './newest-versions.ts';

/** Leaves out records that say nothing of a table's rows. */
export class ChangeFilter {
  readonly #changelogs: ReadonlySet<string>;
  readonly #versions: ReadonlyMap<string, NewestVersions>;

  constructor(sources: FeedSources) {
    const all = [...sources.values()];
    this.#changelogs = new Set(all.filter(({ isChangelog }) => isChangelog).map(({ topic }) => topic));
    this.#versions = new Map(
      all.filter(({ layout }) => layout === 'versioned').map(({ topic }) => [topic, new NewestVersions()]),
    );
  }

  filter(changes: readonly TableChange[]): readonly TableChange[] {
    return changes.filter((change) => !this.#isRuntimeRow(change) && this.#isNewest(change));
  }

  reset(topic: string, partition: number): void {
    this.#versions.get(topic)?.reset(partition);
  }

  /** In a topic of the user's any key is his. */
  #isRuntimeRow({ topic, key }: TableChange): boolean {
    return this.#changelogs.has(topic) && isRuntimeRow(key);
  }

  #isNewest(change: TableChange): boolean {
    return this.#versions.get(change.topic)?.isChange(change) ?? true;
  }
}
