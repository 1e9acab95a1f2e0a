import type { IncomingMessage, ServerResponse } from 'node:http';

import type { AnyLiveModel } from '../tables/live-model.ts';
import type { ApiMetrics } from '../operations/api-metrics.ts';
import type { TokenCheck } from '../access/api-token.ts';
import { EXPIRES_AT_MS, type KnownViewer, type Viewers } from '../access/viewers.ts';
import type { DashboardFiles } from '../pages/dashboard-files.ts';
import { tooManyStreams } from '../limits/event-stream-limit.ts';
import { GRAPHIQL_ASSETS, type GraphiqlPage } from '../pages/graphiql-page.ts';
import { GRAPHQL_PATH, type GraphqlEngine } from '../graphql/graphql-engine.ts';
import { type ErrorCode, unauthenticated } from '../graphql/api-error.ts';
import { refusesMethod, sendBody, sendError, sendJson } from './http-responses.ts';
import type { OriginPolicy } from '../access/origins.ts';
import { ACCEPTED_ENCODINGS, isUtf8, readBody, decodedBody } from './request-body.ts';
import { REQUEST_LIMITS } from '../limits/request-limits.ts';
import { asksToSubscribe, couldNotBeSimple, hasReadableParameters, isJson } from './request-checks.ts';
import { type RestResult, type RestResults, sendRestResult } from './rest-responses.ts';

const AUTHENTICATE = 'Bearer realm="Tributary"';

const BODY_IS_READ =
  "a request's body was read before it came to the API's handler: call the handler before anything that parses bodies";

interface RouterParts {
  readonly model: AnyLiveModel;
  readonly engine: GraphqlEngine;
  readonly origins: OriginPolicy;
  readonly token: TokenCheck;
  readonly viewers: Viewers;
  readonly metrics: ApiMetrics;
  /** Null where there is no page. */
  readonly dashboard: DashboardFiles | null;
  readonly restResults: RestResults;
  /** What the page is told beside results. */
  readonly pageData: RestResults;
  /** What the list of origins is called where this API is configured. */
  readonly originsSetting: string;
  /** Null when GraphiQL is switched off. */
  readonly graphiql: GraphiqlPage | null;
  readonly stopping: () => boolean;
  /** True: there is no data any more. */
  readonly closed: () => boolean;
  /** False: no further event stream may be opened. */
  readonly mayStream: () => boolean;
}

/** Serves each request by its path. */
export class RequestRouter {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** A path as metrics and log lines name it: one of a few, whatever a client asks for. */
  labelOf(pathname: string): string {
    const { restResults, pageData } = this.#parts;
    if (
      pathname === '/' ||
      pathname === GRAPHQL_PATH ||
      resultAt(restResults, pathname) ||
      resultAt(pageData, pathname)
    )
      return pathname;
    if (pathname === '/health' || pathname === '/ready' || pathname === '/metrics') return pathname;
    return pathname.startsWith(GRAPHIQL_ASSETS) ? GRAPHIQL_ASSETS : 'file';
  }

  async serve(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rest = resultAt(this.#parts.restResults, pathname);
    if (rest !== undefined) return this.#serveRest(rest, 'from a copy', request, response);
    const told = resultAt(this.#parts.pageData, pathname);
    if (told !== undefined) return this.#serveRest(told, 'without one', request, response);
    switch (pathname) {
      case GRAPHQL_PATH:
        return this.#serveGraphql(request, response);
      case '/health':
        return this.#serveProbe(request, response, 200, { status: 'ok' });
      case '/ready':
        return this.#serveReady(request, response);
      case '/metrics':
        return this.#serveMetrics(request, response);
    }
    const { graphiql, dashboard } = this.#parts;
    if (graphiql !== null && pathname.startsWith(GRAPHIQL_ASSETS))
      return graphiql.serveAsset(pathname, request, response);
    if (dashboard !== null) return dashboard.serve(pathname, request, response);
    if (!refusesMethod(request, response, ['GET', 'HEAD']))
      sendJson(request, response, 404, { error: 'There is nothing at this path.' });
  }

  async #serveRest(
    result: RestResult,
    made: 'from a copy' | 'without one',
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { origins, model } = this.#parts;
    if (request.method === 'OPTIONS') return origins.sendPreflight(request, response, ['GET', 'HEAD']);
    origins.setHeaders(request, response);
    if (this.#refusesForeign(request, response) || this.#isClosed(request, response)) return;
    if (!this.#isAuthorized(request, response)) return;
    const known = await this.#viewerOf(request, response);
    if (known === null) return;
    const hasCopy = made === 'without one' || model.tableState.caughtUpOnce;
    sendRestResult(hasCopy ? () => result(known.context['viewer']) : null, request, response);
  }

  async #serveGraphql(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origins, graphiql, engine } = this.#parts;
    if (request.method === 'OPTIONS') return origins.sendPreflight(request, response, ['GET', 'POST']);
    origins.setHeaders(request, response);
    response.setHeader('cache-control', 'no-store');
    // The page holds no data, and has a place to type the token into.
    if (graphiql?.isVisit(request) === true) return graphiql.servePage(request, response);
    if (this.#refusesForeign(request, response) || this.#isClosed(request, response)) return;
    if (!this.#isAuthorized(request, response)) return;
    if (graphiql === null && request.method === 'GET' && !couldNotBeSimple(request)) {
      return this.#refuse(
        request,
        response,
        403,
        'FORBIDDEN',
        'Any page can make a browser send such a GET: POST the operation as JSON, or send content-type: ' +
          'application/json with it.',
      );
    }
    if (request.method === 'POST' && !isJson(request.headers['content-type'])) {
      // Any page may make a browser post a form or plain text here; JSON it has to ask for first.
      response.setHeader('accept-post', 'application/json');
      return this.#refuse(
        request,
        response,
        415,
        'BAD_USER_INPUT',
        'Send the operation as JSON, with content-type: application/json.',
      );
    }
    if (request.method === 'POST' && !isUtf8(request.headers['content-type']))
      return this.#refuse(
        request,
        response,
        415,
        'BAD_USER_INPUT',
        'JSON is sent as UTF-8: send no other charset in the content-type.',
      );
    if (request.method === 'GET' && !hasReadableParameters(request.url ?? '')) {
      return this.#refuse(
        request,
        response,
        400,
        'BAD_USER_INPUT',
        'The parameters "variables" and "extensions" must be JSON objects.',
      );
    }
    if (request.method === 'POST') {
      if (request.readableDidRead) throw new Error(BODY_IS_READ);
      const body = await readBody(request, REQUEST_LIMITS.bodyBytes);
      if (body === null) {
        response.setHeader('connection', 'close');
        return this.#refuse(
          request,
          response,
          413,
          'QUERY_TOO_LARGE',
          `A request has at most ${REQUEST_LIMITS.bodyBytes} bytes.`,
        );
      }
      const content = await decodedBody(body, request.headers['content-encoding'], REQUEST_LIMITS.bodyBytes);
      if ('problem' in content) return this.#refuseBody(content.problem, request, response);
      // Where the engine looks for a body that has been read.
      Object.assign(request, { body: content.text });
      if (this.#isOneStreamTooMany(content.text, request)) {
        response.setHeader('retry-after', 1);
        return this.#refuse(request, response, 503, 'TOO_MANY_SUBSCRIPTIONS', tooManyStreams().message);
      }
    }
    const known = await this.#viewerOf(request, response);
    if (known !== null) await engine(request, response, { ...known.context, [EXPIRES_AT_MS]: known.expiresAtMs });
  }

  /** Refuses a request before GraphQL, with an error of the same shape, counted in the same way. */
  #refuse(request: IncomingMessage, response: ServerResponse, status: number, code: ErrorCode, message: string): void {
    this.#parts.metrics.errors.inc({ code });
    sendError(request, response, status, code, message);
  }

  /** Whether a body asks for one event stream too many. A query may accept an event stream too, and is let through. */
  #isOneStreamTooMany(body: string, { headers }: IncomingMessage): boolean {
    return headers.accept?.includes('text/event-stream') === true && !this.#parts.mayStream() && asksToSubscribe(body);
  }

  #refuseBody(
    problem: 'unknown encoding' | 'too large' | 'wrong encoding' | 'not utf-8',
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    switch (problem) {
      case 'unknown encoding':
        response.setHeader('accept-encoding', ACCEPTED_ENCODINGS);
        return this.#refuse(
          request,
          response,
          415,
          'BAD_USER_INPUT',
          `A body is sent as it is, or with a content-encoding that is one of ${ACCEPTED_ENCODINGS}.`,
        );
      case 'too large':
        return this.#refuse(
          request,
          response,
          413,
          'QUERY_TOO_LARGE',
          `A request has at most ${REQUEST_LIMITS.bodyBytes} bytes, decodedBody.`,
        );
      case 'wrong encoding':
        return this.#refuse(
          request,
          response,
          400,
          'BAD_USER_INPUT',
          'The body is not what its content-encoding says.',
        );
      case 'not utf-8':
        return this.#refuse(request, response, 400, 'BAD_USER_INPUT', 'The body is not UTF-8.');
    }
  }

  /** Whether a page of another site made a browser send this; then 403 is sent. */
  #refusesForeign(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.#parts.origins.isForeign(request)) return false;
    this.#refuse(
      request,
      response,
      403,
      'FORBIDDEN',
      `Pages of this origin may not use this API: see ${this.#parts.originsSetting}.`,
    );
    return true;
  }

  /** Whether this API was closed while the server that it is a part of goes on; then 503 is sent. */
  #isClosed(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.#parts.closed()) return false;
    response.setHeader('retry-after', 1);
    this.#refuse(request, response, 503, 'NOT_READY', 'This API was closed. Ask another instance, or again later.');
    return true;
  }

  /** Who asks; null when that was refused, and 401 is sent, or when the client left meanwhile. */
  async #viewerOf(request: IncomingMessage, response: ServerResponse): Promise<KnownViewer | null> {
    const known = await this.#parts.viewers.of(request);
    if (response.destroyed) return null;
    if (known !== null) return known;
    response.setHeader('www-authenticate', AUTHENTICATE);
    this.#refuse(request, response, 401, 'UNAUTHENTICATED', unauthenticated().message);
    return null;
  }

  #isAuthorized(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#parts.token.acceptsRequest(request)) return true;
    response.setHeader('www-authenticate', AUTHENTICATE);
    this.#refuse(
      request,
      response,
      401,
      'UNAUTHENTICATED',
      'This API needs a token: send it as "Authorization: Bearer <token>".',
    );
    return false;
  }

  #serveReady(request: IncomingMessage, response: ServerResponse): void {
    const { model, stopping } = this.#parts;
    const reason = stopping() ? 'the API is stopping' : model.notReady;
    if (reason !== null) return this.#serveProbe(request, response, 503, notReady(reason));
    this.#serveProbe(request, response, 200, { status: 'ready' });
  }

  #serveProbe(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
    response.setHeader('cache-control', 'no-store');
    if (!refusesMethod(request, response, ['GET', 'HEAD'])) sendJson(request, response, status, body);
  }

  async #serveMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { registry } = this.#parts.metrics;
    response.setHeader('cache-control', 'no-store');
    if (this.#refusesForeign(request, response)) return;
    if (!refusesMethod(request, response, ['GET', 'HEAD']))
      sendBody(request, response, 200, registry.contentType, await registry.metrics());
  }
}

function resultAt(results: RestResults, path: string): RestResult | undefined {
  return Object.hasOwn(results, path) ? results[path] : undefined;
}

function notReady(reason: string): object {
  return { status: 'not ready', reason };
}
