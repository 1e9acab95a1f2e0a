import { useRef } from 'preact/hooks';
import { formatCompact } from '../../shared/format.ts';
import { styleColour } from '../../shared/theme.ts';
import { CIRCLE, drawEndLabels, drawMarkers, SQUARE, TRIANGLE } from '../../shared/views/line-marks.ts';
import { isNarrow, Plot, timePlot } from '../../shared/views/plot.tsx';
import { DEVICE_NAMES } from '../names.ts';
import { DEVICES } from '../state/series-ring.ts';
import { columnsOf, valueOf } from '../state/series-window.ts';
import { drawRevisions, drawUnknown, type ChartScene } from './chart-marks.ts';
import type { JSX } from 'preact';
import type uPlot from 'uplot';
import type { Columns } from '../../shared/state/columns.ts';
import type { PlotFrame } from '../../shared/views/plot.tsx';
import type { Device } from '../state/series-ring.ts';
import type { SeriesMode, SeriesView } from '../state/series-window.ts';

export interface ChartProps {
  readonly view: SeriesView;
  readonly mode: SeriesMode;
  readonly hidden: readonly Device[];
  /** In rem: it grows with the letters. */
  readonly height: number;
  /** What the focusable surface is called. */
  readonly label: string;
  /** A window as a sentence, for those who hear it. */
  readonly describe: (index: number) => string;
  /** The window under the pointer or the keyboard's cursor; null for none. */
  readonly onCursor: (index: number | null) => void;
}

const SHAPES = { ios: CIRCLE, android: TRIANGLE, other: SQUARE } as const;

/** The top of the value axis: the highest visible window and a little air, at least 4 so that a quiet chart is flat. */
function topOf(scene: ChartScene): number {
  if (scene.mode === 'share') return 1;
  let top = 0;
  for (const window of scene.view.windows) {
    for (const device of DEVICES)
      if (!scene.hidden.includes(device)) top = Math.max(top, valueOf(window, device, 'counts') ?? 0);
  }
  return Math.max(4, top * 1.08);
}

function visibleColumns(view: SeriesView, mode: SeriesMode, hidden: readonly Device[]): Columns {
  const [xs, ...lines] = columnsOf(view, mode);
  return [
    xs,
    ...lines.map((line, index) => {
      const device = DEVICES[index % DEVICES.length];
      return device && hidden.includes(device) ? line.map(() => null) : line;
    }),
  ];
}

function lineOptions(frame: PlotFrame, scene: ChartScene): uPlot.Options {
  const { unit } = frame;
  const colourOf = (index: number): string => scene.lines[index % scene.lines.length]?.colour ?? frame.colours.quiet;
  const lines = (more: uPlot.Series): uPlot.Series[] =>
    scene.lines.map(({ colour }) => ({ stroke: colour, points: { show: false }, spanGaps: false, ...more }));
  return timePlot(frame, {
    range: () => [scene.view.from, scene.view.to],
    values: () => [0, topOf(scene)],
    // No line at half a login: it would have no number.
    tick: (value) =>
      scene.mode === 'share' ? `${Math.round(value * 100)}%` : Number.isInteger(value) ? formatCompact(value) : '',
    lines: [...lines({ width: 2 * unit }), ...lines({ width: 1.5 * unit, dash: [2 * unit, 4 * unit] })],
    colourOf,
    hooks: {
      drawClear: [(plot) => drawUnknown(plot, scene)],
      draw: [
        (plot) => {
          drawRevisions(plot, scene);
          drawMarkers(plot, scene);
          if (!isNarrow(plot.width)) drawEndLabels(plot, scene);
        },
      ],
    },
  });
}

/** The series of the device types as lines. */
export function Chart({ view, mode, hidden, height, label, describe, onCursor }: ChartProps): JSX.Element {
  const scene = useRef<ChartScene | null>(null);
  const columns = visibleColumns(view, mode, hidden);
  if (scene.current) Object.assign(scene.current, { view, columns, mode, hidden });
  return (
    <Plot
      columns={columns}
      starts={view.windows.map((window) => window.start)}
      options={(frame) => {
        scene.current = {
          view,
          columns,
          mode,
          hidden,
          unit: frame.unit,
          ground: frame.colours.ground,
          colours: frame.colours,
          lines: DEVICES.map((device) => ({
            name: DEVICE_NAMES[device],
            colour: styleColour(`--${device}`),
            shape: SHAPES[device],
          })),
        };
        return lineOptions(frame, scene.current);
      }}
      height={height}
      label={label}
      describe={describe}
      onCursor={onCursor}
    />
  );
}
