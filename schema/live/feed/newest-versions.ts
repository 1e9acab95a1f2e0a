import type { TableChange } from '@tributary/streams';
import { takeKeyApart } from './take-key-apart.ts';

const take = takeKeyApart('versioned', { kind: 'key-value' });

/**
 * Which records of a versioned store's changelog change what the newest version of their key is. A version that comes
 * late, or is deleted because the history has passed it, changes nothing.
 */
export class NewestVersions {
  /** By partition, then by key: from when on the newest version is valid, be it a deletion. */
  readonly #newest = new Map<number, Map<string, number>>();

  /** Whether to hand on a record; what is no version is, for the reader to name it. */
  isChange(change: TableChange): boolean {
    const taken = take(change);
    if (taken?.versionMs === undefined) return true;
    const { versionMs } = taken;
    const newest = this.#of(change.partition);
    const key = taken.key.toString('latin1');
    const knownMs = newest.get(key);
    if (knownMs !== undefined && (change.value === null ? versionMs !== knownMs : versionMs < knownMs)) return false;
    // Of a key of which nothing else is left, its end may be all that tells a subscriber who resumes.
    if (change.value === null) newest.delete(key);
    else newest.set(key, versionMs);
    return true;
  }

  /** Forgets what was read from a partition. */
  reset(partition: number): void {
    this.#newest.delete(partition);
  }

  #of(partition: number): Map<string, number> {
    let newest = this.#newest.get(partition);
    if (newest === undefined) this.#newest.set(partition, (newest = new Map<string, number>()));
    return newest;
  }
}
