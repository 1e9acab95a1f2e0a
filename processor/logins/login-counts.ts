import { type CombinableAggregate, jsonSerde } from '@tributary/streams';
import { isStoredTime, storedCount } from './stored-values.ts';
import type { Login } from './login.ts';

/** Logins of one state, in all or in one window, by device type. Stored as this JSON; other fields may be added. */
export interface LoginCounts {
  ios: number;
  android: number;
  other: number;
  /** The newest event time counted here, epoch milliseconds; null before the first. */
  lastLoginAtMs: number | null;
}

export const loginCounts: CombinableAggregate<Login, LoginCounts> = {
  empty: () => ({ ios: 0, android: 0, other: 0, lastLoginAtMs: null }),
  add: (counts, login) => {
    counts[login.device] += 1;
    if (counts.lastLoginAtMs === null || login.eventTimeMs > counts.lastLoginAtMs)
      counts.lastLoginAtMs = login.eventTimeMs;
    return counts;
  },
  merge: (a, b) => {
    a.ios += b.ios;
    a.android += b.android;
    a.other += b.other;
    if (b.lastLoginAtMs !== null && (a.lastLoginAtMs === null || b.lastLoginAtMs > a.lastLoginAtMs))
      a.lastLoginAtMs = b.lastLoginAtMs;
    return a;
  },
  serde: { ...jsonSerde<LoginCounts>(), deserialize: (bytes) => storedLoginCounts(JSON.parse(bytes.toString('utf8'))) },
};

/** @throws TypeError for what no LoginCounts are. */
function storedLoginCounts(value: unknown): LoginCounts {
  const counts = (value ?? {}) as LoginCounts;
  storedCount(counts.ios, 'ios');
  storedCount(counts.android, 'android');
  storedCount(counts.other, 'other');
  if (counts.lastLoginAtMs !== null && !isStoredTime(counts.lastLoginAtMs))
    throw new TypeError(`lastLoginAtMs is ${String(counts.lastLoginAtMs)}, no time`);
  return counts;
}

export function totalLogins(counts: Pick<LoginCounts, 'ios' | 'android' | 'other'>): number {
  return counts.ios + counts.android + counts.other;
}
