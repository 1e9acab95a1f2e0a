import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatCompact, formatTick } from '../format.ts';
import { DEVICES } from '../state/series-ring.ts';
import { columnsOf, valueOf } from '../state/series-window.ts';
import { chartColours, onThemeChange, rootUnit } from '../theme.ts';
import { drawEndLabels, drawMarkers, drawRevisions, drawUnknown, type ChartScene } from './chart-marks.ts';
import type { JSX } from 'preact';
import type { Device } from '../state/series-ring.ts';
import type { Columns, SeriesMode, SeriesView } from '../state/series-window.ts';

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

/** Room on the right for the names of the lines; where the chart is narrow, only for half a time of day. */
const LABEL_ROOM_PX = 64;
const TICK_ROOM_PX = 20;
const NARROW_PX = 480;

/** Steps of the time axis: none below the minute, which is the finest window there is. */
const TIME_STEPS_SECONDS = [
  60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000,
];

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

function optionsFor(
  scene: ChartScene,
  width: number,
  height: number,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const { colours, unit } = scene;
  const font = `${12 * unit}px system-ui, sans-serif`;
  const line = (device: Device): uPlot.Series => ({
    stroke: colours[device],
    width: 2 * unit,
    points: { show: false },
    spanGaps: false,
  });
  const tail = (device: Device): uPlot.Series => ({
    stroke: colours[device],
    width: 1.5 * unit,
    dash: [2 * unit, 4 * unit],
    spanGaps: false,
    points: { show: false },
  });
  return {
    width,
    height,
    legend: { show: false },
    padding: [12 * unit, (width < NARROW_PX ? TICK_ROOM_PX : LABEL_ROOM_PX) * unit, 0, 0],
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: 'time' },
      points: {
        size: 8 * unit,
        width: 2 * unit,
        stroke: (_, index) => colours[DEVICES[(index - 1) % DEVICES.length] ?? 'other'],
        fill: () => colours.ground,
      },
    },
    scales: {
      x: { time: true, range: () => [scene.view.from / 1000, scene.view.to / 1000] },
      y: { range: () => [0, topOf(scene)] },
    },
    axes: [
      {
        stroke: colours.quiet,
        font,
        grid: { show: false },
        ticks: { stroke: colours.line, width: 1, size: 4 },
        gap: 6 * unit,
        size: 32 * unit,
        space: 72 * unit,
        incrs: TIME_STEPS_SECONDS,
        values: (_, splits, __, ___, stepSeconds) => splits.map((at) => formatTick(at * 1000, stepSeconds * 1000)),
      },
      {
        stroke: colours.quiet,
        font,
        // No line at half a login: it would have no number.
        grid: {
          stroke: colours.line,
          width: 1,
          filter: (_, values) =>
            values.map((value) => (scene.mode === 'share' || Number.isInteger(value) ? value : null)),
        },
        ticks: { show: false },
        gap: 8 * unit,
        space: (height < 260 * unit ? 28 : 44) * unit,
        size: 48 * unit,
        values: (_, values) =>
          values.map((value) =>
            scene.mode === 'share'
              ? `${Math.round(value * 100)}%`
              : Number.isInteger(value)
                ? formatCompact(value)
                : '',
          ),
      },
    ],
    series: [{}, ...DEVICES.map(line), ...DEVICES.map(tail)],
    hooks: {
      drawClear: [(plot) => drawUnknown(plot, scene)],
      draw: [
        (plot) => {
          drawRevisions(plot, scene);
          drawMarkers(plot, scene);
          if (plot.width >= NARROW_PX) drawEndLabels(plot, scene);
        },
      ],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
}

/**
 * The lines, on a canvas. To the keyboard and to screen readers the surface is a slider over the windows: its value
 * text is read when a key moves it, and only then.
 */
export function Chart({ view, mode, hidden, height, label, describe, onCursor }: ChartProps): JSX.Element {
  const surface = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scene = useRef<ChartScene | null>(null);
  /** Start of the window that the keyboard chose: the cursor stays with it while the chart slides. */
  const chosen = useRef<number | null>(null);
  const cursorMoved = useRef(onCursor);
  cursorMoved.current = onCursor;

  const columns = visibleColumns(view, mode, hidden);
  if (scene.current) Object.assign(scene.current, { view, columns, mode, hidden });

  useEffect(() => {
    const element = surface.current;
    if (!element) return undefined;
    const build = (): void => {
      plot.current?.destroy();
      const built: ChartScene = {
        ...(scene.current ?? { view, columns, mode, hidden }),
        colours: chartColours(),
        unit: rootUnit(),
      };
      scene.current = built;
      const options = optionsFor(built, Math.max(120, element.clientWidth), element.clientHeight, (index) =>
        cursorMoved.current(index),
      );
      plot.current = new uPlot(options, built.columns as uPlot.AlignedData, element);
    };
    build();
    const resized = new ResizeObserver(() => {
      if (
        plot.current &&
        Math.abs(plot.current.width - element.clientWidth) + Math.abs(plot.current.height - element.clientHeight) > 1
      )
        build();
    });
    resized.observe(element);
    const stop = onThemeChange(build);
    return () => {
      stop();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [height]);

  useLayoutEffect(() => {
    const drawn = plot.current;
    if (!drawn) return;
    drawn.setData(columns as uPlot.AlignedData);
    if (chosen.current !== null)
      moveTo(
        view.windows.findIndex((window) => window.start === chosen.current),
        false,
      );
  });

  const moveTo = (index: number, say: boolean): void => {
    const drawn = plot.current;
    const element = surface.current;
    const x = columns[0][index];
    if (!drawn || !element || x === undefined) return;
    chosen.current = view.windows[index]?.start ?? null;
    drawn.setCursor({ left: drawn.valToPos(x, 'x'), top: drawn.over.clientHeight / 2 });
    if (say) {
      element.setAttribute('aria-valuemax', String(view.windows.length - 1));
      element.setAttribute('aria-valuenow', String(index));
      element.setAttribute('aria-valuetext', describe(index));
    }
  };

  const leave = (): void => {
    chosen.current = null;
    plot.current?.setCursor({ left: -10, top: -10 });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const last = view.windows.length - 1;
    const at = plot.current?.cursor.idx ?? last;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowDown: at - 1,
      ArrowUp: at + 1,
      PageDown: at - 10,
      PageUp: at + 10,
      Home: 0,
      End: last,
    };
    const next = steps[event.key];
    if (event.key === 'Escape' && chosen.current !== null) {
      event.stopPropagation();
      leave();
    } else if (next !== undefined) {
      event.preventDefault();
      moveTo(Math.min(last, Math.max(0, next)), true);
    }
  };

  return (
    <div
      ref={surface}
      class="chart"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={0}
      aria-valuenow={0}
      aria-valuetext="Arrow keys read window by window"
      style={{ height: `${height}rem` }}
      onKeyDown={onKeyDown}
      onBlur={leave}
      onPointerMove={() => (chosen.current = null)}
    />
  );
}
