import type { IncomingMessage } from 'node:http';
import { getOperationAST, parse } from 'graphql';

import { tokenLimitError } from '../limits/request-limits.ts';

/** Whether a body begins a subscription. False also for what cannot be read: the engine responds to that. */
export function asksToSubscribe(body: string): boolean {
  try {
    const { query, operationName } = JSON.parse(body) as { readonly query?: unknown; readonly operationName?: unknown };
    if (typeof query !== 'string' || tokenLimitError(query) !== null) return false;
    const named = typeof operationName === 'string' && operationName !== '' ? operationName : null;
    return getOperationAST(parse(query), named)?.operation === 'subscription';
  } catch {
    return false;
  }
}

/** Whether a body is JSON by its content-type. */
export function isJson(contentType: string | undefined): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/json' || type === 'application/graphql+json';
}

/**
 * Whether a GET was sent on purpose: by our own page, or with a header that another site's page can only send after a
 * preflight.
 */
export function couldNotBeSimple({ headers }: IncomingMessage): boolean {
  return (
    headers['sec-fetch-site'] === 'same-origin' ||
    isJson(headers['content-type']) ||
    headers.authorization !== undefined
  );
}

/** Whether the parameters of a GET that hold JSON do. */
export function hasReadableParameters(url: string): boolean {
  const { searchParams } = new URL(url, 'http://localhost');
  return ['variables', 'extensions'].every((name) => {
    const text = searchParams.get(name);
    if (text === null || text === '') return true;
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && !Array.isArray(value);
    } catch {
      return false;
    }
  });
}
