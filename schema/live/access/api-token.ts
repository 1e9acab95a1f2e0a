import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Checks whether a caller holds the API's token, in constant time whatever its length. */
export class TokenCheck {
  readonly #digest: Buffer | null;

  /** `token`: undefined when everybody may call. */
  constructor(token: string | undefined) {
    this.#digest = token === undefined ? null : digestOf(token);
  }

  get required(): boolean {
    return this.#digest !== null;
  }

  accepts(token: unknown): boolean {
    if (this.#digest === null) return true;
    return typeof token === 'string' && timingSafeEqual(digestOf(token), this.#digest);
  }

  acceptsRequest(request: IncomingMessage): boolean {
    return this.accepts(bearerToken(request.headers.authorization));
  }

  /** `connectionParams` of a WebSocket: `token`, or an `authorization` as the header has it. */
  acceptsConnection(
    connectionParams: Readonly<Record<string, unknown>> | undefined,
    request: IncomingMessage,
  ): boolean {
    if (this.acceptsRequest(request)) return true;
    const { token, authorization, Authorization } = connectionParams ?? {};
    return this.accepts(token) || this.accepts(bearerToken(authorization ?? Authorization));
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function bearerToken(authorization: unknown): string | undefined {
  return typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization)?.[1] : undefined;
}
