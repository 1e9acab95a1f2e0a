import { findInsights, insightSentences } from '../../../processor/logins/insights.ts';
import { STATE_CODES } from '../../../processor/logins/states.ts';
import type { Insights } from '../generated/resolver-types.ts';
import type { CountRow } from '../rows/count-row.ts';
import type { LoginModel } from '../rows/login-model.ts';
import { freshness } from '@tributary/graphql';
import { deviceCounts, stateResult } from './states-result.ts';

export function insightsResult(model: LoginModel): Insights {
  const rows = new Map<string, CountRow>(model.tables.states.rows());
  const findings = findInsights(rows);
  const newestMs = STATE_CODES.reduce((newest, code) => Math.max(newest, rows.get(code)?.newestEventMs ?? 0), 0);
  return {
    topState: findings.topState === null ? null : stateResult(model, findings.topState),
    moreIos: findings.moreIos.map((code) => stateResult(model, code)),
    moreAndroid: findings.moreAndroid.map((code) => stateResult(model, code)),
    byGdpClass: findings.byGdpClass.map(({ devices, ...found }) => ({ ...found, devices: deviceCounts(devices) })),
    sentences: insightSentences(findings, rows),
    freshness: freshness(model, newestMs),
  };
}
