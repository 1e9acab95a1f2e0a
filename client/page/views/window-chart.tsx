import { useRef } from 'preact/hooks';
import { formatCompact } from '../../shared/format.ts';
import { styleColour } from '../../shared/theme.ts';
import { CIRCLE, drawEndLabels, drawMarkers, SQUARE, TRIANGLE } from '../../shared/views/line-marks.ts';
import { isNarrow, Plot, timePlot } from '../../shared/views/plot.tsx';
import { columnsOf, valueRange } from '../state/window-lines.ts';
import { formatNumber } from '../state/values.ts';
import { shortened } from '../state/topology-drawing.ts';
import type { JSX } from 'preact';
import type uPlot from 'uplot';
import type { LineScene, Shape } from '../../shared/views/line-marks.ts';
import type { PlotFrame } from '../../shared/views/plot.tsx';
import type { WindowLines } from '../state/window-lines.ts';

const DIAMOND: Shape = [
  [0, -1.25],
  [1.25, 0],
  [0, 1.25],
  [-1.25, 0],
];
const CROSS: Shape = [
  [-0.4, -1.15],
  [0.4, -1.15],
  [0.4, -0.4],
  [1.15, -0.4],
  [1.15, 0.4],
  [0.4, 0.4],
  [0.4, 1.15],
  [-0.4, 1.15],
  [-0.4, 0.4],
  [-1.15, 0.4],
  [-1.15, -0.4],
  [-0.4, -0.4],
];
const SHAPES: readonly Shape[] = [CIRCLE, TRIANGLE, SQUARE, DIAMOND, CROSS];
/** A name at the end of a line has room for so many letters. */
const LABEL_LETTERS = 8;

/** The shape of the line at that place, for its legend. */
export function LineGlyph({ line }: { line: number }): JSX.Element {
  const corners = SHAPES[line] ?? CIRCLE;
  return (
    <svg class={`glyph glyph-line-${line + 1}`} viewBox="-1.3 -1.3 2.6 2.6" width="10" height="10" aria-hidden="true">
      {corners.length === 0 ? (
        <circle r="1.1" />
      ) : (
        <polygon points={corners.map((corner) => corner.join()).join(' ')} />
      )}
    </svg>
  );
}

interface Scene extends LineScene {
  shown: WindowLines;
}

function lineOptions(frame: PlotFrame, scene: Scene): uPlot.Options {
  const { unit, colours } = frame;
  const colourOf = (index: number): string => scene.lines[index % scene.lines.length]?.colour ?? colours.quiet;
  const lines = (more: uPlot.Series): uPlot.Series[] =>
    scene.lines.map(({ colour }) => ({ stroke: colour, points: { show: false }, spanGaps: false, ...more }));
  return timePlot(frame, {
    range: () => {
      const { windows } = scene.shown;
      const [from, to] = [windows[0]?.start ?? 0, windows.at(-1)?.start ?? 0];
      // One window alone stands in the middle.
      return from === to ? [from - 60_000, to + 60_000] : [from, to];
    },
    values: () => valueRange(scene.shown),
    tick: (value) => (Math.abs(value) >= 10_000 ? formatCompact(value) : formatNumber(value)),
    lines: [...lines({ width: 2 * unit }), ...lines({ width: 1.5 * unit, dash: [2 * unit, 4 * unit] })],
    colourOf,
    hooks: {
      draw: [
        (plot) => {
          drawMarkers(plot, scene);
          if (!isNarrow(plot.width)) drawEndLabels(plot, scene);
        },
      ],
    },
  });
}

interface WindowChartProps {
  readonly shown: WindowLines;
  /** What the focusable surface is called. */
  readonly label: string;
  /** A window as a sentence, for those who hear it. */
  readonly describe: (index: number) => string;
  readonly onCursor: (index: number | null) => void;
}

/** Lines over the starts of windows. Drawn anew for other lines: `key` it by their number. */
export function WindowChart({ shown, label, describe, onCursor }: WindowChartProps): JSX.Element {
  const scene = useRef<Scene | null>(null);
  const columns = columnsOf(shown);
  const linesOf = (): LineScene['lines'] =>
    shown.lines.map(({ name }, index) => ({
      name: shortened(name, LABEL_LETTERS),
      colour: styleColour(`--line-${index + 1}`),
      shape: SHAPES[index] ?? CIRCLE,
    }));
  if (scene.current) Object.assign(scene.current, { shown, columns, lines: linesOf() });
  return (
    <Plot
      columns={columns}
      starts={shown.windows.map(({ start }) => start)}
      options={(frame) => {
        scene.current = { shown, columns, lines: linesOf(), ground: frame.colours.ground, unit: frame.unit };
        return lineOptions(frame, scene.current);
      }}
      height={16}
      label={label}
      describe={describe}
      onCursor={onCursor}
    />
  );
}
