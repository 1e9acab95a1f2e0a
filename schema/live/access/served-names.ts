import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * The host names under which this API is served. Any site can let its own name resolve to this machine's address (DNS
 * rebinding), and its pages then have the same origin as this API. So requests under a name that was not configured
 * here are refused. Requests under an IP address are served.
 */
export class ServedNames {
  readonly #names: Set<string>;

  /** `allowed`: names, without ports, besides those that every machine has. */
  constructor(allowed: readonly string[]) {
    this.#names = new Set(['localhost', hostname(), ...allowed].map(canonical));
  }

  /** `name`: one more, such as what is listened on. */
  add(name: string): void {
    this.#names.add(canonical(name));
  }

  /** Whether `request` asks for an address or a name of ours; one that names no host was sent by no browser. */
  serves({ headers }: IncomingMessage): boolean {
    const { host } = headers;
    if (host === undefined) return true;
    if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return false;
    const name = canonical(new URL(`http://${host}`).hostname);
    return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || name.endsWith('.localhost') || this.#names.has(name);
  }
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
