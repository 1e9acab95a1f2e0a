import type { Problem } from '../api/transport.ts';
import type { Link } from './connection.ts';

/** An answer and when it came, epoch milliseconds. */
export interface Dated<T> {
  readonly value: T;
  readonly receivedAt: number;
}

/** The state of a live page beside what it is about: `TData` is what the API told it, each `TPanel` a part of that. */
export interface LiveState<TData, TPanel extends string> {
  /** The page's clock, once a second; epoch milliseconds. */
  readonly now: number;
  /** Last sign of life of the API; 0 before the first. */
  readonly lastHeardAt: number;
  /** When each panel's last answer came. */
  readonly heardAt: Partial<Readonly<Record<TPanel, number>>>;
  readonly link: Link;
  readonly browserOnline: boolean;
  /** The newest data. */
  readonly data: TData;
  /** What the views draw: the newest, or what was there when the page was paused. */
  readonly shown: TData;
  readonly pausedAt: number | null;
  /** Updates that came in and are not shown. */
  readonly held: number;
  readonly problems: Partial<Readonly<Record<TPanel, Problem>>>;
}

export function initialLiveState<TData, TPanel extends string>(noData: TData, now: number): LiveState<TData, TPanel> {
  return {
    now,
    lastHeardAt: 0,
    heardAt: {},
    link: { phase: 'connecting', attempt: 0 },
    browserOnline: true,
    data: noData,
    shown: noData,
    pausedAt: null,
    held: 0,
    problems: {},
  };
}

export function withProblem<TPanel extends string, T extends LiveState<unknown, TPanel>>(
  state: T,
  panel: TPanel,
  problem: Problem | null,
): T {
  const problems = { ...state.problems };
  delete problems[panel];
  return { ...state, problems: problem === null ? problems : { ...problems, [panel]: problem } };
}

/** Notes when a panel's answer came. */
export function withHeard<TPanel extends string, T extends LiveState<unknown, TPanel>>(
  state: T,
  panel: TPanel,
  at: number,
): T {
  return { ...state, heardAt: { ...state.heardAt, [panel]: at } };
}

/**
 * Up to when what a panel has is known to be all there is, epoch milliseconds; 0 before its first answer. Each panel
 * has a clock of its own: a subscription that failed stops one panel and not the others. Silence is no age where
 * nothing changed; where reports come by the clock (`reports`), it is one.
 */
export function knownUntil<TPanel extends string>(
  { link, problems, heardAt, now, lastHeardAt }: LiveState<unknown, TPanel>,
  panel: TPanel,
  reports: boolean,
): number {
  const own = heardAt[panel] ?? 0;
  if (own === 0 || problems[panel]) return own;
  if (link.phase !== 'live') return Math.max(own, lastHeardAt);
  return reports ? own : now;
}

/** The moment that the views draw for: the clock, or when the page was paused. */
export function shownNow(state: LiveState<unknown, string>): number {
  return state.pausedAt ?? state.now;
}
