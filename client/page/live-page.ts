/** Ties the API's live answers, the clock, the address bar and what people do to the page's one state. */
import { connectors } from '../shared/api/connectors.ts';
import { ask, QueryError } from '../shared/api/http.ts';
import { LiveFeed } from '../shared/api/live-feed.ts';
import { startPageClock } from '../shared/page-clock.ts';
import { withHeard, withProblem } from '../shared/state/live-state.ts';
import { NewsBatch } from '../shared/state/news-batch.ts';
import { Store } from '../shared/state/store.ts';
import { followTasks } from '../shared/state/task-moves.ts';
import { applyTheme } from '../shared/theme.ts';
import { storedToken, storeToken } from '../shared/token.ts';
import { loadModel } from './api/load-model.ts';
import {
  COPIES_LIVE,
  COPIES_NOW,
  PROCESSOR_LIVE,
  PROCESSOR_NOW,
  rowsPage,
  rowsSubscription,
} from './api/operations.ts';
import { initialState, pause, resume, tableOf, withData } from './state/page-state.ts';
import { Polls } from './state/polls.ts';
import { chartQuestion, isFollowed, rowsLiveQuestion, rowsQuestion } from './state/questions.ts';
import { applyRowsUpdate } from './state/rows.ts';
import { readUrl, writeUrl } from './state/url-state.ts';
import type { Channel } from '../shared/api/live-feed.ts';
import type { Problem } from '../shared/api/transport.ts';
import type { Link } from '../shared/state/connection.ts';
import type { Answers } from './api/answers.ts';
import type { PageTable } from './api/model.ts';
import type { LiveData, PageState, Panel } from './state/page-state.ts';
import type { Question } from './state/questions.ts';
import type { Preferences } from './state/url-state.ts';

/** Without what was asked of tables. */
const NOTHING_ASKED = { rows: null, chart: null, page: null } as const;
const INTERVAL_MS = 1_000;
/** What is not pushed is asked for again this long after its answer. */
const ASK_EVERY_MS = 5_000;
/** Digits that change more often than twice a second can be read by nobody. */
const DRAW_EVERY_MS = 500;

export class LivePage {
  readonly store: Store<PageState>;
  readonly #feed: LiveFeed;
  readonly #news = new NewsBatch<PageState>(DRAW_EVERY_MS, (change) => this.store.update(change));
  readonly #polls = new Polls(ASK_EVERY_MS);
  #token = storedToken();

  constructor() {
    this.store = new Store({ ...initialState(readUrl(location.search), Date.now()), browserOnline: navigator.onLine });
    this.#feed = new LiveFeed({ connectors, onLink: (link) => this.#linked(link) }, this.#token);
  }

  /** Whether this tab was given a token, right or wrong. */
  get hasToken(): boolean {
    return this.#token !== null;
  }

  start(): void {
    applyTheme(this.store.get().preferences);
    this.#follow();
    this.#feed.start();
    startPageClock({
      tick: (now, slept) => {
        if (slept) this.#feed.wake();
        if (this.store.get().link.phase === 'live') this.#polls.run(now);
        this.#news.add((state) => ({ ...state, now, lastHeardAt: this.#feed.lastHeardAt }));
      },
      network: (browserOnline) => {
        this.store.update((state) => ({ ...state, browserOnline }));
        if (browserOnline) this.#feed.wake();
        else this.#feed.verify();
      },
    });
    addEventListener('popstate', () => this.#prefers(readUrl(location.search)));
  }

  /** Changes what is shown and the address with it; `push` makes a step that the Back button undoes. */
  prefer(patch: Partial<Preferences>, push = false): void {
    const preferences = { ...this.store.get().preferences, ...patch };
    const address = `${location.pathname}${writeUrl(preferences)}${location.hash}`;
    if (push) history.pushState(null, '', address);
    else history.replaceState(history.state, '', address);
    this.#prefers(preferences);
  }

  /** The page of rows behind the one that is shown, which ends at `after`; null: the page before it. */
  turnPage(after: string | null): void {
    this.store.update((state) => ({
      ...state,
      afters: after === null ? state.afters.slice(0, -1) : [...state.afters, after],
    }));
    this.#follow();
  }

  togglePause(): void {
    this.store.update((state) => (state.pausedAt === null ? pause(state, Date.now()) : resume(state)));
  }

  retryNow(): void {
    this.#feed.wake();
  }

  /** Shows where a token can be given, or hides it again. */
  askToken(asksToken: boolean): void {
    this.store.update((state) => ({ ...state, asksToken }));
  }

  useToken(token: string): void {
    storeToken(token);
    this.#token = token;
    // Another token may see fewer rows.
    this.store.update((state) => ({ ...withData(state, NOTHING_ASKED), asksToken: false }));
    this.#feed.setToken(token);
  }

  #linked(link: Link): void {
    this.store.update((state) => ({ ...state, link, now: Date.now(), lastHeardAt: this.#feed.lastHeardAt }));
    // An API that was away may have come back with other tables.
    this.#polls.set('model', link.phase === 'live' ? 'model' : null, () => this.#loadModel(), null);
    if (link.phase === 'live') this.#polls.run(Date.now());
  }

  #prefers(preferences: Preferences): void {
    const before = this.store.get().preferences;
    const sameRows = rowsAskedBy(before) === rowsAskedBy(preferences);
    this.store.update((state) => ({ ...state, preferences, afters: sameRows ? state.afters : [] }));
    applyTheme(preferences);
    this.#follow();
  }

  async #loadModel(): Promise<void> {
    await this.#asking('model', async () => {
      const model = await loadModel(this.#token);
      const { model: before } = this.store.get();
      if (JSON.stringify(before) === JSON.stringify(model)) return;
      // Operations are written by the model: what was asked by another one is asked anew.
      for (const name of ['rows', 'chart']) this.#feed.set(name, null);
      this.#polls.set('page', null, () => Promise.resolve());
      document.title = model.applicationId;
      this.store.update((state) => ({ ...withData(state, NOTHING_ASKED), model }));
      this.#follow();
    });
  }

  /** Asks the API for what the chosen view needs, and for nothing else. */
  #follow(): void {
    const state = this.store.get();
    const { preferences, afters, model } = state;
    const table = preferences.view === 'tables' ? tableOf(state) : null;
    this.#feed.set('processor', model === null ? null : this.#processorChannel());
    this.#feed.set('copies', model === null ? null : this.#copiesChannel());
    const isLive = table !== null && afters.length === 0 && isFollowed(table, preferences);
    this.#feed.set('rows', isLive ? this.#rowsChannel('rows', table, rowsLiveQuestion(table, preferences)) : null);
    const chart = table === null ? null : chartQuestion(table, state);
    this.#feed.set('chart', table !== null && chart !== null ? this.#rowsChannel('chart', table, chart) : null);
    const page = table === null ? null : rowsQuestion(table, preferences, afters.at(-1) ?? null);
    this.#polls.set('page', page === null ? null : `${page.key} ${isLive}`, async (isCurrent) => {
      if (table !== null && page !== null) await this.#askPage(table, page, !isLive, isCurrent);
    });
    if (state.link.phase === 'live') this.#polls.run(Date.now());
  }

  /** A panel's news: applied with what else comes in meanwhile, dated with when it came. */
  #take(panel: Panel, patch: (data: LiveData, at: number) => Partial<LiveData>): void {
    const at = Date.now();
    this.#news.add((state) => withHeard(withData(state, patch(state.data, at)), panel, at));
  }

  #problem(panel: Panel, problem: Problem | null): void {
    if (problem === null && this.store.get().problems[panel] === undefined) return;
    this.store.update((state) => withProblem(state, panel, problem));
  }

  #channel<T>(
    panel: Panel,
    key: string,
    document: string,
    variables: Readonly<Record<string, unknown>>,
    take: (answer: T, first: boolean) => string | null,
    poll: Channel['poll'] = null,
  ): Channel {
    return {
      key,
      document,
      variables: { ...variables, intervalMs: INTERVAL_MS },
      // The operation is written for this answer.
      take: (data, first) => take(data as T, first),
      problem: (problem) => this.#problem(panel, problem),
      poll,
    };
  }

  #rowsChannel(panel: 'rows' | 'chart', table: PageTable, { key, variables }: Question): Channel {
    return this.#channel<Pick<Answers, 'update'>>(
      panel,
      key,
      rowsSubscription(table),
      variables,
      ({ update }, first) => {
        this.#take(panel, (data) => ({ [panel]: applyRowsUpdate(data[panel], key, update, first) }));
        return update.cursor;
      },
    );
  }

  #processorChannel(): Channel {
    const take = ({ processor: value }: Pick<Answers, 'processor'>): null => {
      this.#take('processor', ({ homes }, receivedAt) => ({
        processor: { value, receivedAt },
        homes: followTasks(homes, value, receivedAt),
      }));
      return null;
    };
    return this.#channel('processor', 'processor', PROCESSOR_LIVE, {}, take, async (token) => {
      await this.#asking('processor', async () => void take(await this.#ask(PROCESSOR_NOW, {}, token)));
    });
  }

  #copiesChannel(): Channel {
    const take = ({ tables }: Pick<Answers, 'tables'>): null => {
      const before = this.store.get().data.copies;
      this.#take('copies', () => ({ copies: new Map(tables.map((copy) => [copy.name, copy])) }));
      // Whether a chart can be drawn depends on how many rows there are.
      if (before === null) this.#news.flush();
      this.#follow();
      return null;
    };
    return this.#channel('copies', 'copies', COPIES_LIVE, {}, take, async (token) => {
      await this.#asking('copies', async () => void take(await this.#ask(COPIES_NOW, {}, token)));
    });
  }

  async #askPage(
    table: PageTable,
    { key, variables }: Question,
    withRows: boolean,
    isCurrent: () => boolean,
  ): Promise<void> {
    await this.#asking('page', async () => {
      const { page } = await this.#ask<Pick<Answers, 'page'>>(rowsPage(table, withRows), variables);
      // A late answer to another question must not take the place of this one's.
      if (isCurrent()) this.#take('page', () => ({ page: { key, value: page } }));
    });
  }

  async #ask<T>(document: string, variables: object, token = this.#token): Promise<T> {
    return (await ask(document, variables, token)) as T;
  }

  /** Tells what went wrong; what is asked for is asked for again. */
  async #asking(panel: Panel, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#problem(panel, null);
    } catch (error) {
      // Without an answer the link tells what is wrong.
      if (error instanceof QueryError) this.#problem(panel, error.problem);
      throw error;
    }
  }
}

/** What of the preferences decides which rows there are: other ones begin at their first page. */
function rowsAskedBy({ table, order, prefix, conditions, rowsOfPage }: Preferences): string {
  return JSON.stringify([table, order, prefix, conditions, rowsOfPage]);
}
