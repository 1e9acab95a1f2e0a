import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatTick } from '../format.ts';
import { chartColours, onThemeChange, rootUnit } from '../theme.ts';
import type { JSX } from 'preact';
import type { Columns } from '../state/columns.ts';
import type { ChartColours } from '../theme.ts';

/** The surface that a chart is drawn for. */
export interface PlotFrame {
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** CSS pixels of what is a pixel at the page's usual letter size: a wall's letters are larger. */
  readonly unit: number;
  readonly colours: ChartColours;
}

/** Room on the right for the names of the lines; where the chart is narrow, only for half a time of day. */
const LABEL_ROOM_PX = 64;
const TICK_ROOM_PX = 20;
const NARROW_PX = 480;

/** Whether there is no room for names at the ends of lines. */
export function isNarrow(width: number): boolean {
  return width < NARROW_PX;
}

/** Steps of the time axis: none below the minute, which is the finest window there is. */
const TIME_STEPS_SECONDS = [
  60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000,
];

interface TimePlot {
  /** Edges of the time axis, epoch milliseconds. */
  readonly range: () => readonly [from: number, to: number];
  /** Lowest and highest value of the value axis. */
  readonly values: () => [low: number, high: number];
  /** The value axis' mark for a value; '' for one without mark and line. */
  readonly tick: (value: number) => string;
  readonly lines: readonly uPlot.Series[];
  /** The colour of a line, by its place among the lines. */
  readonly colourOf: (line: number) => string;
  readonly hooks?: Omit<uPlot.Hooks.Arrays, 'setCursor'>;
}

/** A chart of lines over time, as every chart of these pages looks. */
export function timePlot(
  { width, height, unit, colours }: PlotFrame,
  { range, values, tick, lines, colourOf, hooks }: TimePlot,
): uPlot.Options {
  const font = `${12 * unit}px system-ui, sans-serif`;
  return {
    width,
    height,
    legend: { show: false },
    padding: [12 * unit, (isNarrow(width) ? TICK_ROOM_PX : LABEL_ROOM_PX) * unit, 0, 0],
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: 'time' },
      points: {
        size: 8 * unit,
        width: 2 * unit,
        stroke: (_, index) => colourOf(index - 1),
        fill: () => colours.ground,
      },
    },
    scales: {
      x: {
        time: true,
        range: () => {
          const [from, to] = range();
          return [from / 1000, to / 1000];
        },
      },
      y: { range: values },
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
        // No line where there is no number.
        grid: {
          stroke: colours.line,
          width: 1,
          filter: (_, marks) => marks.map((value) => (tick(value) === '' ? null : value)),
        },
        ticks: { show: false },
        gap: 8 * unit,
        space: (height < 260 * unit ? 28 : 44) * unit,
        size: 48 * unit,
        values: (_, marks) => marks.map(tick),
      },
    ],
    series: [{}, ...lines],
    hooks: hooks ?? {},
  };
}

interface PlotProps {
  readonly columns: Columns;
  /** What each place on the time axis is known by while the chart slides: epoch milliseconds of its start. */
  readonly starts: readonly number[];
  /** Asked again when size or theme change. */
  readonly options: (frame: PlotFrame) => uPlot.Options;
  /** In rem: it grows with the letters. */
  readonly height: number;
  /** What the focusable surface is called. */
  readonly label: string;
  /** A window as a sentence, for those who hear it. */
  readonly describe: (index: number) => string;
  /** The window under the pointer or the keyboard's cursor; null for none. */
  readonly onCursor: (index: number | null) => void;
}

/**
 * The lines, on a canvas. To the keyboard and to screen readers the surface is a slider over the windows: its value
 * text is read when a key moves it, and only then.
 */
export function Plot(props: PlotProps): JSX.Element {
  const { columns, starts, height, label, describe } = props;
  const surface = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  /** Start of the window that the keyboard chose: the cursor stays with it while the chart slides. */
  const chosen = useRef<number | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = surface.current;
    if (!element) return undefined;
    const build = (): void => {
      plot.current?.destroy();
      const options = latest.current.options({
        width: Math.max(120, element.clientWidth),
        height: element.clientHeight,
        unit: rootUnit(),
        colours: chartColours(),
      });
      options.hooks = {
        ...options.hooks,
        setCursor: [(drawn) => latest.current.onCursor(drawn.cursor.idx ?? null)],
      };
      plot.current = new uPlot(options, latest.current.columns as uPlot.AlignedData, element);
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
    plot.current?.setData(columns as uPlot.AlignedData);
    if (plot.current && chosen.current !== null) moveTo(starts.indexOf(chosen.current), false);
  });

  const moveTo = (index: number, say: boolean): void => {
    const drawn = plot.current;
    const element = surface.current;
    const x = columns[0][index];
    if (!drawn || !element || x === undefined) return;
    chosen.current = starts[index] ?? null;
    drawn.setCursor({ left: drawn.valToPos(x, 'x'), top: drawn.over.clientHeight / 2 });
    if (say) {
      element.setAttribute('aria-valuemax', String(starts.length - 1));
      element.setAttribute('aria-valuenow', String(index));
      element.setAttribute('aria-valuetext', describe(index));
    }
  };

  const leave = (): void => {
    chosen.current = null;
    plot.current?.setCursor({ left: -10, top: -10 });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const last = starts.length - 1;
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
