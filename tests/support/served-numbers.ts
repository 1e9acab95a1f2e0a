import type { LoginNumbers } from './login-results.ts';
import { expectedData, type Devices } from './recount.ts';

/** What an API answers over GraphQL and REST, in the shape of a recount's numbers. */
interface Answers {
  /** By state code; states without a login are left out. */
  readonly states: Record<string, Devices & { readonly total: number; readonly lastLoginAt: string }>;
  readonly totals: Devices & { readonly total: number };
  readonly unattributed: Devices & { readonly total: number };
  readonly quality: {
    readonly consumed: number;
    readonly counted: number;
    readonly deadLettered: number;
    readonly late: number;
    readonly deadLetters: Record<string, number>;
    readonly missing: Record<string, number>;
    readonly invalid: Record<string, number>;
  };
  /** By start of the window; empty windows are left out. */
  readonly minutes: Record<string, Devices>;
  readonly hours: Record<string, Devices>;
  /** The minutes of one state. */
  readonly minutesOfOne: Record<string, Devices>;
  readonly data: ReturnType<typeof expectedData>;
}

/** The state whose own time series is asked for. */
const ONE = 'CA';
const UNATTRIBUTED = 'UNATTRIBUTED';
const NONE: Devices = { ios: 0, android: 0, other: 0 };
const MINUTE_MS = 60_000;

const withTotal = ({ ios, android, other }: Devices): Devices & { total: number } => ({
  ios,
  android,
  other,
  total: ios + android + other,
});
const sum = (a: Devices, b: Devices): Devices => ({
  ios: a.ios + b.ios,
  android: a.android + b.android,
  other: a.other + b.other,
});

export function expectedAnswers(expected: LoginNumbers): Answers {
  const { consumed, counted, deadLettered, deadLetters, missing, invalid } = expected;
  const attributed = Object.entries(expected.states).filter(([code]) => code !== UNATTRIBUTED);
  return {
    states: Object.fromEntries(
      attributed.map(([code, counts]) => [
        code,
        { ...withTotal(counts), lastLoginAt: new Date(counts.lastLoginAtMs).toISOString() },
      ]),
    ),
    totals: withTotal(Object.values(expected.states).reduce<Devices>(sum, NONE)),
    unattributed: withTotal(expected.states[UNATTRIBUTED] ?? NONE),
    quality: { consumed, counted, deadLettered, late: 0, deadLetters, missing, invalid },
    minutes: seriesOf(expected.minutes, () => true),
    hours: seriesOf(expected.hours, () => true),
    minutesOfOne: seriesOf(expected.minutes, (state) => state === ONE),
    data: expectedData({
      ...expected,
      states: new Map(Object.entries(expected.states)),
      totals: NONE,
      minutes: new Map(),
      hours: new Map(),
      newestLoginAtMs: null,
    }),
  };
}

function seriesOf(rows: Record<string, Devices>, wanted: (state: string) => boolean): Record<string, Devices> {
  const series: Record<string, Devices> = {};
  for (const [row, devices] of Object.entries(rows)) {
    const [start = '', state = ''] = row.split(' ');
    if (!wanted(state)) continue;
    const name = new Date(Number(start)).toISOString();
    series[name] = sum(series[name] ?? NONE, devices);
  }
  return series;
}

const QUERY = `query ($from: DateTime!, $to: DateTime!) {
  states {
    nodes { code lastLoginAt devices { ios android other total } }
    totals { ios android other total }
    unattributed { ios android other total }
    freshness { complete lag }
  }
  dataQuality {
    consumed counted deadLettered late
    deadLetters { reason count } missing { field count } invalid { field count }
  }
  minutes: timeSeries(from: $from, to: $to) { points { start devices { ios android other } } }
  hours: timeSeries(from: $from, to: $to, resolution: HOUR) { points { start devices { ios android other } } }
  minutesOfOne: timeSeries(from: $from, to: $to, states: [${ONE}]) { points { start devices { ios android other } } }
}`;

interface Point {
  readonly start: string;
  readonly devices: Devices;
}
interface QueryData {
  readonly states: {
    readonly nodes: {
      readonly code: string;
      readonly lastLoginAt: string | null;
      readonly devices: Devices & { total: number };
    }[];
    readonly totals: Answers['totals'];
    readonly unattributed: Answers['unattributed'];
    readonly freshness: { complete: boolean; lag: number | null };
  };
  readonly dataQuality: Omit<Answers['quality'], 'deadLetters' | 'missing' | 'invalid'> & {
    readonly deadLetters: { reason: string; count: number }[];
    readonly missing: { field: string; count: number }[];
    readonly invalid: { field: string; count: number }[];
  };
  readonly minutes: { readonly points: Point[] };
  readonly hours: { readonly points: Point[] };
  readonly minutesOfOne: { readonly points: Point[] };
}

/** Asks an API that has all of it; `expected` tells which windows to ask for. @throws when an answer is not whole. */
export async function servedNumbers(url: string, expected: LoginNumbers): Promise<Answers> {
  const starts = Object.keys(expected.minutes).map((row) => Number(row.split(' ')[0]));
  const variables = {
    from: new Date(starts.reduce((a, b) => Math.min(a, b))).toISOString(),
    to: new Date(starts.reduce((a, b) => Math.max(a, b)) + MINUTE_MS).toISOString(),
  };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: QueryData; errors?: unknown };
  if (data === undefined || errors !== undefined)
    throw new Error(`the API answered ${String(response.status)}: ${JSON.stringify(errors)}`);
  const { states, dataQuality } = data;
  if (!states.freshness.complete || states.freshness.lag !== 0)
    throw new Error(`the answer is not whole: ${JSON.stringify(states.freshness)}`);
  const points = (series: { points: Point[] }): Record<string, Devices> =>
    Object.fromEntries(
      series.points.filter(({ devices }) => withTotal(devices).total > 0).map(({ start, devices }) => [start, devices]),
    );
  const fields = (counts: { field: string; count: number }[]): Record<string, number> =>
    Object.fromEntries(counts.filter(({ count }) => count > 0).map(({ field, count }) => [field, count]));
  return {
    states: Object.fromEntries(
      states.nodes.flatMap(({ code, devices, lastLoginAt }) =>
        lastLoginAt === null ? [] : [[code, { ...devices, lastLoginAt }]],
      ),
    ),
    totals: states.totals,
    unattributed: states.unattributed,
    quality: {
      ...dataQuality,
      deadLetters: Object.fromEntries(
        dataQuality.deadLetters.filter(({ count }) => count > 0).map(({ reason, count }) => [reason, count]),
      ),
      missing: fields(dataQuality.missing),
      invalid: fields(dataQuality.invalid),
    },
    minutes: points(data.minutes),
    hours: points(data.hours),
    minutesOfOne: points(data.minutesOfOne),
    data: (await (await fetch(`${url}/data`)).json()) as Answers['data'],
  };
}
