import type { IncomingMessage } from 'node:http';
import { types } from 'node:util';

import type { Logger } from '@tributary/streams';

/** By what an application tells who asks. */
export interface ViewerInput {
  /**
   * The headers of the request, or of a WebSocket's handshake, by their names in lower case. One that came several
   * times is one text, joined by commas (`cookie` by semicolons); of those that HTTP allows once, such as
   * `authorization`, it is the first.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** What a WebSocket's client sent with `connection_init`; undefined for a request. */
  readonly connectionParams: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Who asks: anything that resolvers and rights decide by, null for somebody unknown. An object may have `expiresAt`, a
 * Date at which it ends. Throws, or rejects, for whom nothing is served; must answer within ten seconds.
 */
export type ViewerFunction = (input: ViewerInput) => unknown;

/** A viewer, for one request or for the life of one WebSocket. */
export interface KnownViewer {
  /** What resolvers find in their context: `viewer`, and what the application adds. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds; null for one who does not expire. */
  readonly expiresAtMs: number | null;
}

/** Under which a context holds when its viewer expires, where nothing else ends what he asked for. */
export const EXPIRES_AT_MS: unique symbol = Symbol('expiresAtMs');

const NO_ANSWER: unique symbol = Symbol('no answer');

/** How long an application may take to say who asks. */
const ANSWER_WITHIN_MS = 10_000;

export function isExpired({ expiresAtMs }: KnownViewer): boolean {
  return expiresAtMs !== null && expiresAtMs <= Date.now();
}

interface ViewersOptions {
  /** Undefined: all are let in, as nobody in particular. */
  readonly viewer?: ViewerFunction | undefined;
  /** What resolvers find in their context beside `viewer`; made once for each request and each WebSocket. */
  readonly context?: ((viewer: unknown) => Readonly<Record<string, unknown>>) | undefined;
  readonly logger: Logger;
  /** How long `viewer` may take; ten seconds unless a test sets less. */
  readonly viewerWithinMs?: number | undefined;
}

/** Asks the application who asks. */
export class Viewers {
  readonly #options: ViewersOptions;

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  /**
   * Null for one to whom nothing is served; why is in the log alone. Rejects only with what the option `context`
   * throws.
   */
  async of(
    { headers }: IncomingMessage,
    connectionParams?: Readonly<Record<string, unknown>>,
  ): Promise<KnownViewer | null> {
    const { viewer: ask, context } = this.#options;
    if (ask === undefined) return { context: { ...context?.(undefined) }, expiresAtMs: null };
    const answered = await this.#ask(ask, { headers: plainHeaders(headers), connectionParams });
    if (answered === null) return null;
    const { viewer, expiresAtMs } = answered;
    return { context: { ...context?.(viewer), viewer }, expiresAtMs };
  }

  async #ask(ask: ViewerFunction, input: ViewerInput): Promise<AnsweredViewer | null> {
    const { logger, viewerWithinMs = ANSWER_WITHIN_MS } = this.#options;
    try {
      const viewer = await within(viewerWithinMs, () => ask(input));
      if (viewer !== NO_ANSWER) return this.#checked(viewer);
      logger.error({ viewerWithinMs }, 'the option viewer did not answer in time: the request was refused');
    } catch (error) {
      logger.debug({ err: error }, 'the option viewer refused a request');
    }
    return null;
  }

  #checked(viewer: unknown): AnsweredViewer | null {
    const { logger } = this.#options;
    const expiresAt: unknown =
      typeof viewer === 'object' && viewer !== null && 'expiresAt' in viewer ? viewer.expiresAt : undefined;
    if (expiresAt === undefined) return { viewer, expiresAtMs: null };
    const expiresAtMs = types.isDate(expiresAt) ? expiresAt.getTime() : NaN;
    if (Number.isNaN(expiresAtMs)) {
      const is = types.isDate(expiresAt) ? 'an invalid Date' : expiresAt === null ? 'null' : typeof expiresAt;
      logger.error(
        { expiresAt: is },
        'what the option viewer answered has an expiresAt that is no Date: the request was refused. Answer a Date, ' +
          'or leave it out for one who does not expire',
      );
      return null;
    }
    if (expiresAtMs > Date.now()) return { viewer, expiresAtMs };
    logger.debug({ expiresAt: new Date(expiresAtMs).toISOString() }, 'the viewer of a request has expired');
    return null;
  }
}

interface AnsweredViewer {
  readonly viewer: unknown;
  readonly expiresAtMs: number | null;
}

/** What `ask` answers, or NO_ANSWER when that takes longer than `ms`. */
async function within(ms: number, ask: () => unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(NO_ANSWER), ms).unref();
  });
  try {
    return await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function plainHeaders(headers: IncomingMessage['headers']): Readonly<Record<string, string>> {
  const plain = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  return Object.fromEntries(plain);
}
