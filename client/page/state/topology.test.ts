import { expect, test } from '@jest/globals';
import { layOut } from './layers.ts';
import { drawTopology, pathOf, shortened } from './topology-drawing.ts';
import { parseTopology } from './topology-text.ts';
import type { Box, Place } from './layers.ts';

const TEXT = `Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [orders, more-orders])
      --> KSTREAM-FILTER-0000000001
    Processor: KSTREAM-FILTER-0000000001 (stores: [])
      --> KSTREAM-SINK-0000000002, counts
      <-- KSTREAM-SOURCE-0000000000
    Processor: counts (stores: [counts-store, other-store])
      --> none
      <-- KSTREAM-FILTER-0000000001
    Sink: KSTREAM-SINK-0000000002 (topic: shop-repartition)
      <-- KSTREAM-FILTER-0000000001

   Sub-topology: 1
    Source: KSTREAM-SOURCE-0000000003 (topics: [shop-repartition])
      --> KSTREAM-SINK-0000000004
    Sink: KSTREAM-SINK-0000000004 (topic: totals)
      <-- KSTREAM-SOURCE-0000000003

   Sub-topology: 2 for global store (will not generate tasks)
    Source: KSTREAM-SOURCE-0000000005 (topics: [customers])
      --> none
`;

test('a description is taken apart: nodes with their topics, stores and followers', () => {
  const parts = parseTopology(TEXT);
  expect(parts.map(({ id, isGlobal, nodes }) => [id, isGlobal, nodes.length])).toEqual([
    ['0', false, 4],
    ['1', false, 2],
    ['2', true, 1],
  ]);
  expect(parts[0]?.nodes.slice(0, 3)).toEqual([
    {
      name: 'KSTREAM-SOURCE-0000000000',
      kind: 'source',
      topics: ['orders', 'more-orders'],
      stores: [],
      to: ['KSTREAM-FILTER-0000000001'],
    },
    {
      name: 'KSTREAM-FILTER-0000000001',
      kind: 'processor',
      topics: [],
      stores: [],
      to: ['KSTREAM-SINK-0000000002', 'counts'],
    },
    { name: 'counts', kind: 'processor', topics: [], stores: ['counts-store', 'other-store'], to: [] },
  ]);
  expect(parseTopology('nothing\n --> of this\n')).toEqual([]);
});

interface Rectangle extends Place {
  readonly width: number;
  readonly height: number;
}

function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

const pairsOf = <T>(all: readonly T[]): (readonly [T, T])[] =>
  all.flatMap((a, index) => all.slice(index + 1).map((b) => [a, b] as const));

test('drawn, nothing lies on anything else or outside, and records flow down', () => {
  const drawing = drawTopology(parseTopology(TEXT));
  const blocks: Rectangle[] = [...drawing.parts, ...drawing.topics];
  expect(pairsOf(blocks).filter(([a, b]) => overlap(a, b))).toEqual([]);
  for (const { nodes, ...part } of drawing.parts) {
    expect(pairsOf<Rectangle>(nodes).filter(([a, b]) => overlap(a, b))).toEqual([]);
    for (const { x, y, width, height } of nodes) {
      expect(x >= part.x && x + width <= part.x + part.width).toBe(true);
      expect(y >= part.y && y + height <= part.y + part.height).toBe(true);
    }
  }
  for (const { x, y, width, height } of blocks)
    expect(x >= 0 && y >= 0 && x + width <= drawing.width && y + height <= drawing.height).toBe(true);
  // Four edges within, and one for each topic that a node reads or writes.
  expect(drawing.edges).toHaveLength(4 + 6);
  for (const points of drawing.edges) expect((points.at(-1)?.y ?? 0) > (points[0]?.y ?? 0)).toBe(true);
  expect(drawing.topics.map(({ name }) => name)).toEqual([
    'orders',
    'more-orders',
    'shop-repartition',
    'totals',
    'customers',
  ]);
});

const boxes = (names: string): ReadonlyMap<string, Box> =>
  new Map([...names].map((name) => [name, { width: 40, height: 20 }]));
const edges = (...pairs: string[]) => pairs.map((pair) => [pair.charAt(0), pair.charAt(1)] as const);
const GAPS = { across: 10, down: 30 };

test('each layer lies below what feeds it; a long edge goes around what is between', () => {
  const { places, bends, height } = layOut(boxes('abcd'), edges('ab', 'bc', 'cd', 'ad'), GAPS);
  expect([...places.values()].map(({ y }) => y)).toEqual([0, 50, 100, 150]);
  expect(height).toBe(170);
  expect(bends[3]).toHaveLength(4);
  const [b, passing] = [places.get('b'), bends[3]?.[0]];
  expect(Math.abs((passing?.x ?? 0) - ((b?.x ?? 0) + 20))).toBeGreaterThanOrEqual(30);
});

test('a circle is laid out too: its last edge leads back up', () => {
  const { places, bends } = layOut(boxes('abc'), edges('ab', 'bc', 'ca', 'aa'), GAPS);
  expect([...places.values()].map(({ y }) => y)).toEqual([0, 50, 100]);
  expect(bends).toEqual([[], [], [], []]);
  expect(layOut(new Map<string, Box>(), [], GAPS)).toMatchObject({ width: 0, height: 0 });
});

test('what is written stands in the last layer; neighbours keep their gap', () => {
  const all = new Map([...boxes('abcd'), ['s', { width: 40, height: 20, last: true }]] as const);
  const { places } = layOut(all, edges('ab', 'bc', 'as', 'ad'), GAPS);
  expect([places.get('s')?.y, places.get('d')?.y]).toEqual([100, 50]);
  expect(Math.abs((places.get('b')?.x ?? 0) - (places.get('d')?.x ?? 0))).toBeGreaterThanOrEqual(50);
});

test('long names lose their middle; a line begins and ends upright', () => {
  expect([shortened('short'), shortened('abcdefghij', 7)]).toEqual(['short', 'abc…hij']);
  expect(
    pathOf([
      { x: 0, y: 0 },
      { x: 10, y: 20 },
    ]),
  ).toBe('M0 0C0 10 10 10 10 20');
});
