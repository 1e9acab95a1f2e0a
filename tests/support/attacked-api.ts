/** An API over results written by hand, in a process of its own, so that what an attack costs it can be measured. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { STATE_CODES, type StateCode } from '../../processor/logins/states.ts';
import { startApiUnderTest } from './api-under-test.ts';

export interface Feed {
  /** `CA` gets this many new values, 1, 2, 3 and so on after those before. */
  readonly feed: number;
  /** How many before other work gets a turn. */
  readonly perTurn: number;
}

export interface Vitals {
  readonly rssBytes: number;
  /** What is in use of it, after a collection: what passed through may still be resident. */
  readonly usedBytes: number;
  /** The longest that the event loop was held since the last question. */
  readonly longestTurnMs: number;
  readonly subscribers: number;
}

export type Order = Feed | { readonly vitals: true };
export type Report = { readonly url: string } | { readonly fed: number } | Vitals;

const options = JSON.parse(process.env['API_OPTIONS'] ?? '{}') as Partial<Parameters<typeof startApiUnderTest>[0]>;
const api = await startApiUnderTest(options);
api.fed.feed(...STATE_CODES.map((code) => api.fed.results.state(code, { ios: 2, android: 1 })));
const tell = (report: Report): void => void process.send?.(report);
const state: StateCode = 'CA';
let fed = 2;
let longestTurnMs = 0;
let turnBeganMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  longestTurnMs = Math.max(longestTurnMs, nowMs - turnBeganMs - 10);
  turnBeganMs = nowMs;
}, 10);

process.on('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  if ('feed' in order) void obey(order);
  else {
    (globalThis as { gc?: () => void }).gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    tell({
      rssBytes: rss,
      usedBytes: heapUsed + external,
      longestTurnMs,
      subscribers: api.fed.model.hub.listenerCount,
    });
    longestTurnMs = 0;
  }
});

async function obey({ feed, perTurn }: Feed): Promise<void> {
  for (let index = 0; index < feed; index++) {
    api.fed.feed(api.fed.results.state(state, { ios: ++fed }));
    // The hand-written log would grow without end.
    api.fed.results.records.length = 0;
    if ((index + 1) % perTurn === 0) await nextTurn();
  }
  tell({ fed });
}

// What a test writes to the log is of no interest here, and would grow.
setInterval(() => (api.logged.length = 0), 100);
tell({ url: api.url });
