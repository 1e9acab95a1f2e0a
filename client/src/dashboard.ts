/** Ties the API's live answers, the clock, the address bar and what people do to the page's one state. */
import { LiveFeed } from '../shared/api/live-feed.ts';
import { QueryError } from '../shared/api/http.ts';
import { connectors } from '../shared/api/connectors.ts';
import { startPageClock } from '../shared/page-clock.ts';
import { storedToken, storeToken } from '../shared/token.ts';
import { NewsBatch } from '../shared/state/news-batch.ts';
import { Store } from '../shared/state/store.ts';
import { followTasks } from '../shared/state/task-moves.ts';
import { applyTheme } from '../shared/theme.ts';
import { channel } from './api/channel.ts';
import {
  DataQualityLiveDocument,
  DataQualityNowDocument,
  InsightsLiveDocument,
  InsightsNowDocument,
  ProcessorLiveDocument,
  ProcessorNowDocument,
  StatesLiveDocument,
  TimeSeriesLiveDocument,
} from './api/documents.ts';
import { query } from './api/query.ts';
import { withHeard, withProblem } from '../shared/state/live-state.ts';
import { initialState, pause, resume, withData } from './state/dashboard-state.ts';
import { RANGES, windowsFor } from './state/ranges.ts';
import { RateRing } from './state/rate-ring.ts';
import { applySeriesUpdate, emptySeries, seriesKey } from './state/series-model.ts';
import { applyStatesUpdate } from './state/states-model.ts';
import { readUrl, writeUrl } from './url-state.ts';
import type { Channel } from '../shared/api/live-feed.ts';
import type { Problem } from '../shared/api/transport.ts';
import type { TypedDocumentString } from './api/documents.ts';
import type { StateCode, TimeSeriesUpdate } from './api/types.ts';
import type { DashboardState, LiveData, Panel } from './state/dashboard-state.ts';
import type { SeriesModel } from './state/series-model.ts';
import type { Preferences } from './url-state.ts';

const STATES_INTERVAL_MS = 250;
const SLOW_INTERVAL_MS = 1_000;
/**
 * News is drawn at once after a quiet spell, and then at most twice a second: digits that change more often than that
 * can be read by nobody, and cost twice as much.
 */
const DRAW_EVERY_MS = 500;
const RATE_SECONDS = 60;
export const RATE_OVER_SECONDS = 10;

export class Dashboard {
  readonly store: Store<DashboardState>;
  readonly #feed: LiveFeed;
  readonly #rate = new RateRing(RATE_SECONDS);
  readonly #news = new NewsBatch<DashboardState>(DRAW_EVERY_MS, (change) => this.#update(change));

  constructor() {
    this.store = new Store({ ...initialState(readUrl(location.search), Date.now()), browserOnline: navigator.onLine });
    this.#feed = new LiveFeed(
      {
        connectors,
        onLink: (link) =>
          this.#update((state) => ({ ...state, link, now: Date.now(), lastHeardAt: this.#feed.lastHeardAt })),
      },
      storedToken(),
    );
  }

  start(): void {
    applyTheme(this.store.get().preferences);
    this.#followPreferences();
    this.#feed.start();
    startPageClock({
      tick: (now, slept) => this.#tick(now, slept),
      network: (browserOnline) => {
        this.#update((state) => ({ ...state, browserOnline }));
        if (browserOnline) this.#feed.wake();
        else this.#feed.verify();
      },
    });
    addEventListener('popstate', () => this.#setPreferences(readUrl(location.search)));
    document.addEventListener('fullscreenchange', () => {
      if (!document.fullscreenElement && this.store.get().preferences.wall) this.prefer({ wall: false });
    });
  }

  /** Changes what is shown and the address with it; `push` makes a step that the Back button undoes. */
  prefer(patch: Partial<Preferences>, push = false): void {
    const preferences = { ...this.store.get().preferences, ...patch };
    const address = `${location.pathname}${writeUrl(preferences)}${location.hash}`;
    if (push) history.pushState(null, '', address);
    else history.replaceState(history.state, '', address);
    this.#setPreferences(preferences);
  }

  togglePause(): void {
    this.#update((state) => (state.pausedAt === null ? pause(state, Date.now()) : resume(state)));
  }

  retryNow(): void {
    this.#feed.wake();
  }

  useToken(token: string): void {
    storeToken(token);
    this.#feed.setToken(token);
  }

  #update(change: (state: DashboardState) => DashboardState): void {
    this.store.update(change);
  }

  #setPreferences(preferences: Preferences): void {
    this.#update((state) => ({ ...state, preferences }));
    applyTheme(preferences);
    this.#followPreferences();
  }

  #tick(now: number, slept: boolean): void {
    if (slept) this.#feed.wake();
    const { data, link } = this.store.get();
    if (slept || link.phase !== 'live') this.#rate.reset();
    else if (data.states) this.#rate.push(now, data.states.totals.total);
    const rate = { perSecond: this.#rate.rate(RATE_OVER_SECONDS), steps: this.#rate.steps() };
    this.#news.add((state) => {
      const next = { ...state, now, lastHeardAt: this.#feed.lastHeardAt, data: { ...state.data, rate } };
      return state.pausedAt === null ? { ...next, shown: { ...state.shown, rate } } : next;
    });
  }

  /** A panel's news: applied with what else comes in meanwhile, dated with when it came. */
  #take(panel: Panel, patch: (data: LiveData, at: number) => Partial<LiveData>): void {
    const at = Date.now();
    this.#news.add((state) => withHeard(withData(state, patch(state.data, at)), panel, at));
  }

  #problem(panel: Panel): (problem: Problem | null) => void {
    return (problem) => this.#update((state) => withProblem(state, panel, problem));
  }

  /** Asks the feed for what the chosen view needs, and for nothing else. */
  #followPreferences(): void {
    const { view, state } = this.store.get().preferences;
    const overview = view === 'overview';
    this.#feed.set('states', this.#statesChannel());
    // A series is as good as its subscription: what is no longer followed is forgotten, not shown as silence.
    const dropped = {
      ...(overview ? {} : { series: null }),
      ...(overview && state !== null ? {} : { stateSeries: null }),
    };
    this.#update((current) => ({
      ...current,
      data: { ...current.data, ...dropped },
      shown: current.pausedAt === null ? { ...current.shown, ...dropped } : current.shown,
    }));
    this.#feed.set('series', overview ? this.#seriesChannel('series', null) : null);
    this.#feed.set('stateSeries', overview && state !== null ? this.#seriesChannel('stateSeries', state) : null);
    this.#feed.set(
      'insights',
      overview
        ? this.#wholeChannel(
            'insights',
            InsightsLiveDocument,
            InsightsNowDocument,
            ({ insights: value }, _, receivedAt) => ({ insights: { value, receivedAt } }),
          )
        : null,
    );
    this.#feed.set(
      'quality',
      this.#wholeChannel(
        'quality',
        DataQualityLiveDocument,
        DataQualityNowDocument,
        ({ dataQuality: value }, _, receivedAt) => ({ quality: { value, receivedAt } }),
      ),
    );
    this.#feed.set(
      'processor',
      this.#wholeChannel(
        'processor',
        ProcessorLiveDocument,
        ProcessorNowDocument,
        ({ processor: value }, { homes }, receivedAt) => ({
          processor: { value, receivedAt },
          homes: followTasks(homes, value, receivedAt),
        }),
      ),
    );
  }

  #statesChannel(): Channel {
    return channel(
      'all',
      StatesLiveDocument,
      { intervalMs: STATES_INTERVAL_MS },
      {
        take: ({ states: update }, resumed) => {
          // What came in during an absence is no rate.
          if (resumed || update.kind === 'SNAPSHOT') this.#rate.reset();
          this.#take('states', ({ states }) => ({ states: applyStatesUpdate(states, update) }));
          return update.cursor;
        },
        problem: this.#problem('states'),
      },
    );
  }

  #seriesChannel(panel: 'series' | 'stateSeries', code: StateCode | null): Channel {
    const { range: name } = this.store.get().preferences;
    const range = RANGES[name];
    const windows = windowsFor(range);
    const key = seriesKey(name, code);
    const merge = (model: SeriesModel | null, update: TimeSeriesUpdate, resumed: boolean): SeriesModel =>
      applySeriesUpdate(model?.key === key ? model : emptySeries(key, range.windowMs, windows), update, resumed);
    return channel(
      key,
      TimeSeriesLiveDocument,
      {
        resolution: range.resolution,
        windows,
        intervalMs: SLOW_INTERVAL_MS,
        ...(code === null ? {} : { states: [code] }),
      },
      {
        take: ({ timeSeries }, resumed) => {
          this.#take(panel, (data) => ({ [panel]: merge(data[panel], timeSeries, resumed) }));
          return timeSeries.cursor;
        },
        problem: this.#problem(panel),
      },
    );
  }

  /** A small answer that comes whole each time: streamed, or asked for again and again where streams are few. */
  #wholeChannel<T>(
    panel: Panel,
    live: TypedDocumentString<T, { intervalMs?: number | null }>,
    once: TypedDocumentString<T, Record<string, never>>,
    patch: (answer: T, data: LiveData, at: number) => Partial<LiveData>,
  ): Channel {
    const take = (answer: T): null => {
      this.#take(panel, (data, at) => patch(answer, data, at));
      return null;
    };
    return channel(
      'all',
      live,
      { intervalMs: SLOW_INTERVAL_MS },
      {
        take,
        problem: this.#problem(panel),
        poll: (token) => this.#poll(panel, query(once, {}, token).then(take)),
      },
    );
  }

  async #poll(panel: Panel, asked: Promise<null>): Promise<void> {
    try {
      await asked;
      this.#problem(panel)(null);
    } catch (error) {
      if (error instanceof QueryError) this.#problem(panel)(error.problem);
      throw error;
    }
  }
}
