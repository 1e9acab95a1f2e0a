import { type GdpClass, gdpOf } from '../../../processor/logins/gdp.ts';
import { UNATTRIBUTED } from '../../../processor/logins/names.ts';
import { leaderOf } from '../../../processor/logins/insights.ts';
import { isStateCode, STATE_CODES, STATE_NAMES, type StateCode } from '../../../processor/logins/states.ts';
import type { DeviceCounts, State, StateList, StateOrder, StateOrderField } from '../generated/resolver-types.ts';
import { addCounts, type Counts, noCounts, totalOf } from '../rows/count-row.ts';
import { freshness, type Freshness, integerArgument } from '@tributary/graphql';
import type { LoginModel } from '../rows/login-model.ts';

const NO_COUNTS: Readonly<Counts> = Object.freeze(noCounts());

export function deviceCounts(counts: Readonly<Counts> | undefined): DeviceCounts {
  const { ios, android, other } = counts ?? NO_COUNTS;
  return { ios, android, other, total: ios + android + other };
}

export function stateResult(model: LoginModel, code: StateCode): State {
  const row = model.tables.states.get(code);
  return {
    id: `State:${code}`,
    code,
    name: STATE_NAMES[code],
    gdp: gdpOf(code),
    devices: deviceCounts(row),
    leader: leaderOf(row ?? NO_COUNTS),
    lastLoginAt: row === undefined || row.newestEventMs === 0 ? null : row.newestEventMs,
  };
}

/** The state of a global id; null for an id that is no state's. */
export function nodeResult(model: LoginModel, id: string): State | null {
  const code = /^State:(.{2})$/.exec(id)?.[1];
  return code !== undefined && isStateCode(code) ? stateResult(model, code) : null;
}

interface StatesArguments {
  readonly orderBy?: StateOrder | null | undefined;
  readonly first?: number | null | undefined;
  readonly gdpClass?: GdpClass | null | undefined;
}

export function statesResult(model: LoginModel, { orderBy, first, gdpClass }: StatesArguments): StateList {
  const limit = integerArgument('first', first, STATE_CODES.length, 1, STATE_CODES.length);
  const { field, direction } = { field: orderBy?.field ?? 'TOTAL', direction: orderBy?.direction ?? 'DESC' } as const;
  const sign = direction === 'ASC' ? 1 : -1;
  const rank = RANKS[field];
  const nodes = STATE_CODES.filter((code) => gdpClass == null || gdpOf(code).class === gdpClass).map((code) =>
    stateResult(model, code),
  );
  if (rank === null) {
    if (direction === 'DESC') nodes.reverse();
  } else {
    // The codes are in order and sorting is stable: ties stay alphabetical in either direction.
    nodes.sort((a, b) => sign * (rank(a) - rank(b)));
  }
  return { nodes: nodes.slice(0, limit), ...totalsResult(model) };
}

/** The number that a list is ordered by; null: by the code itself. */
const RANKS: Readonly<Record<StateOrderField, ((state: State) => number) | null>> = {
  TOTAL: ({ devices }) => devices.total,
  IOS: ({ devices }) => devices.ios,
  ANDROID: ({ devices }) => devices.android,
  OTHER: ({ devices }) => devices.other,
  GDP: ({ gdp }) => gdp.millionsUsd,
  CODE: null,
};

export interface Totals {
  readonly totals: DeviceCounts;
  readonly unattributed: DeviceCounts;
  readonly freshness: Freshness;
}

/** The totals over all states and unattributed logins. */
export function totalsResult(model: LoginModel): Totals {
  const totals = noCounts();
  let newestMs = 0;
  for (const [, row] of model.tables.states.rows()) {
    addCounts(totals, row);
    newestMs = Math.max(newestMs, row.newestEventMs);
  }
  return {
    totals: deviceCounts(totals),
    unattributed: deviceCounts(model.tables.states.get(UNATTRIBUTED)),
    freshness: freshness(model, newestMs),
  };
}

/** How many logins are counted: the sum of the states' rows. */
export function countedLogins(model: LoginModel): number {
  let sum = 0;
  for (const [, row] of model.tables.states.rows()) sum += totalOf(row);
  return sum;
}
