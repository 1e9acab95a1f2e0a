import { createSchema } from 'graphql-yoga';
import type { Logger } from '@tributary/streams';
import type { ApiServerOptions } from '@tributary/graphql';
import { handFedModel } from './hand-fed-results.ts';

/** What a resolver of these is given. */
interface Context {
  readonly viewer?: unknown;
}

/** An update of the small API's one subscription. */
interface Tick {
  readonly count: number;
}

const TYPES = `
  interface Owned { count: Int! mine: String }
  type Tick implements Owned { count: Int! mine: String whose(prefix: String): String inside: Inside either: Either }
  type Inside { count: Int! mine: String }
  union Either = Tick | Inside
  type Query { who: String boom: String }
  type Mutation { write: Int! }
  type Subscription { ticks: Tick tick: Owned numbers: Int! owners: String }
`;

const seen = (_source: unknown, _given: unknown, context: Context | undefined): string =>
  JSON.stringify(context === undefined ? 'nobody asks' : (context.viewer ?? null));

export interface SmallApi {
  readonly options: ApiServerOptions;
  /** Sends one object to all subscribers. */
  push(tick: Tick): void;
  /** How many subscriptions are open. */
  readonly subscribers: number;
  /** How often `write` was executed. */
  readonly writes: number;
  /** How often a count was read for a subscriber. */
  readonly reads: number;
  /** What was logged: level, message, and the fields as JSON. */
  readonly logged: string[];
}

/**
 * An API of a few fields that say who asks: `who`, and `mine` and `whose` of a subscription's updates, all of whose
 * subscribers get the same objects. Over no broker.
 */
export function smallApi(more: Partial<ApiServerOptions> = {}): SmallApi {
  const logged: string[] = [];
  const log =
    (level: string) =>
    (fields: object, message: string): void =>
      void logged.push(`${level} ${message} ${JSON.stringify(fields)} ${'err' in fields ? String(fields.err) : ''}`);
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const open = new Set<(tick: Tick) => void>();
  const state = { writes: 0, reads: 0 };

  function subscription<T>(make: (tick: Tick) => T): AsyncIterableIterator<T> {
    const ticks: Tick[] = [];
    let wake: (() => void) | null = null;
    let ended = false;
    const take = (tick: Tick): void => {
      ticks.push(tick);
      wake?.();
    };
    open.add(take);
    return {
      async next() {
        while (ticks.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
        const tick = ticks.shift();
        return ended || tick === undefined ? { done: true, value: undefined } : { done: false, value: make(tick) };
      },
      async return() {
        open.delete(take);
        ended = true;
        wake?.();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  const countOf = ({ count }: Tick): number => {
    state.reads += 1;
    return count;
  };
  const itself = (tick: Tick): Tick => tick;
  const ticks = { subscribe: () => subscription(itself), resolve: itself };
  const options: ApiServerOptions = {
    model: handFedModel({ logger }).model,
    createSchema: () =>
      createSchema({
        typeDefs: TYPES,
        resolvers: {
          Query: {
            who: seen,
            boom: () => {
              throw new Error('secret-detail');
            },
          },
          Mutation: { write: () => (state.writes += 1) },
          Owned: { __resolveType: () => 'Tick' },
          Either: { __resolveType: () => 'Tick' },
          Tick: { count: countOf, mine: seen, whose: seen, inside: itself, either: itself },
          Inside: { mine: seen },
          Subscription: {
            ticks,
            tick: ticks,
            numbers: { subscribe: () => subscription(({ count }) => count), resolve: (count: number) => count },
            owners: { subscribe: () => subscription(itself), resolve: seen },
          },
        },
      }),
    costs: () => ({ lists: {}, work: {} }),
    logger,
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: [],
    graphiql: true,
    apiToken: undefined,
    page: null,
    ...more,
  };
  return {
    options,
    push: (tick) => {
      for (const take of open) take(tick);
    },
    get subscribers() {
      return open.size;
    },
    get writes() {
      return state.writes;
    },
    get reads() {
      return state.reads;
    },
    logged,
  };
}
