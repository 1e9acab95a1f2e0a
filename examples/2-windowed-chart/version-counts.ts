import { jsonSerde, type CombinableAggregate } from '@tributary/streams';

/** What the chart needs of a login record. */
export interface VersionLogin {
  readonly version: string;
  readonly isAndroid: boolean;
  readonly timeMs: number;
}

export interface VersionCounts {
  logins: number;
  androids: number;
}

/** An aggregate is a value. `merge` may be given its parts in any order and any grouping, and always ends the same. */
export const versionCounts: CombinableAggregate<VersionLogin, VersionCounts> = {
  empty: () => ({ logins: 0, androids: 0 }),
  add: (counts, login) => {
    counts.logins += 1;
    if (login.isAndroid) counts.androids += 1;
    return counts;
  },
  merge: (a, b) => ({ logins: a.logins + b.logins, androids: a.androids + b.androids }),
  serde: jsonSerde<VersionCounts>(),
};
