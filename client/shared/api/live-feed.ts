import { retryWaitMs } from './backoff.ts';
import { probe } from './http.ts';
import { isUnauthorised, LostConnection } from './transport.ts';
import type { Link } from '../state/connection.ts';
import type { Reach } from './http.ts';
import type { Connect, Connection, Problem, TransportKind } from './transport.ts';

/** After this many WebSocket failures with the API answering over HTTP, the feed goes on over server-sent events. */
const WEBSOCKET_FAILURES = 3;
const POLL_MS = 2_000;
/** A subscription that the server ended is asked for again after this long, doubling up to the second figure. */
const RESUBSCRIBE_MS = 1_000;
const RESUBSCRIBE_MAX_MS = 15_000;
/** Silence after which a page that was asleep trusts its connection no more. Pings come every 10 s. */
const SILENCE_MS = 15_000;

/** One live answer that the page wants. */
export interface Channel {
  /** What is asked for: a channel set again under the same key goes on as it is. */
  readonly key: string;
  readonly document: string;
  readonly variables: Record<string, unknown>;
  /** Takes an answer; gives the cursor to resume from, if it has one. */
  readonly take: (data: unknown, resumed: boolean) => string | null;
  readonly problem: (problem: Problem | null) => void;
  /** How to ask once, on a transport that cannot stream everything. */
  readonly poll: ((token: string | null) => Promise<void>) | null;
}

interface ActiveChannel {
  readonly channel: Channel;
  after: string | null;
  stop: () => void;
}

export interface LiveFeedOptions {
  readonly connectors: Readonly<Record<TransportKind, Connect>>;
  readonly onLink: (link: Link) => void;
  readonly probe?: (token: string | null) => Promise<Reach>;
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * Keeps the page's subscriptions alive for as long as it is open: connects, resubscribes each channel from its last
 * cursor, backs off with jitter, falls back to server-sent events, and never gives up except to ask for a token.
 */
export class LiveFeed {
  readonly #options: Required<LiveFeedOptions>;
  readonly #channels = new Map<string, ActiveChannel>();
  #connection: Connection | null = null;
  #link: Link = { phase: 'connecting', attempt: 0 };
  #attempt = 0;
  #webSocketFailures = 0;
  /** The first try comes before anybody asked whether the API is there: it counts once it turned out to be. */
  #unexplainedFailures = 0;
  #token: string | null;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Each try has a number; what an older one reports is ignored. */
  #generation = 0;
  #lastHeardAt = 0;

  constructor(options: LiveFeedOptions, token: string | null) {
    this.#options = { probe, now: Date.now, random: Math.random, ...options };
    this.#token = token;
  }

  /** Epoch milliseconds of the last sign of life of the server; 0 before the first. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  start(): void {
    void this.#connect();
  }

  /** Replaces the token and connects anew with it. */
  setToken(token: string): void {
    this.#token = token;
    // Who sends another token may see other rows: what changed since a cursor is not all that is new.
    for (const active of this.#channels.values()) active.after = null;
    this.#reconnectNow();
  }

  /** Asks for a channel by name, replaces it when its key changed, or drops it (null). */
  set(name: string, wanted: Channel | null): void {
    const active = this.#channels.get(name);
    if (active?.channel.key === wanted?.key) return;
    active?.stop();
    this.#channels.delete(name);
    if (wanted === null) return;
    const added: ActiveChannel = { channel: wanted, after: null, stop: () => undefined };
    this.#channels.set(name, added);
    if (this.#connection) this.#open(added, this.#connection);
  }

  /** The browser came online, the page woke up, or a person asked: look at the connection at once. */
  wake(): void {
    if (this.#link.phase === 'waiting') this.#reconnectNow();
    else if (this.#link.phase === 'live' && this.#options.now() - this.#lastHeardAt > SILENCE_MS) this.#reconnectNow();
  }

  /** The browser says that it is offline. It may be wrong about this API (one on this machine): a new try tells. */
  verify(): void {
    if (this.#link.phase === 'live') this.#reconnectNow();
  }

  #reconnectNow(): void {
    this.#drop();
    this.#attempt = Math.max(1, this.#attempt);
    void this.#connect();
  }

  #show(link: Link): void {
    this.#link = link;
    this.#options.onLink(link);
  }

  #drop(): void {
    // After SSE one WebSocket try comes first again: the proxy in between may be gone, or another network be there.
    if (this.#connection?.kind === 'sse') this.#webSocketFailures = WEBSOCKET_FAILURES - 1;
    this.#generation += 1;
    clearTimeout(this.#retryTimer);
    for (const active of this.#channels.values()) {
      active.stop();
      active.stop = () => undefined;
    }
    this.#connection?.close();
    this.#connection = null;
  }

  async #connect(): Promise<void> {
    const generation = ++this.#generation;
    const current = (): boolean => generation === this.#generation;
    this.#show({ phase: 'connecting', attempt: this.#attempt });
    let kind: TransportKind = 'websocket';
    let reachable = false;
    try {
      if (this.#attempt > 0) {
        const reach = await this.#options.probe(this.#token);
        if (!current()) return;
        if (reach === 'reachable') this.#webSocketFailures += this.#unexplainedFailures;
        this.#unexplainedFailures = 0;
        if (reach !== 'reachable')
          throw new LostConnection(reach === 'unauthorised' ? 'unauthorised' : 'closed', 'the API does not answer');
        reachable = true;
      }
      if (this.#webSocketFailures >= WEBSOCKET_FAILURES) kind = 'sse';
      const connection = await this.#options.connectors[kind]({
        token: this.#token,
        heard: () => {
          if (current()) this.#lastHeardAt = this.#options.now();
        },
        lost: (lost) => {
          if (current()) this.#lost(lost);
        },
      });
      if (!current()) {
        connection.close();
        return;
      }
      if (kind === 'websocket') this.#webSocketFailures = 0;
      this.#connection = connection;
      this.#lastHeardAt = this.#options.now();
      this.#show({ phase: 'live', transport: kind });
      for (const active of this.#channels.values()) this.#open(active, connection);
    } catch (error) {
      if (!current()) return;
      if (kind === 'websocket' && reachable) this.#webSocketFailures += 1;
      else if (this.#attempt === 0) this.#unexplainedFailures = 1;
      this.#lost(error instanceof LostConnection ? error : new LostConnection('closed', String(error)));
    }
  }

  #lost(lost: LostConnection): void {
    this.#drop();
    if (lost.why === 'unauthorised') {
      this.#show({ phase: 'unauthorised' });
      return;
    }
    this.#attempt += 1;
    const waitMs = retryWaitMs(this.#attempt, this.#options.random());
    this.#show({
      phase: 'waiting',
      attempt: this.#attempt,
      retryAt: this.#options.now() + waitMs,
      detail: lost.message,
    });
    this.#retryTimer = setTimeout(() => void this.#connect(), waitMs);
  }

  #open(active: ActiveChannel, connection: Connection): void {
    if (connection.kind === 'sse' && active.channel.poll) this.#poll(active, active.channel.poll);
    else this.#subscribe(active, connection, RESUBSCRIBE_MS);
  }

  #subscribe(active: ActiveChannel, connection: Connection, nextWaitMs: number): void {
    const { channel: wanted } = active;
    let first = true;
    let stopped = false;
    let over = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    const variables = active.after === null ? wanted.variables : { ...wanted.variables, after: active.after };
    const unsubscribe = connection.subscribe(wanted.document, variables, {
      next: (data) => {
        if (stopped) return;
        this.#attempt = 0;
        this.#lastHeardAt = this.#options.now();
        active.after = wanted.take(data, first) ?? null;
        if (first) wanted.problem(null);
        first = false;
      },
      ended: (problem) => {
        // The end that we asked for is reported too; and a failed operation ends twice, by its error and by the
        // server's word after it: asked for again each time, it would be asked for ever more often.
        if (stopped || over) return;
        over = true;
        if (isUnauthorised(problem)) {
          this.#lost(new LostConnection('unauthorised', problem.code));
          return;
        }
        if (problem.code !== 'ENDED') wanted.problem(problem);
        const waitMs = first ? nextWaitMs : RESUBSCRIBE_MS;
        again = setTimeout(() => this.#subscribe(active, connection, Math.min(RESUBSCRIBE_MAX_MS, waitMs * 2)), waitMs);
      },
    });
    active.stop = () => {
      stopped = true;
      clearTimeout(again);
      unsubscribe();
    };
  }

  #poll(active: ActiveChannel, ask: (token: string | null) => Promise<void>): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const round = async (): Promise<void> => {
      try {
        await ask(this.#token);
        this.#attempt = 0;
        this.#lastHeardAt = this.#options.now();
      } catch {
        // What went wrong was told through problem(); a page that polls simply asks again.
      }
      if (!stopped) timer = setTimeout(() => void round(), POLL_MS);
    };
    void round();
    active.stop = () => {
      stopped = true;
      clearTimeout(timer);
    };
  }
}
