import type { TransportKind } from '../api/transport.ts';

/** Where the link to the API stands. `attempt` counts tries since the last loss; 0 is a page that is just opening. */
export type Link =
  | { readonly phase: 'connecting'; readonly attempt: number }
  | { readonly phase: 'live'; readonly transport: TransportKind }
  | { readonly phase: 'waiting'; readonly attempt: number; readonly retryAt: number; readonly detail: string }
  | { readonly phase: 'unauthorised' };

/** What the header says about the page's data, most important thing first. */
export type Status =
  | { readonly kind: 'opening' }
  | { readonly kind: 'live' }
  | { readonly kind: 'paused'; readonly held: number }
  | {
      readonly kind: 'catching-up';
      readonly restoring: { readonly done: number; readonly of: number } | null;
      readonly lag: number | null;
    }
  | { readonly kind: 'no-processor' }
  | { readonly kind: 'reconnecting'; readonly attempt: number; readonly inSeconds: number | null }
  | {
      readonly kind: 'offline';
      readonly attempt: number;
      readonly inSeconds: number | null;
      readonly asOf: string | null;
    }
  | { readonly kind: 'unauthorised' };

export interface StatusInput {
  readonly link: Link;
  readonly browserOnline: boolean;
  readonly now: number;
  readonly paused: boolean;
  readonly held: number;
  /** Null before the first answer. */
  readonly complete: boolean | null;
  readonly lag: number | null;
  /** Records a second that the processors report. */
  readonly recordsPerSecond: number;
  readonly restoring: { readonly done: number; readonly of: number } | null;
  readonly asOf: string | null;
  /** Processor instances that report; null before the API said. */
  readonly processors: number | null;
}

/** From this attempt on the page calls itself offline. */
const OFFLINE_FROM_ATTEMPT = 4;
/** A backlog is "catching up" when it is more than this many seconds of work and more than this many records. */
const BACKLOG_SECONDS = 3;
const BACKLOG_RECORDS = 1_000;

function isBehind(lag: number | null, recordsPerSecond: number): boolean {
  return lag !== null && lag > BACKLOG_RECORDS && lag > recordsPerSecond * BACKLOG_SECONDS;
}

/** The one state that the header shows. Broken links come before pauses: a paused page must not hide an outage. */
export function statusOf(input: StatusInput): Status {
  const { link } = input;
  if (link.phase === 'unauthorised') return { kind: 'unauthorised' };
  if (link.phase !== 'live') {
    if (link.phase === 'connecting' && link.attempt === 0) return { kind: 'opening' };
    const inSeconds = link.phase === 'waiting' ? Math.max(0, Math.ceil((link.retryAt - input.now) / 1000)) : null;
    return input.browserOnline && link.attempt < OFFLINE_FROM_ATTEMPT
      ? { kind: 'reconnecting', attempt: link.attempt, inSeconds }
      : { kind: 'offline', attempt: link.attempt, inSeconds, asOf: input.asOf };
  }
  if (input.paused) return { kind: 'paused', held: input.held };
  if (input.complete === null) return { kind: 'opening' };
  // Somebody works, and of some partitions nobody says yet how much waits in them.
  const waitsUnknown = input.lag === null && input.processors !== null && input.processors > 0;
  if (!input.complete || input.restoring !== null || waitsUnknown || isBehind(input.lag, input.recordsPerSecond)) {
    return { kind: 'catching-up', restoring: input.restoring, lag: input.lag };
  }
  return input.processors === 0 ? { kind: 'no-processor' } : { kind: 'live' };
}
