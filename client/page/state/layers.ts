/** Lays a directed graph out in layers, from the top down: what feeds something lies above it. */

export interface Box {
  readonly width: number;
  readonly height: number;
  /** Lies in the last layer, whatever its inputs. */
  readonly last?: boolean;
}

export interface Place {
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
}

export interface Layout<Id> {
  readonly places: ReadonlyMap<Id, Place>;
  /** Where the edge of that index passes between layers that it crosses, from its start on. */
  readonly bends: readonly (readonly Place[])[];
  readonly width: number;
  readonly height: number;
}

export interface Gaps {
  readonly across: number;
  readonly down: number;
}

type Edge<Id> = readonly [from: Id, to: Id];

/** A box, or the place where a long edge passes a layer. */
interface Cell {
  readonly width: number;
  readonly above: Cell[];
  readonly below: Cell[];
  /** Middle. */
  x: number;
}

const SWEEPS = 6;

/** Edges that lead back up, around a circle, are drawn and take no part in the order of layers. */
export function layOut<Id>(boxes: ReadonlyMap<Id, Box>, edges: readonly Edge<Id>[], gaps: Gaps): Layout<Id> {
  const ids = [...boxes.keys()];
  const known = edges.map(([from, to]) => boxes.has(from) && boxes.has(to) && from !== to);
  const forward = withoutCircles(ids, edges, known);
  const layerOf = layersOf(
    ids,
    edges.filter((_, index) => forward[index]),
    boxes,
  );
  const depth = Math.max(0, ...layerOf.values()) + 1;
  const layers: Cell[][] = Array.from({ length: ids.length === 0 ? 0 : depth }, () => []);
  const cells = new Map<Id, Cell>();
  for (const id of ids) {
    const cell = newCell(boxes.get(id)?.width ?? 0);
    cells.set(id, cell);
    layers[layerOf.get(id) ?? 0]?.push(cell);
  }
  const passes = edges.map(([from, to], index): (readonly [Cell, number])[] => {
    if (!forward[index]) return [];
    const passed: (readonly [Cell, number])[] = [];
    let above = cells.get(from);
    for (let layer = (layerOf.get(from) ?? 0) + 1; layer < (layerOf.get(to) ?? 0); layer += 1) {
      const cell = newCell(0);
      layers[layer]?.push(cell);
      passed.push([cell, layer]);
      if (above) join(above, cell);
      above = cell;
    }
    const end = cells.get(to);
    if (above && end) join(above, end);
    return passed;
  });
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) sort(layers, sweep % 2 === 0);
  const width = spread(layers, gaps.across);
  const heights = layers.map((_, layer) =>
    Math.max(0, ...ids.filter((id) => layerOf.get(id) === layer).map((id) => boxes.get(id)?.height ?? 0)),
  );
  const tops = heights.map((_, layer) => heights.slice(0, layer).reduce((sum, height) => sum + height + gaps.down, 0));
  const height = heights.reduce((sum, own) => sum + own, 0) + Math.max(0, heights.length - 1) * gaps.down;
  return {
    places: new Map(
      ids.map((id) => {
        const box = boxes.get(id);
        return [id, { x: (cells.get(id)?.x ?? 0) - (box?.width ?? 0) / 2, y: tops[layerOf.get(id) ?? 0] ?? 0 }];
      }),
    ),
    bends: passes.map((passed) =>
      passed.flatMap(([cell, layer]) => [
        { x: cell.x, y: tops[layer] ?? 0 },
        { x: cell.x, y: (tops[layer] ?? 0) + (heights[layer] ?? 0) },
      ]),
    ),
    width,
    height,
  };
}

function newCell(width: number): Cell {
  return { width, above: [], below: [], x: 0 };
}

function join(above: Cell, below: Cell): void {
  above.below.push(below);
  below.above.push(above);
}

/** Whether each edge stays when those are left out that close a circle. */
function withoutCircles<Id>(ids: readonly Id[], edges: readonly Edge<Id>[], known: readonly boolean[]): boolean[] {
  const forward = [...known];
  const done = new Set<Id>();
  const path = new Set<Id>();
  const walk = (id: Id): void => {
    path.add(id);
    edges.forEach(([from, to], index) => {
      if (from !== id || !known[index]) return;
      if (path.has(to)) forward[index] = false;
      else if (!done.has(to)) walk(to);
    });
    path.delete(id);
    done.add(id);
  };
  for (const id of ids) if (!done.has(id)) walk(id);
  return forward;
}

/** The longest way to each node from one without inputs. */
function layersOf<Id>(
  ids: readonly Id[],
  edges: readonly Edge<Id>[],
  boxes: ReadonlyMap<Id, Box>,
): ReadonlyMap<Id, number> {
  const layers = new Map<Id, number>();
  const layerOf = (id: Id): number => {
    const before = layers.get(id);
    if (before !== undefined) return before;
    const layer = Math.max(-1, ...edges.filter(([, to]) => to === id).map(([from]) => layerOf(from))) + 1;
    layers.set(id, layer);
    return layer;
  };
  for (const id of ids) layerOf(id);
  const bottom = Math.max(0, ...layers.values());
  for (const id of ids) if (boxes.get(id)?.last && !edges.some(([from]) => from === id)) layers.set(id, bottom);
  return layers;
}

/** Orders each layer by the middle of what its cells are joined with, so that fewer edges cross. */
function sort(layers: Cell[][], down: boolean): void {
  const order = down ? layers.map((_, index) => index) : layers.map((_, index) => layers.length - 1 - index);
  for (const index of order) {
    const layer = layers[index] ?? [];
    const rank = new Map((layers[index + (down ? -1 : 1)] ?? []).map((cell, place) => [cell, place]));
    const wanted = new Map(
      layer.map((cell, place) => {
        const joined = (down ? cell.above : cell.below).flatMap((other) => rank.get(other) ?? []);
        return [cell, joined.length === 0 ? place : joined.reduce((sum, at) => sum + at, 0) / joined.length];
      }),
    );
    layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
  }
}

/** Gives each cell its middle, near those that it is joined with and apart from its neighbours; answers the width. */
function spread(layers: readonly Cell[][], gap: number): number {
  const apart = (a: Cell, b: Cell): number => (a.width + b.width) / 2 + gap;
  for (const layer of layers) {
    let right = 0;
    for (const cell of layer) {
      cell.x = right + cell.width / 2;
      right += cell.width + gap;
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) {
      const wanted = layer.map((cell) => {
        const joined = down ? cell.above : cell.below;
        return joined.length === 0 ? cell.x : joined.reduce((sum, { x }) => sum + x, 0) / joined.length;
      });
      // As far left as neighbours allow, as far right as they allow, and in the middle of both.
      const right = [...wanted];
      const left = [...wanted];
      for (let at = 1; at < layer.length; at += 1) {
        const [before, cell] = [layer[at - 1], layer[at]];
        if (before && cell) right[at] = Math.max(right[at] ?? 0, (right[at - 1] ?? 0) + apart(before, cell));
      }
      for (let at = layer.length - 2; at >= 0; at -= 1) {
        const [cell, after] = [layer[at], layer[at + 1]];
        if (cell && after) left[at] = Math.min(left[at] ?? 0, (left[at + 1] ?? 0) - apart(cell, after));
      }
      layer.forEach((cell, at) => {
        cell.x = ((right[at] ?? 0) + (left[at] ?? 0)) / 2;
      });
    }
  }
  const all = layers.flat();
  const start = all.length === 0 ? 0 : Math.min(...all.map((cell) => cell.x - cell.width / 2));
  for (const cell of all) cell.x -= start;
  return Math.max(0, ...all.map((cell) => cell.x + cell.width / 2));
}
