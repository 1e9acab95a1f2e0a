import type { IncomingMessage, ServerResponse } from 'node:http';

import { notReady } from '../graphql/api-error.ts';
import { accepts, sendNotModified, etagOf, refusesMethod, sendBody, sendError, sendJson } from './http-responses.ts';

const JSON_TYPE = 'application/json';

/** A result for the viewer who asks, as plain data. */
export type RestResult = (viewer: unknown) => unknown;

/** What is served as JSON to clients that speak no GraphQL: a result by its path. */
export type RestResults = Readonly<Record<string, RestResult>>;

/** Sends a result as JSON with its ETag; null while there is no copy that it could be made from. */
export function sendRestResult(
  result: (() => unknown) | null,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (refusesMethod(request, response, ['GET', 'HEAD'])) return;
  if (!accepts(request, JSON_TYPE))
    return sendJson(request, response, 406, { error: `This path gives ${JSON_TYPE} only.` });
  if (result === null) {
    response.setHeader('retry-after', 1);
    return sendError(request, response, 503, 'NOT_READY', notReady().message);
  }
  const body = JSON.stringify(result());
  // No client may use a kept copy without asking: the numbers change all the time, but often enough they did not.
  response.setHeader('cache-control', 'no-cache');
  if (!sendNotModified(request, response, etagOf(body)))
    sendBody(request, response, 200, `${JSON_TYPE}; charset=utf-8`, body);
}
