import type { CombinableAggregate, Serde } from '@tributary/streams';
import { storedCount } from './stored-values.ts';
import { invalidFields, LOGIN_FIELDS, type LoginField, missingFields } from './login.ts';

/** One thing worth knowing about the input: a counted login's flaws, a dead letter, or logins late for the minutes. */
export type QualityFact =
  | { readonly kind: 'flaws'; readonly flaws: number }
  | { readonly kind: 'dead-letter'; readonly reason: string }
  | { readonly kind: 'late'; readonly logins: number };

/** Stored as this JSON, keys in this order; what never happened is left out. */
export interface DataQualityCounts {
  /** Absent, null or blank fields of counted logins. */
  missing: Partial<Record<LoginField, number>>;
  /** Present but unusable fields of counted logins. */
  invalid: Partial<Record<LoginField, number>>;
  /** Dead letters by reason. */
  deadLettered: Record<string, number>;
  /** Logins counted in the totals that were too old for the minute windows. */
  late: number;
}

const serde: Serde<DataQualityCounts> = {
  serialize: ({ missing, invalid, deadLettered, late }) =>
    Buffer.from(
      JSON.stringify({
        missing: inOrder(missing, LOGIN_FIELDS),
        invalid: inOrder(invalid, LOGIN_FIELDS),
        deadLettered: inOrder(deadLettered, Object.keys(deadLettered).sort()),
        late,
      }),
    ),
  deserialize: (bytes) => storedQuality(JSON.parse(bytes.toString('utf8'))),
  format: 'json',
};

/** @throws TypeError for what no DataQualityCounts are. */
function storedQuality(value: unknown): DataQualityCounts {
  const counts = (value ?? {}) as DataQualityCounts;
  for (const part of ['missing', 'invalid', 'deadLettered'] as const) {
    if (typeof counts[part] !== 'object' || counts[part] === null)
      throw new TypeError(`${part} is ${String(counts[part])}, no counts`);
    for (const [name, count] of Object.entries(counts[part])) storedCount(count, `${part} ${name}`);
  }
  storedCount(counts.late, 'late');
  return counts;
}

function inOrder<K extends string>(counts: Partial<Record<K, number>>, keys: readonly K[]): Partial<Record<K, number>> {
  const ordered: Partial<Record<K, number>> = {};
  for (const key of keys) if (counts[key] !== undefined) ordered[key] = counts[key];
  return ordered;
}

export const dataQuality: CombinableAggregate<QualityFact, DataQualityCounts> = {
  empty: () => ({ missing: {}, invalid: {}, deadLettered: {}, late: 0 }),
  add: (counts, fact) => {
    switch (fact.kind) {
      case 'flaws':
        for (const field of missingFields(fact.flaws)) increase(counts.missing, field, 1);
        for (const field of invalidFields(fact.flaws)) increase(counts.invalid, field, 1);
        return counts;
      case 'dead-letter':
        increase(counts.deadLettered, fact.reason, 1);
        return counts;
      case 'late':
        counts.late += fact.logins;
        return counts;
    }
  },
  merge: (a, b) => {
    increaseAll(a.missing, b.missing);
    increaseAll(a.invalid, b.invalid);
    increaseAll(a.deadLettered, b.deadLettered);
    a.late += b.late;
    return a;
  },
  serde,
};

function increase<K extends string>(counts: Partial<Record<K, number>>, key: K, by: number): void {
  counts[key] = (counts[key] ?? 0) + by;
}

function increaseAll<K extends string>(counts: Partial<Record<K, number>>, more: Partial<Record<K, number>>): void {
  for (const key of Object.keys(more) as K[]) increase(counts, key, more[key] ?? 0);
}

/** Dead letters over all reasons. */
export function totalDeadLettered(counts: DataQualityCounts): number {
  return Object.values(counts.deadLettered).reduce((sum, count) => sum + count, 0);
}
