import type { StateCode } from '../api/types.ts';

/** The states as tiles on a grid that keeps neighbours together: `row` and `column` from 0. */
export interface Tile {
  readonly code: StateCode;
  readonly row: number;
  readonly column: number;
}

const MAP = [
  'AK .. .. .. .. .. .. .. .. .. .. ME',
  '.. .. .. .. .. .. .. .. .. .. VT NH',
  '.. WA ID MT ND MN IL WI MI NY RI MA',
  '.. OR NV WY SD IA IN OH PA NJ CT ..',
  '.. CA UT CO NE MO KY WV VA MD DE ..',
  '.. .. AZ NM KS AR TN NC SC DC .. ..',
  '.. .. .. .. OK LA MS AL GA .. .. ..',
  'HI .. .. .. TX .. .. .. .. FL .. ..',
];

export const TILES: readonly Tile[] = MAP.flatMap((line, row) =>
  line.split(' ').flatMap((code, column) => (code === '..' ? [] : [{ code: code as StateCode, row, column }])),
);

export type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

const STEPS: Readonly<Record<Direction, readonly [rows: number, columns: number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

/**
 * The tile that an arrow key leads to: the nearest one that way, where a step aside costs more than a step ahead. At
 * the edge of the map one stays.
 */
export function neighbour(code: StateCode, direction: Direction): StateCode {
  const here = TILES.find((tile) => tile.code === code);
  if (!here) return code;
  const [down, right] = STEPS[direction];
  let best: { code: StateCode; cost: number } | null = null;
  for (const tile of TILES) {
    const rows = tile.row - here.row;
    const columns = tile.column - here.column;
    const ahead = rows * down + columns * right;
    const aside = Math.abs(rows * right) + Math.abs(columns * down);
    // Sideways, a row is kept to; up and down, one may drift to where the map goes on.
    if (ahead <= 0 || (down === 0 && aside > 0)) continue;
    const cost = ahead + aside * 2;
    if (!best || cost < best.cost) best = { code: tile.code, cost };
  }
  return best?.code ?? code;
}
