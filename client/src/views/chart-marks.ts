/** What is drawn on the chart beside its lines: shapes, names, revisions and what is not known. */
import { DEVICE_NAMES } from '../names.ts';
import { DEVICES } from '../state/series-ring.ts';
import type uPlot from 'uplot';
import type { Columns } from '../../shared/state/columns.ts';
import type { ChartColours } from '../../shared/theme.ts';
import type { Device } from '../state/series-ring.ts';
import type { SeriesMode, SeriesView } from '../state/series-window.ts';

/** What the drawing hooks read; replaced with each draw. */
export interface ChartScene {
  view: SeriesView;
  columns: Columns;
  mode: SeriesMode;
  hidden: readonly Device[];
  colours: ChartColours & Readonly<Record<Device, string>>;
  /** CSS pixels of what is a pixel at the page's usual letter size: a wall's letters are larger. */
  unit: number;
}

/** Space between two shapes on one line, in CSS pixels. */
const MARKER_SPACE_PX = 64;
const LABEL_HEIGHT_PX = 15;

/** Canvas pixels of what is a CSS pixel at the page's usual letter size. */
function scaleOf(scene: ChartScene): number {
  return (devicePixelRatio || 1) * scene.unit;
}

function inside(plot: uPlot, scale: number, draw: (context: CanvasRenderingContext2D) => void): void {
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

function shape(context: CanvasRenderingContext2D, device: Device, x: number, y: number, size: number): void {
  context.beginPath();
  if (device === 'ios') context.arc(x, y, size, 0, Math.PI * 2);
  else if (device === 'other') context.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
  else {
    context.moveTo(x, y - size * 1.15);
    context.lineTo(x + size * 1.1, y + size * 0.85);
    context.lineTo(x - size * 1.1, y + size * 0.85);
    context.closePath();
  }
  context.fill();
  context.stroke();
}

/** Each line carries its device type's shape now and then, and wherever a point stands alone; and at its very end. */
export function drawMarkers(plot: uPlot, scene: ChartScene): void {
  const [xs, ...lines] = scene.columns;
  const scale = scaleOf(scene);
  const size = 3.6 * scale;
  inside(plot, scale, (context) => {
    context.strokeStyle = scene.colours.ground;
    context.lineWidth = scale;
    DEVICES.forEach((device, order) => {
      const solid = lines[order] ?? [];
      const tail = lines[order + DEVICES.length] ?? [];
      context.fillStyle = scene.colours[device];
      // The three lines carry their shapes at different places, so that lines that run together can be told apart.
      let due = Number.NEGATIVE_INFINITY;
      let offset = (order * MARKER_SPACE_PX * scale) / DEVICES.length;
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
        shape(context, device, x, plot.valToPos(value, 'y', true), size);
      });
      const end = tail.findLastIndex((value) => value !== null);
      const value = tail[end] ?? null;
      if (value !== null) {
        context.save();
        context.fillStyle = scene.colours.ground;
        context.strokeStyle = scene.colours[device];
        shape(context, device, plot.valToPos(xs[end] ?? 0, 'x', true), plot.valToPos(value, 'y', true), size);
        context.restore();
      }
    });
  });
}

/** The name of each line at its right end, pushed apart where they would touch. */
export function drawEndLabels(plot: uPlot, scene: ChartScene): void {
  const { ctx, bbox } = plot;
  const [, ...lines] = scene.columns;
  const scale = scaleOf(scene);
  const labels = DEVICES.flatMap((device, order) => {
    const value = lines[order]?.findLast((entry) => entry !== null) ?? null;
    return value === null ? [] : [{ device, y: plot.valToPos(value, 'y', true) }];
  }).sort((a, b) => a.y - b.y);
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
  for (const { device, y } of labels) {
    ctx.fillStyle = scene.colours[device];
    ctx.fillText(DEVICE_NAMES[device], bbox.left + bbox.width + 10 * scale, overflow > 0 ? y - overflow : y);
  }
  ctx.restore();
}

/** A diamond on the time axis below each window that changed after its time. */
export function drawRevisions(plot: uPlot, scene: ChartScene): void {
  const [xs] = scene.columns;
  const { bbox } = plot;
  const scale = scaleOf(scene);
  const size = 4 * scale;
  inside(plot, scale, (context) => {
    context.fillStyle = scene.colours.quiet;
    scene.view.windows.forEach((window, index) => {
      if (window.state !== 'revised') return;
      const x = plot.valToPos(xs[index] ?? 0, 'x', true);
      const y = bbox.top + bbox.height - size;
      context.beginPath();
      context.moveTo(x, y - size);
      context.lineTo(x + size, y);
      context.lineTo(x, y + size);
      context.lineTo(x - size, y);
      context.fill();
    });
  });
}

/** Slanted lines over the time of which the page knows nothing. */
export function drawUnknown(plot: uPlot, scene: ChartScene): void {
  const first = scene.view.windows.find((window) => window.state === 'unknown');
  if (!first) return;
  const { bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(first.start / 1000, 'x', true));
  const width = bbox.left + bbox.width - left;
  if (!(width > 0)) return;
  const scale = scaleOf(scene);
  const gap = 8 * scale;
  const { ctx } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, width, bbox.height);
  ctx.clip();
  ctx.setLineDash([]);
  ctx.strokeStyle = scene.colours.line;
  ctx.lineWidth = scale;
  ctx.beginPath();
  for (let x = left - bbox.height; x < left + width; x += gap) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}
