/** What is drawn on the chart beside its lines: revisions, and what is not known. */
import { inside, scaleOf } from '../../shared/views/line-marks.ts';
import type uPlot from 'uplot';
import type { LineScene } from '../../shared/views/line-marks.ts';
import type { Device } from '../state/series-ring.ts';
import type { SeriesMode, SeriesView } from '../state/series-window.ts';
import type { ChartColours } from '../../shared/theme.ts';

/** What the drawing hooks read; replaced with each draw. */
export interface ChartScene extends LineScene {
  view: SeriesView;
  mode: SeriesMode;
  hidden: readonly Device[];
  colours: ChartColours;
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
