/** What tells lines on a chart apart beside their colours: shapes along them, and names at their ends. */
import type uPlot from 'uplot';
import type { Columns } from '../state/columns.ts';

/** Corners from -1 to 1, clockwise; none for a circle. */
export type Shape = readonly (readonly [x: number, y: number])[];

export const CIRCLE: Shape = [];
export const TRIANGLE: Shape = [
  [0, -1.15],
  [1.1, 0.85],
  [-1.1, 0.85],
];
export const SQUARE: Shape = [
  [-0.9, -0.9],
  [0.9, -0.9],
  [0.9, 0.9],
  [-0.9, 0.9],
];

interface MarkedLine {
  readonly name: string;
  readonly colour: string;
  readonly shape: Shape;
}

/** What the drawing hooks read; replaced with each draw. */
export interface LineScene {
  /** A column for each line's whole windows, then one for each line's windows in progress. */
  columns: Columns;
  lines: readonly MarkedLine[];
  /** The colour behind the lines. */
  ground: string;
  /** CSS pixels of what is a pixel at the page's usual letter size: a wall's letters are larger. */
  unit: number;
}

/** Space between two shapes on one line, in CSS pixels. */
const MARKER_SPACE_PX = 64;
const LABEL_HEIGHT_PX = 15;

/** Canvas pixels of what is a CSS pixel at the page's usual letter size. */
export function scaleOf({ unit }: Pick<LineScene, 'unit'>): number {
  return (devicePixelRatio || 1) * unit;
}

/** Draws where the lines are, and a little around them. */
export function inside(plot: uPlot, scale: number, draw: (context: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot;
  ctx.save();
  // The lines before left their dashes behind.
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 8, bbox.width + 8 * scale, bbox.height + 16);
  ctx.clip();
  draw(ctx);
  ctx.restore();
}

function drawShape(context: CanvasRenderingContext2D, shape: Shape, x: number, y: number, size: number): void {
  context.beginPath();
  if (shape.length === 0) context.arc(x, y, size, 0, Math.PI * 2);
  for (const [dx, dy] of shape) context.lineTo(x + dx * size, y + dy * size);
  context.closePath();
  context.fill();
  context.stroke();
}

/** Each line carries its shape now and then, and wherever a point stands alone; and at its very end. */
export function drawMarkers(plot: uPlot, scene: LineScene): void {
  const [xs, ...columns] = scene.columns;
  const { lines, ground } = scene;
  const scale = scaleOf(scene);
  const size = 3.6 * scale;
  inside(plot, scale, (context) => {
    context.strokeStyle = ground;
    context.lineWidth = scale;
    lines.forEach(({ shape, colour }, order) => {
      const solid = columns[order] ?? [];
      const tail = columns[order + lines.length] ?? [];
      context.fillStyle = colour;
      // The lines carry their shapes at different places, so that lines that run together can be told apart.
      let due = Number.NEGATIVE_INFINITY;
      let offset = (order * MARKER_SPACE_PX * scale) / lines.length;
      solid.forEach((value, index) => {
        if (value === null) return;
        const x = plot.valToPos(xs[index] ?? 0, 'x', true);
        const alone = (solid[index - 1] ?? null) === null && (solid[index + 1] ?? null) === null;
        if (!alone && x < due) return;
        if (!alone && offset > 0) {
          due = x + offset;
          offset = 0;
          return;
        }
        due = x + MARKER_SPACE_PX * scale;
        drawShape(context, shape, x, plot.valToPos(value, 'y', true), size);
      });
      const end = tail.findLastIndex((value) => value !== null);
      const value = tail[end] ?? null;
      if (value !== null) {
        context.save();
        context.fillStyle = ground;
        context.strokeStyle = colour;
        drawShape(context, shape, plot.valToPos(xs[end] ?? 0, 'x', true), plot.valToPos(value, 'y', true), size);
        context.restore();
      }
    });
  });
}

/** The name of each line at its right end, pushed apart where they would touch. */
export function drawEndLabels(plot: uPlot, scene: LineScene): void {
  const { ctx, bbox } = plot;
  const [, ...columns] = scene.columns;
  const scale = scaleOf(scene);
  const labels = scene.lines
    .flatMap((line, order) => {
      const value = columns[order]?.findLast((entry) => entry !== null) ?? null;
      return value === null ? [] : [{ ...line, y: plot.valToPos(value, 'y', true) }];
    })
    .sort((a, b) => a.y - b.y);
  const step = LABEL_HEIGHT_PX * scale;
  for (let index = 1; index < labels.length; index += 1) {
    const [above, below] = [labels[index - 1], labels[index]];
    if (above && below) below.y = Math.max(below.y, above.y + step);
  }
  const overflow = (labels.at(-1)?.y ?? 0) - (bbox.top + bbox.height - step / 3);
  ctx.save();
  ctx.font = `600 ${12 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  for (const { name, colour, y } of labels) {
    ctx.fillStyle = colour;
    ctx.fillText(name, bbox.left + bbox.width + 10 * scale, overflow > 0 ? y - overflow : y);
  }
  ctx.restore();
}
