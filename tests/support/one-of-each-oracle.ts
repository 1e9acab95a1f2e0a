import { isDeepStrictEqual } from 'node:util';
import type { ConsumerRecord, KafkaConnectionConfig } from '@tributary/streams';
import { changelogTopic, compareStores, repartitionTopic } from '@tributary/streams/operations';
import { committedOffsets } from './group-progress.ts';
import {
  AFTER_MS,
  BEFORE_MS,
  buildTopology,
  chained,
  DIFFERENCE_MS,
  EMPTY_CHAIN,
  GAP_MS,
  GRACE_MS,
  LOOK_BACK_MS,
  topicsOf,
  WAIT_MS,
  WINDOW_MS,
  windowText,
  type Action,
  type Chain,
  type Levels,
  type Order,
  type Stored,
  type Tick,
  type Totals,
  type User,
  type Visit,
} from './one-of-each-topology.ts';
import { tableDifference } from './table-difference.ts';
import { HangingTransactionError, readTopic, type ReadTopic } from './topic-reader.ts';

export interface OneOfEachOracleOptions {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  readonly stateDir: string;
}

/** A record of the input. */
interface Row<V> {
  readonly key: string;
  readonly value: V;
  readonly timeMs: number;
}

/** A record of the results: what made it is left out of its key. */
interface Result {
  readonly key: string;
  /** JSON; null: a tombstone. */
  readonly value: string | null;
  readonly timeMs: number;
  readonly of: string;
}

/**
 * The verdict on a run of the application that has one of each: all of its results are counted anew from the input, by
 * loops over lists. Answers what is wrong, one sentence each. Call it when everything is processed and no processor
 * runs.
 */
export async function verifyOneOfEach({
  connection,
  applicationId,
  stateDir,
}: OneOfEachOracleOptions): Promise<string[]> {
  const problems: string[] = [];
  const read = async (topic: string): Promise<ReadTopic> => {
    try {
      return await readTopic(connection, topic);
    } catch (error) {
      if (!(error instanceof HangingTransactionError)) throw error;
      problems.push(error.message);
      return { partitions: [], ends: [] };
    }
  };
  const topics = topicsOf(applicationId);
  const { subTopologies } = buildTopology({ name: applicationId });
  const stores = subTopologies.flatMap((part) => part.stores.map(({ name }) => name));
  const groupings = new Set(subTopologies.flatMap(({ writesGroupings }) => writesGroupings));
  const input = {
    actions: await read(topics.actions),
    visits: await read(topics.visits),
    users: await read(topics.users),
    profiles: await read(topics.profiles),
    orders: await read(topics.orders),
    products: await read(topics.products),
  };
  const countries = await read(topics.countries);
  const results = await read(topics.results);
  const echo = await read(topics.echo);
  for (const grouping of groupings) await read(repartitionTopic(applicationId, grouping));

  const committed = await committedOffsets(connection, applicationId);
  for (const [name, { ends }] of Object.entries(input))
    for (const [partition, end] of ends.entries()) {
      const place = `${topics[name as keyof typeof input]}-${String(partition)}`;
      const at = committed.get(place) ?? 0;
      if (at !== end) problems.push(`the group stands at ${String(at)} of ${place}, which ends at ${String(end)}`);
    }

  problems.push(...recountProblems({ ...input, countries }, { echo, results }));

  const changelogs = [];
  for (const store of stores) {
    const topic = changelogTopic(applicationId, store);
    changelogs.push({ store, topic, ...(await read(topic)) });
  }
  return [...problems, ...(await compareStores(stateDir, applicationId, changelogs))];
}

/** A topic as it was read, by partition. */
export type TopicRecords = Pick<ReadTopic, 'partitions'>;

type InputName = 'actions' | 'visits' | 'users' | 'profiles' | 'orders' | 'products' | 'countries';

/** What is wrong with the results of an input, one sentence each. */
export function recountProblems(
  input: Readonly<Record<InputName, TopicRecords>>,
  { echo, results }: Readonly<Record<'echo' | 'results', TopicRecords>>,
): string[] {
  const expected = expectedResults({
    actions: rowsOf<Action>(input.actions, json),
    visits: rowsOf<Visit>(input.visits, json),
    users: rowsOf<User | null>(input.users, json),
    profiles: rowsOf<string | null>(input.profiles, text),
    orders: rowsOf<Order | null>(input.orders, json).flat(),
    products: rowsOf<number | null>(input.products, json).flat(),
    countries: newest(rowsOf<string | null>(input.countries, text).flat()),
  });
  const echoed = input.actions.partitions.flatMap((records, partition) =>
    firstDifference(`echo-${String(partition)}`, records.map(wholeText), echo.partitions[partition]?.map(wholeText)),
  );
  return [...echoed, ...judge(expected, resultsByLabel(results))];
}

const text = (value: Buffer | null): string | null => (value === null ? null : value.toString());
const json = <V>(value: Buffer | null): V => (value === null ? null : JSON.parse(value.toString())) as V;

function rowsOf<V>({ partitions }: TopicRecords, parse: (value: Buffer | null) => unknown): Row<V>[][] {
  return partitions.map((records) =>
    records.map(({ key, value, timestampMs }) => ({ key: String(key), value: parse(value) as V, timeMs: timestampMs })),
  );
}

const headerOf = ({ headers }: ConsumerRecord): string => String(headers['of']);

/** Time and headers are part of it. */
const wholeText = (record: ConsumerRecord): string =>
  `${String(record.key)}=${String(record.value)}@${String(record.timestampMs)} of ${headerOf(record)}`;

function resultsByLabel({ partitions }: TopicRecords): Map<string, Result[]> {
  const byLabel = new Map<string, Result[]>();
  for (const record of partitions.flat()) {
    const [label = '', ...rest] = String(record.key).split('|');
    const result = { key: rest.join('|'), value: text(record.value), timeMs: record.timestampMs, of: headerOf(record) };
    const known = byLabel.get(label);
    if (known === undefined) byLabel.set(label, [result]);
    else known.push(result);
  }
  return byLabel;
}

interface Input {
  /** By partition. */
  readonly actions: readonly (readonly Row<Action>[])[];
  readonly visits: readonly (readonly Row<Visit>[])[];
  readonly users: readonly (readonly Row<User | null>[])[];
  readonly profiles: readonly (readonly Row<string | null>[])[];
  readonly orders: readonly Row<Order | null>[];
  readonly products: readonly Row<number | null>[];
  readonly countries: ReadonlyMap<string, string>;
}

/** How results are judged. */
interface Expected {
  /** All of them, in any order, with their times. */
  readonly bags: Readonly<Record<string, readonly string[]>>;
  /** Of each key all of them, in this order. */
  readonly sequences: Readonly<Record<string, ReadonlyMap<string, readonly string[]>>>;
  /** Of each key the last one; what is in between depends on the commits. */
  readonly tables: Readonly<Record<string, ReadonlyMap<string, unknown>>>;
  /** One of each key. */
  readonly once: Readonly<Record<string, ReadonlyMap<string, unknown>>>;
  /** Of each key what an aggregate has been, from the first record on: told are some of it, in order, and the last. */
  readonly chains: ReadonlyMap<string, readonly Chain[]>;
  /** By partition, how many actions there are. */
  readonly actions: readonly number[];
}

function expectedResults(input: Input): Expected {
  const { actions, visits, countries } = input;
  const all = actions.flat();
  const lastMs = Math.max(...all.map(({ timeMs }) => timeMs));
  const users = newest(input.users.flat());
  // A versioned table goes by the times of its rows, all others by their offsets.
  const profiles = newest(input.profiles.flatMap((rows) => byTime(rows)));
  const orders = newest(input.orders);
  const products = newest(input.products);
  const sessions = sessionsOf(all);
  const closedAt = (closesMs: number): boolean => closesMs <= lastMs;
  const windows = countsOf(
    all.map(({ value: { account }, timeMs }) => {
      const startMs = Math.floor(timeMs / WINDOW_MS) * WINDOW_MS;
      return { key: account, startMs, endMs: startMs + WINDOW_MS };
    }),
  );
  const closedWindows = textMap(windows.filter(({ endMs }) => closedAt(endMs + GRACE_MS)));
  const foreign = (isLeft: boolean): Map<string, string> =>
    mapped(orders, (_key, { product, amount }) => {
      const price = products.get(product);
      return price === undefined && !isLeft ? undefined : `${String(amount)} ${product} for ${String(price ?? null)}`;
    });
  const named = (keys: Iterable<string>, joins: (user: boolean, profile: boolean) => boolean): Map<string, string> =>
    new Map(
      [...new Set(keys)].flatMap((key): [string, string][] =>
        joins(users.has(key), profiles.has(key))
          ? [[key, `${String(users.get(key)?.city)} ${String(profiles.get(key) ?? null)}`]]
          : [],
      ),
    );
  const both = [...users.keys(), ...profiles.keys()];
  const withUsers = actions.flatMap((rows, partition) => joinedWithRows(rows, input.users[partition] ?? []));
  const placed = ({ key, id, row, timeMs }: Joined<User>): Row<string> => ({
    key,
    value: `${id} ${String(row?.city)}`,
    timeMs,
  });
  return {
    bags: {
      ...pairsOf(all, visits.flat(), lastMs),
      'profiles-waiting': actions.flatMap((rows, partition) =>
        joinedWithRows(rows, byTime(input.profiles[partition] ?? []))
          .filter(({ timeMs }) => timeMs + WAIT_MS <= lastMs)
          .map(({ key, id, row, timeMs }) =>
            resultText({ key, value: JSON.stringify(`${id} ${String(row)}`), timeMs, of: `${key} ${String(timeMs)}` }),
          ),
      ),
      accounts: all.map(({ key, value, timeMs }) =>
        resultText({
          key: value.account,
          value: JSON.stringify(value),
          timeMs,
          of: `${key} ${String(timeMs)}`,
        }),
      ),
    },
    sequences: {
      'users-inner': byKey(withUsers.filter(({ row }) => row !== null).map(placed)),
      'users-left': byKey(withUsers.map(placed)),
      'countries-left': byKey(
        all.map(({ key, value: { id, country }, timeMs }) => ({
          key,
          value: `${id} ${String(countries.get(country) ?? null)}`,
          timeMs,
        })),
      ),
      'countries-inner': byKey(
        all.flatMap(({ key, value: { id, country }, timeMs }) => {
          const found = countries.get(country);
          return found === undefined ? [] : { key, value: `${id} ${found}`, timeMs };
        }),
      ),
      stored: byKey(actions.flatMap((rows) => storedOf(rows))),
    },
    tables: {
      'tables-inner': named(both, (user, profile) => user && profile),
      'tables-left': named(both, (user) => user),
      'tables-outer': named(both, () => true),
      'foreign-inner': foreign(false),
      'foreign-left': foreign(true),
      cities: citiesOf(users),
      totals: totalsOf(all, visits.flat()),
      sessions: textMap(sessions),
      sliding: textMap(slidingOf(all)),
    },
    once: {
      suppressed: closedWindows,
      closed: closedWindows,
      'sessions-closed': textMap(sessions.filter(({ endMs }) => closedAt(endMs + GAP_MS + GRACE_MS + 1))),
    },
    chains: chainsOf(all),
    actions: actions.map(({ length }) => length),
  };
}

/** A table as the last record of each key leaves it. */
function newest<V>(rows: readonly Row<V | null>[]): Map<string, V> {
  const table = new Map<string, V>();
  for (const { key, value } of rows)
    if (value === null) table.delete(key);
    else table.set(key, value);
  return table;
}

function mapped<V, W>(table: ReadonlyMap<string, V>, map: (key: string, value: V) => W | undefined): Map<string, W> {
  return new Map(
    [...table].flatMap(([key, value]): [string, W][] => {
      const made = map(key, value);
      return made === undefined ? [] : [[key, made]];
    }),
  );
}

/** In order of time; of equal ones that of the topic. */
const byTime = <V>(rows: readonly Row<V>[]): Row<V>[] => rows.toSorted((a, b) => a.timeMs - b.timeMs);

interface Joined<V> {
  readonly key: string;
  readonly id: string;
  readonly row: V | null;
  readonly timeMs: number;
}

/** Each action with the row that its key has in its round: all rows of a round are there before its first action. */
function joinedWithRows<V>(actions: readonly Row<Action>[], rows: readonly Row<V | null>[]): Joined<V>[] {
  const table = new Map<string, V | null>();
  let next = 0;
  // Rows of a round lie before all actions of it and behind all of the round before it, in time as in the topic.
  return actions.map(({ key, value: { id }, timeMs }) => {
    for (; (rows[next]?.timeMs ?? Infinity) < timeMs; next += 1) {
      const row = rows[next] as Row<V | null>;
      table.set(row.key, row.value);
    }
    return { key, id, row: table.get(key) ?? null, timeMs };
  });
}

/** Each action with each visit that is near enough, and those that are alone, each once. */
function pairsOf(
  actions: readonly Row<Action>[],
  visits: readonly Row<Visit>[],
  lastMs: number,
): Record<'pairs-inner' | 'pairs-left' | 'pairs-outer', string[]> {
  const visitsOf = Map.groupBy(visits, ({ key }) => key);
  const met = new Set<string>();
  const pairs: Row<string>[] = [];
  const alone: Row<string>[] = [];
  // Nothing later than what closes the run comes: whoever waits for that, waits for ever.
  const isClosed = (closesMs: number): boolean => closesMs < lastMs;
  for (const { key, value: action, timeMs } of actions) {
    const near = (visitsOf.get(key) ?? []).filter(
      (visit) => visit.timeMs >= timeMs - BEFORE_MS && visit.timeMs <= timeMs + AFTER_MS,
    );
    for (const visit of near) {
      met.add(visit.value.id);
      pairs.push({ key, value: `${action.id} ${visit.value.id}`, timeMs: Math.max(timeMs, visit.timeMs) });
    }
    if (near.length === 0 && isClosed(timeMs + AFTER_MS + GRACE_MS))
      alone.push({ key, value: `${action.id} undefined`, timeMs });
  }
  const aloneRight = visits.flatMap(({ key, value: { id }, timeMs }) =>
    met.has(id) || !isClosed(timeMs + BEFORE_MS + GRACE_MS) ? [] : { key, value: `undefined ${id}`, timeMs },
  );
  const inText = (rows: readonly Row<string>[]): string[] => rows.map(rowText);
  return {
    'pairs-inner': inText(pairs),
    'pairs-left': inText([...pairs, ...alone]),
    'pairs-outer': inText([...pairs, ...alone, ...aloneRight]),
  };
}

interface Counted {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly count: number;
}

const textMap = (windows: readonly Counted[]): Map<string, number> =>
  new Map(windows.map((window) => [windowText(window), window.count]));

function countsOf(windows: readonly Omit<Counted, 'count'>[]): Counted[] {
  const counts = new Map<string, Counted>();
  for (const window of windows) {
    const id = windowText(window);
    counts.set(id, { ...window, count: (counts.get(id)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** The times of each key, oldest first. */
function timesByKey(actions: readonly Row<Action>[]): Map<string, number[]> {
  const times = Map.groupBy(actions, ({ key }) => key);
  return mapped(times, (_key, rows) => rows.map(({ timeMs }) => timeMs).sort((a, b) => a - b));
}

function sessionsOf(actions: readonly Row<Action>[]): Counted[] {
  const sessions: { key: string; startMs: number; endMs: number; count: number }[] = [];
  for (const [key, times] of timesByKey(actions)) {
    let open: (typeof sessions)[number] | undefined;
    for (const timeMs of times) {
      if (open === undefined || timeMs - open.endMs > GAP_MS) {
        open = { key, startMs: timeMs, endMs: timeMs, count: 0 };
        sessions.push(open);
      }
      open.endMs = timeMs;
      open.count += 1;
    }
  }
  return sessions;
}

/** A window that ends with each record, and one that begins behind it, where that is not empty. */
function slidingOf(actions: readonly Row<Action>[]): Counted[] {
  return [...timesByKey(actions)].flatMap(([key, times]) => {
    const starts = new Set(times.flatMap((timeMs) => [timeMs - DIFFERENCE_MS, timeMs + 1]));
    return [...starts].flatMap((startMs) => {
      const endMs = startMs + DIFFERENCE_MS;
      const count = times.filter((timeMs) => timeMs >= startMs && timeMs <= endMs).length;
      return count === 0 ? [] : { key, startMs, endMs, count };
    });
  });
}

function citiesOf(users: ReadonlyMap<string, User>): Map<string, Levels> {
  const cities = new Map<string, Levels>();
  for (const { city, level } of users.values()) {
    const { count, sum } = cities.get(city) ?? { count: 0, sum: 0 };
    cities.set(city, { count: count + 1, sum: sum + level });
  }
  return cities;
}

function totalsOf(actions: readonly Row<Action>[], visits: readonly Row<Visit>[]): Map<string, Totals> {
  const totals = new Map<string, Totals>();
  const add = (key: string, more: Totals): void => {
    const before = totals.get(key) ?? { actions: 0, visits: 0 };
    totals.set(key, { actions: before.actions + more.actions, visits: before.visits + more.visits });
  };
  for (const { key, value } of actions) add(key, { actions: value.number, visits: 0 });
  for (const { key, value } of visits) add(key, { actions: 0, visits: value.number });
  return totals;
}

function chainsOf(actions: readonly Row<Action>[]): Map<string, Chain[]> {
  const chains = new Map<string, Chain[]>();
  for (const {
    value: { group, number },
  } of actions) {
    const chain = chains.get(group) ?? [];
    chain.push(chained(chain.at(-1) ?? EMPTY_CHAIN, number));
    chains.set(group, chain);
  }
  return chains;
}

/** The same as the processor does, with lists in place of stores. */
function storedOf(actions: readonly Row<Action>[]): Row<string>[] {
  const earlier = new Map<string, Row<Action>[]>();
  return actions.map((row): Row<string> => {
    const { key, timeMs } = row;
    const rows = earlier.get(key) ?? [];
    earlier.set(key, rows);
    rows.push(row);
    const windowOf = (ms: number): number => Math.floor(ms / WINDOW_MS);
    const session = sessionsOf(rows).find(({ startMs, endMs }) => startMs <= timeMs && timeMs <= endMs);
    const asOfMs = timeMs - LOOK_BACK_MS;
    const before = rows
      .filter((other) => other.timeMs <= asOfMs)
      .reduce<Row<Action> | undefined>(
        (best, other) => (best === undefined || other.timeMs >= best.timeMs ? other : best),
        undefined,
      );
    const stored: Stored = {
      inWindow: rows.filter((other) => windowOf(other.timeMs) === windowOf(timeMs)).length,
      session: session as Stored['session'],
      before: before?.value.number ?? null,
    };
    return { key, value: JSON.stringify(stored), timeMs };
  });
}

/** Their results are judged with the headers of the record that they come from. */
const WITH_HEADERS: ReadonlySet<string> = new Set(['accounts', 'profiles-waiting']);

const rowText = ({ key, value, timeMs }: Row<string>): string => `${key}=${value}@${String(timeMs)}`;
const resultText = ({ key, value, timeMs, of }: Result): string => `${key}=${String(value)}@${String(timeMs)} of ${of}`;

function byKey(rows: readonly Row<string>[]): Map<string, string[]> {
  return mapped(
    Map.groupBy(rows, ({ key }) => key),
    (_key, ofKey) => ofKey.map(rowText),
  );
}

function judge(expected: Expected, results: ReadonlyMap<string, readonly Result[]>): string[] {
  const problems: string[] = [];
  const unjudged = new Set(results.keys());
  const take = (label: string): readonly Result[] => {
    unjudged.delete(label);
    return results.get(label) ?? [];
  };
  for (const [label, rows] of Object.entries(expected.bags)) {
    const found = take(label).map(WITH_HEADERS.has(label) ? resultText : plainText);
    problems.push(...bagDifference(label, rows, found));
  }
  for (const [label, sequences] of Object.entries(expected.sequences)) {
    const found = Map.groupBy(take(label), ({ key }) => key);
    for (const key of new Set([...sequences.keys(), ...found.keys()]))
      problems.push(...firstDifference(`${label} of ${key}`, sequences.get(key) ?? [], found.get(key)?.map(plainText)));
  }
  for (const [label, rows] of Object.entries(expected.tables)) {
    const found = new Map<string, unknown>();
    for (const { key, value } of take(label))
      if (value === null) found.delete(key);
      else found.set(key, JSON.parse(value));
    // A city that had somebody is a row of nobody; whether it was told at all depends on the commits.
    if (label === 'cities')
      for (const [key, levels] of found) if (isDeepStrictEqual(levels, { count: 0, sum: 0 })) found.delete(key);
    problems.push(...tableDifference(label, rows, found));
  }
  for (const [label, rows] of Object.entries(expected.once)) {
    const found = new Map<string, unknown>();
    for (const { key, value } of take(label)) {
      if (found.has(key)) problems.push(`${label}: ${key} is told again, as ${String(value)}`);
      found.set(key, value === null ? null : JSON.parse(value));
    }
    problems.push(...tableDifference(label, rows, found));
  }
  problems.push(...chainDifference(expected.chains, take('chains')));
  problems.push(...tickProblems('ticks', expected.actions, take('ticks'), true));
  problems.push(...tickProblems('wall-ticks', expected.actions, take('wall-ticks'), false));
  for (const label of unjudged) problems.push(`nobody judges ${label}`);
  // One fault has many consequences: the first of them are enough to see it.
  const SHOWN = 20;
  return problems.length <= SHOWN
    ? problems
    : [...problems.slice(0, SHOWN), `and ${String(problems.length - SHOWN)} more`];
}

/** What a joiner makes is text, which travels as JSON. */
const plainText = ({ key, value, timeMs }: Result): string =>
  rowText({ key, value: value?.startsWith('"') === true ? (JSON.parse(value) as string) : String(value), timeMs });

/** The first record that differs, and what became of it: a list of thousands of consequences helps nobody. */
function firstDifference(name: string, expected: readonly string[], found: readonly string[] = []): string[] {
  const length = Math.max(expected.length, found.length);
  const index = Array.from({ length }, (_, at) => at).find((at) => expected[at] !== found[at]);
  if (index === undefined) return [];
  return [
    `${name}: record ${String(index)} of ${String(expected.length)} is ${String(found[index])} and not ` +
      `${String(expected[index])}; ${String(found.length)} records in all`,
  ];
}

function bagDifference(name: string, expected: readonly string[], found: readonly string[]): string[] {
  const more = new Map<string, number>();
  for (const one of found) more.set(one, (more.get(one) ?? 0) + 1);
  for (const one of expected) more.set(one, (more.get(one) ?? 0) - 1);
  const wrong = [...more].filter(([, count]) => count !== 0);
  const [first] = wrong;
  if (first === undefined) return [];
  const [one, count] = first;
  return [
    `${name}: ${one} is there ${String(Math.abs(count))} times too ${count > 0 ? 'often' : 'seldom'}; ` +
      `${String(wrong.length)} different records are wrong, ${String(found.length)} are there, ` +
      `${String(expected.length)} should be`,
  ];
}

/** Each row that is told is one that the aggregate has been, later than the one before it; and the last is its last. */
function chainDifference(chains: ReadonlyMap<string, readonly Chain[]>, found: readonly Result[]): string[] {
  const told = new Map<string, number>();
  const problems: string[] = [];
  for (const { key, value } of found) {
    const row = JSON.parse(String(value)) as Chain | null;
    const count = row?.count ?? 0;
    const expected = chains.get(key)?.[count - 1];
    if (!isDeepStrictEqual(row, expected))
      problems.push(`chains: ${key} is ${String(value)} and not ${JSON.stringify(expected)}`);
    if (count <= (told.get(key) ?? 0)) problems.push(`chains: ${key} goes back to ${String(count)}`);
    told.set(key, count);
  }
  for (const [key, { length }] of chains)
    if (told.get(key) !== length)
      problems.push(`chains: ${key} ends with ${String(told.get(key))} of ${String(length)} records`);
  return problems;
}

/** Calls are numbered without a gap and without a double, time does not go back, and all actions are in one of them. */
function tickProblems(
  label: string,
  actions: readonly number[],
  found: readonly Result[],
  allCounted: boolean,
): string[] {
  const byPartition = Map.groupBy(found, ({ key }) => key);
  return actions.flatMap((count, partition) => {
    const ticks = (byPartition.get(String(partition)) ?? []).map(({ value }) => JSON.parse(String(value)) as Tick);
    const where = `${label} of partition ${String(partition)}`;
    if (ticks.length === 0) return [`${where}: none`];
    const sum = ticks.reduce((total, tick) => total + tick.actions, 0);
    return [
      ...ticks.flatMap(({ call, timeMs }, index) => [
        ...(call === index + 1 ? [] : [`${where}: call ${String(call)} stands at ${String(index + 1)}`]),
        ...(timeMs >= (ticks[index - 1]?.timeMs ?? 0) ? [] : [`${where}: time goes back at ${String(call)}`]),
      ]),
      ...((allCounted ? sum === count : sum <= count)
        ? []
        : [`${where}: ${String(sum)} actions are in its calls, and not ${String(count)}`]),
    ];
  });
}
