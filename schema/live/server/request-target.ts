import type { IncomingMessage } from 'node:http';

/** A target may be a whole URL, as for a proxy; then its host is the one that is asked. */
export function takeAbsoluteTarget(request: IncomingMessage): void {
  const target = request.url ?? '';
  if (!/^(https?|wss?):\/\//i.test(target) || !URL.canParse(target)) return;
  const { host, pathname, search } = new URL(target);
  request.url = pathname + search;
  request.headers.host = host;
}

/** A request's path without its parameters; null for a target that is no path. */
export function pathOf(request: IncomingMessage): string | null {
  const url = request.url ?? '';
  return url.startsWith('/') && URL.canParse(url, 'http://localhost') ? (url.split(/[?#]/)[0] as string) : null;
}
