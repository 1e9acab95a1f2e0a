/**
 * What a live connection to the API is, whatever carries it. A connection is one-shot: when it is lost it is thrown
 * away, and the live feed makes the next one. So back-off, resume and the words on screen are the same for both kinds.
 */

/** An error that the API gave an operation, with its stable code. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** Why a connection ended, or never began. */
export class LostConnection extends Error {
  readonly why: 'unauthorised' | 'closed';

  constructor(why: 'unauthorised' | 'closed', detail: string) {
    super(detail);
    this.name = 'LostConnection';
    this.why = why;
  }
}

export interface Sink {
  next(data: unknown): void;
  /** The operation failed or the server ended it, or both, one after the other; the connection may still stand. */
  ended(problem: Problem): void;
}

export interface Connection {
  readonly kind: TransportKind;
  /** Starts a subscription; the answer ends it. */
  subscribe(query: string, variables: Record<string, unknown>, sink: Sink): () => void;
  close(): void;
}

export type TransportKind = 'websocket' | 'sse';

export interface ConnectOptions {
  readonly token: string | null;
  /** Anything was heard from the server, a pong included. */
  readonly heard: () => void;
  /** The connection is gone; called at most once, and never after close(). */
  readonly lost: (lost: LostConnection) => void;
}

/** Resolves when the server took the connection; rejects with a {@link LostConnection}. */
export type Connect = (options: ConnectOptions) => Promise<Connection>;

/** Not FORBIDDEN: it is said of one operation, and a page goes on with what else it may see. */
const UNAUTHORISED_CODES: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'UNAUTHORIZED', 'UNAUTHORISED']);

export function isUnauthorised(problem: Problem): boolean {
  return UNAUTHORISED_CODES.has(problem.code);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The first error of a list of GraphQL errors, or one that says that none was readable. */
export function problemFrom(errors: unknown): Problem {
  const first: unknown = Array.isArray(errors) ? errors[0] : errors;
  if (!isRecord(first)) return { code: 'UNKNOWN', message: 'The API answered with an error that cannot be read.' };
  const extensions = first['extensions'];
  const code = isRecord(extensions) && typeof extensions['code'] === 'string' ? extensions['code'] : 'UNKNOWN';
  return { code, message: typeof first['message'] === 'string' ? first['message'] : 'No message was given.' };
}

/** Hands an execution result on: data to next(), errors without data to ended(). */
export function deliver(result: unknown, sink: Sink): void {
  if (isRecord(result) && isRecord(result['data'])) sink.next(result['data']);
  else sink.ended(problemFrom(isRecord(result) ? result['errors'] : undefined));
}
