import {
  countAggregate,
  joinWindows,
  jsonSerde,
  keyValueStore,
  session,
  sessionStore,
  sliding,
  stringSerde,
  StreamsBuilder,
  tumbling,
  untilWindowCloses,
  versionedStore,
  windowStore,
  type Aggregate,
  type CombinableAggregate,
  type KStream,
  type KTable,
  type ProcessorContext,
  type ProcessorFunction,
  type Serde,
  type TableAggregate,
  type Topology,
  type Windowed,
} from '@tributary/streams';

/*
 * One of each thing that a topology may consist of. What it makes of its input is determined, whatever the commits and
 * the hand-overs are, as long as the input keeps the rules of one-of-each-run.ts: the oracle recounts all of it.
 */

export interface OneOfEachOptions {
  /** Of the run: its topics are named after it. */
  readonly name: string;
}

export interface Action {
  readonly id: string;
  readonly number: number;
  /** Of all actions of one group the key is in one partition. */
  readonly group: string;
  readonly country: string;
  readonly account: string;
}

export interface Visit {
  readonly id: string;
  readonly number: number;
}

export interface User {
  readonly city: string;
  readonly level: number;
}

export interface Order {
  readonly product: string;
  readonly amount: number;
}

/** How much event time a round of the input has. Its tables come in the first tenth, its streams behind them. */
export const ROUND_MS = 60_000;
export const STREAMS_FROM_MS = ROUND_MS / 10;
/** Nothing is late that is of the round that is under way, or of the one before it. */
export const GRACE_MS = 2 * ROUND_MS;
/** What is kept is read in its own round and the next one. */
const KEPT_MS = 3 * ROUND_MS;
/** Which visits are paired with an action. */
export const BEFORE_MS = 5_000;
export const AFTER_MS = 8_000;
export const WINDOW_MS = 10_000;
export const GAP_MS = 3_000;
export const DIFFERENCE_MS = 4_000;
/** How long actions wait for the rows of a versioned table. */
export const WAIT_MS = 5_000;
/** How far back a processor looks into its versioned store. */
export const LOOK_BACK_MS = 20_000;
export const STREAM_TICK_MS = 7_000;
export const WALL_TICK_MS = 150;

export interface OneOfEachTopics {
  readonly actions: string;
  readonly visits: string;
  readonly users: string;
  readonly profiles: string;
  readonly orders: string;
  readonly products: string;
  readonly countries: string;
  /** Actions as they came. */
  readonly echo: string;
  /** All other results, each with the name of what made it before its key. */
  readonly results: string;
}

export function topicsOf(name: string): OneOfEachTopics {
  const topic = (of: string): string => `${name}-${of}`;
  return {
    actions: topic('actions'),
    visits: topic('visits'),
    users: topic('users'),
    profiles: topic('profiles'),
    orders: topic('orders'),
    products: topic('products'),
    countries: topic('countries'),
    echo: topic('echo'),
    results: topic('results'),
  };
}

export const actionSerde = jsonSerde<Action>();
export const visitSerde = jsonSerde<Visit>();
export const userSerde = jsonSerde<User>();
export const orderSerde = jsonSerde<Order>();
const numberSerde = jsonSerde<number>();

/** What an order-dependent aggregate is: swap two records, and all that follows is another one. */
export interface Chain {
  readonly count: number;
  readonly hash: number;
}

export const EMPTY_CHAIN: Chain = { count: 0, hash: 7 };
export const chained = ({ count, hash }: Chain, number: number): Chain => ({
  count: count + 1,
  hash: (hash * 31 + number) % 1_000_000_007,
});

export interface Levels {
  readonly count: number;
  readonly sum: number;
}

export interface Totals {
  readonly actions: number;
  readonly visits: number;
}

/** A call of a punctuator. */
export interface Tick {
  /** 1, 2, 3, … */
  readonly call: number;
  readonly timeMs: number;
  /** Actions since the call before it. */
  readonly actions: number;
}

export interface Stored {
  /** Actions of the key in this window, so far. */
  readonly inWindow: number;
  readonly session: Windowed<string> & { readonly count: number };
  /** The number that the key had then. */
  readonly before: number | null;
}

const chain: Aggregate<Action, Chain> = {
  empty: () => EMPTY_CHAIN,
  add: (acc, { number }) => chained(acc, number),
  serde: jsonSerde<Chain>(),
};

const levels: TableAggregate<number, Levels> = {
  empty: () => ({ count: 0, sum: 0 }),
  add: ({ count, sum }, level) => ({ count: count + 1, sum: sum + level }),
  subtract: ({ count, sum }, level) => ({ count: count - 1, sum: sum - level }),
  serde: jsonSerde<Levels>(),
};

const totals = <V extends { readonly number: number }>(of: keyof Totals): CombinableAggregate<V, Totals> => ({
  empty: () => ({ actions: 0, visits: 0 }),
  add: (acc, { number }) => ({ ...acc, [of]: acc[of] + number }),
  merge: (a, b) => ({ actions: a.actions + b.actions, visits: a.visits + b.visits }),
  serde: jsonSerde<Totals>(),
});

const WINDOWS = windowStore('own-windows', { value: numberSerde, sizeMs: WINDOW_MS, retentionMs: KEPT_MS });
const SESSIONS = sessionStore('own-sessions', { value: numberSerde, retentionMs: KEPT_MS });
const VERSIONS = versionedStore('own-versions', { value: numberSerde, historyMs: KEPT_MS });
const PROFILES = versionedStore('profiles', { value: stringSerde, historyMs: KEPT_MS });
const TICKS = keyValueStore('ticks', { value: jsonSerde<Tick>() });
const WALL_TICKS = keyValueStore('wall-ticks', { value: jsonSerde<Tick>(), inMemory: true });

/** The key of a result begins with the name of what made it. */
const labelled = (label: string): Serde<string> => ({
  serialize: (key) => Buffer.from(`${label}|${key}`),
  deserialize: (bytes) => bytes.toString().slice(label.length + 1),
});

export const windowText = ({ key, startMs, endMs }: Windowed<string>): string =>
  `${key}@${String(startMs)}-${String(endMs)}`;

export function buildTopology({ name }: OneOfEachOptions): Topology {
  const builder = new StreamsBuilder();
  const topics = topicsOf(name);
  const actions = builder.stream(topics.actions, { value: actionSerde });
  const visits = builder.stream(topics.visits, { value: visitSerde });
  const users = builder.table(topics.users, { value: userSerde, store: 'users' });
  const profiles = builder.table(topics.profiles, { store: PROFILES });
  const orders = builder.table(topics.orders, { value: orderSerde, store: 'orders' });
  const products = builder.table(topics.products, { value: numberSerde, store: 'products' });
  const countries = builder.globalTable(topics.countries, { value: stringSerde, store: 'countries' });

  const tell = <K extends string | null, V>(label: string, stream: KStream<K, V>): void => {
    stream.to(topics.results, { key: labelled(label) as Serde<NonNullable<K>>, value: jsonSerde<NonNullable<V>>() });
  };
  const tellRows = <V>(label: string, table: KTable<string, V>): void => tell(label, table.toStream());
  const tellWindows = <V>(label: string, table: KTable<Windowed<string>, V>): void =>
    tell(
      label,
      table.toStream((_value, window) => windowText(window)),
    );

  actions.to(topics.echo);

  // Joins of streams.
  const paired = (action: Action | null, visit: Visit | null): string => `${String(action?.id)} ${String(visit?.id)}`;
  const windows = joinWindows({ beforeMs: BEFORE_MS, afterMs: AFTER_MS, graceMs: GRACE_MS });
  tell('pairs-inner', actions.join(visits, paired, { windows, name: 'pairs-inner' }));
  tell('pairs-left', actions.leftJoin(visits, paired, { windows, name: 'pairs-left' }));
  tell('pairs-outer', actions.outerJoin(visits, paired, { windows, name: 'pairs-outer' }));
  const placed = ({ id }: Action, user: User | null): string => `${id} ${String(user?.city)}`;
  tell('users-inner', actions.join(users, placed));
  tell('users-left', actions.leftJoin(users, placed));

  const described = ({ id }: Action, profile: string | null): string => `${id} ${String(profile)}`;
  const waiting = { name: 'profiles-waiting', graceMs: WAIT_MS };
  tell('profiles-waiting', actions.leftJoin(profiles, described, waiting));
  const key = ({ country }: Action): string => country;
  const abroad = ({ id }: Action, country: string | null): string => `${id} ${String(country)}`;
  tell('countries-inner', actions.join(countries, abroad, { key }));
  tell('countries-left', actions.leftJoin(countries, abroad, { key }));

  // Tables.
  const named = (user: User | null, profile: string | null): string => `${String(user?.city)} ${String(profile)}`;
  tellRows('tables-inner', users.join(profiles, named, { store: 'tables-inner', value: stringSerde }));
  tellRows('tables-left', users.leftJoin(profiles, named));
  tellRows('tables-outer', users.outerJoin(profiles, named));
  const priced = ({ product, amount }: Order, price: number | null): string =>
    `${String(amount)} ${product} for ${String(price)}`;
  const foreignKey = ({ product }: Order): string => product;
  tellRows('foreign-inner', orders.join(products, priced, { foreignKey, name: 'foreign-inner' }));
  tellRows(
    'foreign-left',
    orders.leftJoin(products, priced, { foreignKey, name: 'foreign-left', store: 'foreign-left', value: stringSerde }),
  );
  tellRows(
    'cities',
    users
      .groupBy(({ city, level }) => ({ key: city, value: level }), { name: 'cities', value: numberSerde })
      .aggregate(levels, { store: 'cities' }),
  );

  // Windows, in the task of the source and behind a shuffle.
  const byKey = actions.groupByKey();
  tellWindows('sessions', byKey.windowedBy(session({ gapMs: GAP_MS, graceMs: GRACE_MS })).count({ store: 'sessions' }));
  tellWindows(
    'sessions-closed',
    byKey
      .windowedBy(session({ gapMs: GAP_MS, graceMs: GRACE_MS }), { emit: 'on-close' })
      .count({ store: 'sessions-closed' }),
  );
  tellWindows(
    'sliding',
    byKey.windowedBy(sliding({ differenceMs: DIFFERENCE_MS, graceMs: GRACE_MS })).count({ store: 'sliding' }),
  );
  tellRows(
    'totals',
    byKey.cogroup(totals<Action>('actions')).cogroup(visits.groupByKey(), totals<Visit>('visits')).aggregate({
      store: 'totals',
    }),
  );
  const byAccount = actions
    .selectKey(({ account }) => account)
    .repartition({ name: 'accounts', key: stringSerde, value: actionSerde });
  tell('accounts', byAccount);
  const ofAccount = byAccount.groupByKey();
  const tumblingWindows = tumbling({ sizeMs: WINDOW_MS, graceMs: GRACE_MS });
  tellWindows(
    'suppressed',
    ofAccount.windowedBy(tumblingWindows).count({ store: 'suppressed' }).suppress(untilWindowCloses()),
  );
  tellWindows(
    'closed',
    ofAccount.windowedBy(tumblingWindows, { emit: 'on-close' }).aggregate(countAggregate, { store: 'closed' }),
  );

  // In the order of the records.
  tellRows(
    'chains',
    actions.groupBy(({ group }) => group, { name: 'groups', value: actionSerde }).aggregate(chain, { store: 'chains' }),
  );

  // Processors.
  tell('stored', actions.process(storing, { stores: [WINDOWS, SESSIONS, VERSIONS] }));
  tell('ticks', actions.process(ticking('stream-time', STREAM_TICK_MS), { stores: [TICKS] }));
  tell('wall-ticks', actions.process(ticking('wall-clock', WALL_TICK_MS), { stores: [WALL_TICKS] }));

  return builder.build();
}

/** What the key has had in this window, what session it is in, and what it was some time ago: one result an action. */
function storing(context: ProcessorContext<string | null, Stored>): ProcessorFunction<string | null, Action> {
  const windows = context.store(WINDOWS);
  const sessions = context.store(SESSIONS);
  const versions = context.store(VERSIONS);
  return ({ number }, user, { timestampMs: timeMs }) => {
    const key = String(user);
    const windowMs = Math.floor(timeMs / WINDOW_MS) * WINDOW_MS;
    const inWindow = (windows.get(key, windowMs) ?? 0) + 1;
    windows.put(key, windowMs, inWindow);
    const session = { key, startMs: timeMs, endMs: timeMs, count: 1 };
    for (const [{ startMs, endMs }, count] of [...sessions.find(key, timeMs - GAP_MS, timeMs + GAP_MS)]) {
      sessions.remove({ key, startMs, endMs });
      session.startMs = Math.min(session.startMs, startMs);
      session.endMs = Math.max(session.endMs, endMs);
      session.count += count;
    }
    sessions.put({ key, startMs: session.startMs, endMs: session.endMs }, session.count);
    versions.put(key, number, timeMs);
    context.forward(key, { inWindow, session, before: versions.get(key, timeMs - LOOK_BACK_MS) ?? null });
  };
}

const NO_TICK: Tick = { call: 0, timeMs: 0, actions: 0 };

/** Tells of each call of its punctuator, under the number of its partition. */
function ticking(clock: 'stream-time' | 'wall-clock', everyMs: number) {
  return (context: ProcessorContext<string, Tick>): ProcessorFunction<string | null, Action> => {
    const rows = context.store(clock === 'wall-clock' ? WALL_TICKS : TICKS);
    const partition = context.taskId.slice(context.taskId.indexOf('_') + 1);
    context.schedule({ everyMs, clock }, (timeMs) => {
      const { call, actions } = rows.get(partition) ?? NO_TICK;
      rows.put(partition, { call: call + 1, timeMs, actions: 0 });
      context.forward(partition, { call: call + 1, timeMs, actions });
    });
    return () => {
      const row = rows.get(partition) ?? NO_TICK;
      rows.put(partition, { ...row, actions: row.actions + 1 });
    };
  };
}
