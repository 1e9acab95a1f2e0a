import type { IncomingMessage, ServerResponse } from 'node:http';

import { gdpOf } from '../../processor/logins/gdp.ts';
import { STATE_CODES } from '../../processor/logins/states.ts';
import { notReady } from '../live/graphql/api-error.ts';
import { insightsAnswer } from './results/insights-result.ts';
import { totalOf } from './rows/count-row.ts';
import type { LiveModel } from '../live/tables/live-model.ts';
import {
  accepts,
  answersNotModified,
  etagOf,
  refusesMethod,
  sendBody,
  sendError,
  sendJson,
} from '../live/server/http-responses.ts';

const JSON_TYPE = 'application/json';

interface StateData {
  readonly gdp: string;
  readonly ios: number;
  readonly android: number;
  readonly others: number;
  readonly total: number;
}

/** States with a login, by code. */
export function stateData(model: LiveModel): Record<string, StateData> {
  const data: Record<string, StateData> = {};
  for (const code of STATE_CODES) {
    const row = model.states.get(code);
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
export const REST_RESULTS: Readonly<Record<string, (model: LiveModel) => unknown>> = {
  '/data': stateData,
  '/insights': (model) => insightsAnswer(model).sentences,
};

export function answerRest(
  model: LiveModel,
  result: (model: LiveModel) => unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (refusesMethod(request, response, ['GET', 'HEAD'])) return;
  if (!accepts(request, JSON_TYPE))
    return sendJson(request, response, 406, { error: `This path gives ${JSON_TYPE} only.` });
  if (!model.tableState.caughtUpOnce) {
    response.setHeader('retry-after', 1);
    return sendError(request, response, 503, 'NOT_READY', notReady().message);
  }
  const body = JSON.stringify(result(model));
  // Kept by nobody without asking: the numbers change all the time, but often enough they did not.
  response.setHeader('cache-control', 'no-cache');
  if (!answersNotModified(request, response, etagOf(body)))
    sendBody(request, response, 200, `${JSON_TYPE}; charset=utf-8`, body);
}
