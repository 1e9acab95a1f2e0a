import type { IncomingMessage, ServerResponse } from 'node:http';

const PREFLIGHT_CACHED_S = 600;

/**
 * The scheme by which the client asked, as far as it is known: a proxy says so, or this connection is encrypted. For a
 * WebSocket it is the scheme of the page.
 */
function knownScheme({ headers, socket }: IncomingMessage): string | undefined {
  const forwarded = String(headers['x-forwarded-proto'] ?? '')
    .split(',')[0]
    ?.trim()
    .toLowerCase();
  if (forwarded !== undefined && forwarded !== '') return forwarded.replace(/^ws/, 'http');
  return 'encrypted' in socket ? 'https' : undefined;
}

/**
 * Whether `origin` is the origin of `host`: scheme, name and port. What a proxy in front of this server speaks is in
 * X-Forwarded-Proto, or follows from the port 443. A host without a port stands for the default port of either scheme.
 */
function isOwn(origin: string, host: string, request: IncomingMessage): boolean {
  const port = /:(\d+)$/.exec(host)?.[1];
  const known = knownScheme(request);
  const schemes =
    known !== undefined ? [known] : port === undefined ? ['http', 'https'] : [port === '443' ? 'https' : 'http'];
  if (!URL.canParse(origin)) return false;
  return schemes.some(
    (scheme) => URL.canParse(`${scheme}://${host}`) && new URL(`${scheme}://${host}`).origin === new URL(origin).origin,
  );
}

type OriginKind = 'none' | 'same' | 'allowed' | 'foreign';

/** Which pages may use this API from a browser: its own pages, and those of the listed origins, compared exactly. */
export class OriginPolicy {
  readonly #allowed: ReadonlySet<string>;

  constructor(allowedOrigins: readonly string[]) {
    this.#allowed = new Set(allowedOrigins);
  }

  /** `none`: no browser, or a browser's request whose response no other origin's script can read. */
  kindOf(request: IncomingMessage): OriginKind {
    const { origin, host } = request.headers;
    if (origin === undefined) return 'none';
    if (this.#allowed.has(origin)) return 'allowed';
    return isOwn(origin, host ?? '', request) ? 'same' : 'foreign';
  }

  /**
   * Whether another site's page made a browser send this: by the origin, or, where a simple GET names none, by what the
   * browser says in Sec-Fetch-Site.
   */
  isForeign(request: IncomingMessage): boolean {
    const kind = this.kindOf(request);
    if (kind !== 'none') return kind === 'foreign';
    const site = request.headers['sec-fetch-site'];
    return (site === 'cross-site' || site === 'same-site') && request.headers['sec-fetch-mode'] !== 'navigate';
  }

  /** Lets an allowed origin's script read the response. Credentials are never allowed: the API uses none. */
  setHeaders(request: IncomingMessage, response: ServerResponse): void {
    response.appendHeader('vary', 'Origin');
    if (this.kindOf(request) === 'allowed')
      response.setHeader('access-control-allow-origin', request.headers.origin as string);
  }

  /** Responds to a preflight, by which a browser asks whether it may send a request. */
  sendPreflight(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): void {
    this.setHeaders(request, response);
    const kind = this.kindOf(request);
    if (kind === 'allowed') {
      response.setHeader('access-control-allow-methods', methods.join(', '));
      response.setHeader('access-control-allow-headers', 'accept, authorization, content-type');
      response.setHeader('access-control-max-age', PREFLIGHT_CACHED_S);
    }
    response.setHeader('allow', [...methods, 'OPTIONS'].join(', '));
    response.statusCode = kind === 'foreign' ? 403 : 204;
    response.end();
  }
}
