import { LOGIN_FIELDS } from '../../../processor/logins/login.ts';
import { DEAD_LETTER_REASONS } from '../../../processor/logins/login-record.ts';
import type { DataQuality, FieldCount, ReasonCount } from '../generated/resolver-types.ts';
import type { LoginModel } from '../rows/login-model.ts';
import { countedLogins, totalsResult } from './states-result.ts';

/** All fields and all reasons, also those never seen, in a fixed order. */
export function dataQualityResult(model: LoginModel): DataQuality {
  const quality = model.tables.quality.sum();
  const deadLetters = reasonCounts(quality.deadLettered);
  const deadLettered = deadLetters.reduce((sum, { count }) => sum + count, 0);
  const counted = countedLogins(model);
  return {
    consumed: counted + deadLettered,
    counted,
    deadLettered,
    deadLetters,
    missing: fieldCounts(quality.missing),
    invalid: fieldCounts(quality.invalid),
    late: quality.late,
    freshness: totalsResult(model).freshness,
  };
}

function reasonCounts(counts: ReadonlyMap<string, number>): ReasonCount[] {
  const reasons = new Set<string>([...DEAD_LETTER_REASONS, ...[...counts.keys()].sort()]);
  return [...reasons].map((reason) => ({ reason, count: counts.get(reason) ?? 0 }));
}

function fieldCounts(counts: ReadonlyMap<string, number>): FieldCount[] {
  return LOGIN_FIELDS.map((field) => ({ field, count: counts.get(field) ?? 0 }));
}
