import { gdpOf } from '../../processor/logins/gdp.ts';
import { STATE_CODES } from '../../processor/logins/states.ts';
import { insightsResult } from './results/insights-result.ts';
import { totalOf } from './rows/count-row.ts';
import type { LoginModel } from './rows/login-model.ts';
import type { RestResults } from '@tributary/graphql';

interface StateData {
  readonly gdp: string;
  readonly ios: number;
  readonly android: number;
  readonly others: number;
  readonly total: number;
}

/** States with a login, by code. */
function stateData(model: LoginModel): Record<string, StateData> {
  const data: Record<string, StateData> = {};
  for (const code of STATE_CODES) {
    const row = model.tables.states.get(code);
    if (row === undefined || totalOf(row) === 0) continue;
    data[code] = {
      gdp: gdpOf(code).class.toLowerCase(),
      ios: row.ios,
      android: row.android,
      others: row.other,
      total: totalOf(row),
    };
  }
  return data;
}

/** `GET /data` and `GET /insights`: the results for clients that speak no GraphQL. */
export function restResults(model: LoginModel): RestResults {
  return {
    '/data': () => stateData(model),
    '/insights': () => insightsResult(model).sentences,
  };
}
