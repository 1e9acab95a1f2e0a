import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ErrorCode } from '../graphql/api-error.ts';

/** Sends a whole body; for HEAD its headers only. */
export function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.setHeader('content-length', bytes.length);
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

export function sendJson(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  sendBody(request, response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

/** An error in the shape that GraphQL clients know, for requests that never reach GraphQL. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: ErrorCode,
  message: string,
): void {
  response.setHeader('cache-control', 'no-store');
  sendJson(request, response, status, { errors: [{ message, extensions: { code } }] });
}

/** Whether the request's method is none of `methods`; then 405 is sent. */
export function refusesMethod(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): boolean {
  if (methods.includes(request.method ?? '')) return false;
  response.setHeader('allow', methods.join(', '));
  sendJson(request, response, 405, { error: `This path takes ${methods.join(' and ')} only.` });
  return true;
}

export function etagOf(body: string | Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/** Whether the client already has the body with this ETag; then 304 is sent. */
export function sendNotModified(request: IncomingMessage, response: ServerResponse, etag: string): boolean {
  response.setHeader('etag', etag);
  const known = request.headers['if-none-match'];
  if (known === undefined) return false;
  const matches = known.trim() === '*' || known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
  if (!matches) return false;
  response.statusCode = 304;
  response.end();
  return true;
}

/** Whether an Accept header leaves room for `type`, a full media type. */
export function accepts(request: IncomingMessage, type: string): boolean {
  const header = request.headers.accept;
  if (header === undefined || header.trim() === '') return true;
  const [major] = type.split('/') as [string];
  let best = { specificity: -1, quality: 0 };
  for (const part of header.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const specificity = [`*/*`, `${major}/*`, type].indexOf(range);
    if (specificity < best.specificity || specificity === -1) continue;
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    best = { specificity, quality: Number.isNaN(quality) ? 1 : quality };
  }
  return best.quality > 0;
}
