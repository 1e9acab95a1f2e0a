import table from './data/us-state-gdp-2024.json' with { type: 'json' };
import { STATE_CODES, type StateCode } from './states.ts';

export type GdpClass = 'HIGH' | 'MEDIUM' | 'LOW';

/** In the order in which answers list them. */
export const GDP_CLASSES: readonly GdpClass[] = Object.freeze(['HIGH', 'MEDIUM', 'LOW']);

/** Where the classes part, in millions of current dollars of total state GDP. */
const HIGH_FROM_MILLIONS_USD = 700_000;
const LOW_BELOW_MILLIONS_USD = 230_000;

export interface StateGdp {
  readonly year: number;
  /** Rounded to the nearest million. */
  readonly millionsUsd: number;
  readonly class: GdpClass;
}

/** The publisher's own line on where the figures come from; they are in the public domain. */
export const GDP_SOURCE: string = table.source;

const BY_STATE: Readonly<Record<StateCode, StateGdp>> = Object.freeze(
  Object.fromEntries(
    STATE_CODES.map((code) => {
      const millionsUsd: number = table.gdp[code];
      return [
        code,
        Object.freeze({ year: table.year, millionsUsd: Math.round(millionsUsd), class: classify(millionsUsd) }),
      ];
    }),
  ) as Record<StateCode, StateGdp>,
);

function classify(millionsUsd: number): GdpClass {
  if (millionsUsd >= HIGH_FROM_MILLIONS_USD) return 'HIGH';
  return millionsUsd < LOW_BELOW_MILLIONS_USD ? 'LOW' : 'MEDIUM';
}

/** A state's GDP and its class. Frozen; the same object at every call. */
export function gdpOf(code: StateCode): StateGdp {
  return BY_STATE[code];
}
