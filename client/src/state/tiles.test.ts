import { expect, test } from '@jest/globals';
import { neighbour, TILES } from './tiles.ts';
import type { Direction } from './tiles.ts';

const DIRECTIONS: readonly Direction[] = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];

test('fifty states and DC, each on a place of its own', () => {
  expect(new Set(TILES.map((tile) => tile.code)).size).toBe(51);
  expect(new Set(TILES.map((tile) => `${tile.row} ${tile.column}`)).size).toBe(51);
});

test('arrows go to the next tile that way, over gaps too', () => {
  expect(neighbour('WA', 'ArrowRight')).toBe('ID');
  expect(neighbour('AK', 'ArrowRight')).toBe('ME');
  expect(neighbour('TX', 'ArrowUp')).toBe('OK');
  expect(neighbour('ME', 'ArrowRight')).toBe('ME');
});

test('every tile can be reached from every other by arrows', () => {
  const reached = new Set(['TX']);
  const queue = ['TX'] as (typeof TILES)[number]['code'][];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const direction of DIRECTIONS) {
      const next = neighbour(at, direction);
      if (!reached.has(next)) {
        reached.add(next);
        queue.push(next);
      }
    }
  }
  expect(reached.size).toBe(51);
});
