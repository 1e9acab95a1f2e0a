import type { IncomingMessage, ServerResponse } from 'node:http';

/** Sets the headers that every response has. */
export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}

interface PagePolicy {
  /** Hashes of the page's inline scripts, as `sha256-…`. */
  readonly scriptHashes?: readonly string[];
  /** Allows fonts and workers that the page makes from text it already has. */
  readonly blobs?: boolean;
}

/**
 * Lets a page run its own scripts and talk to this server only, by HTTP and WebSocket. Inline styles are allowed:
 * charts and editors place their parts with them.
 */
export function setPagePolicy(
  request: IncomingMessage,
  response: ServerResponse,
  { scriptHashes = [], blobs = false }: PagePolicy = {},
): void {
  const { host } = request.headers;
  const sockets = host !== undefined && /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  const blob = blobs ? ' blob:' : '';
  response.setHeader(
    'content-security-policy',
    [
      "default-src 'self'",
      `script-src 'self'${scriptHashes.map((hash) => ` '${hash}'`).join('')}`,
      "style-src 'self' 'unsafe-inline'",
      `img-src 'self' data:${blob}`,
      "font-src 'self' data:",
      `worker-src 'self'${blob}`,
      `connect-src 'self'${sockets}`,
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  );
}
