import { useId, useRef, useState } from 'preact/hooks';
import { formatAge, formatCount, formatShare, formatWindow, plural, shareOf } from '../../shared/format.ts';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { DEVICE_NAMES } from '../names.ts';
import { shownNow } from '../../shared/state/live-state.ts';
import { panelKnownUntil } from '../state/dashboard-state.ts';
import { clockStepMs, RANGES } from '../state/ranges.ts';
import { seriesKey } from '../state/series-model.ts';
import { DEVICES } from '../state/series-ring.ts';
import { seriesView, sumOf, totalOf } from '../state/series-window.ts';
import { Chart } from './chart.tsx';
import { useDashboard, useSelect } from './context.ts';
import { DeviceGlyph } from './parts.tsx';
import { SeriesTable } from './series-table.tsx';
import type { JSX } from 'preact';
import type { Freshness, StateCode } from '../api/types.ts';
import type { SeriesView, WindowView } from '../state/series-window.ts';

const STATE_WORDS: Readonly<Record<WindowView['state'], string>> = {
  whole: '',
  'in-progress': ', so far',
  revised: ', revised by late logins',
  unknown: '',
};

/** 12:03–12:04, so far: iOS 612, Android 598, Other 60 */
function sentenceFor(window: WindowView | undefined): string {
  if (!window) return '';
  const when = formatWindow(window.start, window.end);
  const { counts } = window;
  if (!counts) return `${when}: not known`;
  return (
    `${when}${STATE_WORDS[window.state]}: ` +
    `${DEVICES.map((device) => `${DEVICE_NAMES[device]} ${formatCount(counts[device])}`).join(', ')}`
  );
}

/** The window's exact values in one line of fixed places. */
function Readout({ window, hovered }: { window: WindowView | undefined; hovered: boolean }): JSX.Element | null {
  if (!window) return null;
  const { counts } = window;
  return (
    <p class="readout" data-hovered={hovered}>
      <span class="readout-when">
        {formatWindow(window.start, window.end)}
        {STATE_WORDS[window.state]}
      </span>
      {counts === null ? (
        <span>not known: the page was cut off</span>
      ) : (
        DEVICES.map((device) => (
          <span key={device}>
            <DeviceGlyph device={device} /> {formatCount(counts[device])}{' '}
            <span class="quiet">{formatShare(shareOf(counts[device], totalOf(counts)))}</span>
          </span>
        ))
      )}
    </p>
  );
}

function summaryOf(view: SeriesView, spoken: string, where: string): string {
  const sum = sumOf(view);
  const total = totalOf(sum);
  if (total === 0) return `No logins in the ${spoken}${where}.`;
  const share = (part: number): string => formatShare(shareOf(part, total));
  return (
    `${formatCount(total)} logins in the ${spoken}${where}: ${share(sum.ios)} iOS, ${share(sum.android)} ` +
    `Android, ${share(sum.other)} other.`
  );
}

const MINUTE_MS = 60_000;
/** With newer logins than this counted, nothing before the minute in progress is to come. */
const BEHIND_FROM_MS = 5_000;

/**
 * With a backlog, what lies after the newest login counted is still to come: the start of that login's minute, epoch
 * milliseconds; null without one.
 */
function behindSince(freshness: Freshness | undefined, now: number): number | null {
  if (!freshness || freshness.asOf === null || (freshness.complete && freshness.lag === 0)) return null;
  const asOf = Date.parse(freshness.asOf);
  return now - asOf < BEHIND_FROM_MS ? null : Math.floor(asOf / MINUTE_MS) * MINUTE_MS;
}

interface SeriesFigureProps {
  readonly panel: 'series' | 'stateSeries';
  readonly code: StateCode | null;
  /** In rem. */
  readonly height: number;
  /** " in California", or nothing. */
  readonly where: string;
}

/** A live series with its legend, exact values, summary and table. */
export function SeriesFigure({ panel, code, height, where }: SeriesFigureProps): JSX.Element {
  const dashboard = useDashboard();
  const { series, version, preferences, known, live, behindFrom, problem } = useSelect((state) => ({
    series: state.shown[panel],
    version: state.shown[panel]?.version,
    preferences: state.preferences,
    // The chart is drawn when its series changed, and when the clock went on by about a pixel.
    clock: Math.floor(shownNow(state) / clockStepMs(RANGES[state.preferences.range])),
    // While all is well this is the clock, which `now` says already.
    known: state.link.phase === 'live' && !state.problems[panel] ? 0 : panelKnownUntil(state, panel),
    live: state.link.phase === 'live',
    behindFrom: behindSince(state.shown.states?.freshness, shownNow(state)),
    problem: state.problems[panel],
  }));
  const now = shownNow(dashboard.store.get());
  const [cursor, setCursor] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const drawn = useRef<SeriesView | null>(null);
  const legendId = useId();
  const range = RANGES[preferences.range];
  const { mode, hidden, atNewest } = preferences;

  // Between the choice of a range and its first answer the last picture stays.
  if (series && version !== undefined && series.key === seriesKey(preferences.range, code)) {
    const { ring } = series;
    const to = atNewest && Number.isFinite(ring.newest) ? ring.newest + ring.windowMs : now;
    drawn.current = seriesView({
      ring,
      spanMs: range.spanMs,
      stepMs: range.stepMs,
      to,
      knownUntil: live && !problem ? Math.max(now, to) : known,
      settledUntil: Math.min(now, behindFrom ?? now),
    });
  }
  const view = drawn.current;
  if (!view) {
    return (
      <div class="series-figure">
        <ProblemNote problem={problem} />
        <div class="chart chart-waiting" style={{ height: `${height}rem` }}>
          {!problem && <p class="quiet">Waiting for the first answer.</p>}
        </div>
      </div>
    );
  }

  const newest = series?.ring.newest ?? Number.NEGATIVE_INFINITY;
  const allOld = Number.isFinite(newest) && newest + range.windowMs < view.from;
  const latest = view.windows.findLast((window) => window.counts !== null && window.state !== 'in-progress');
  const shownWindow = cursor === null ? latest : view.windows[cursor];
  const toggle = (device: (typeof DEVICES)[number]): void =>
    dashboard.prefer({
      hidden: hidden.includes(device) ? hidden.filter((entry) => entry !== device) : [...hidden, device],
    });
  const revised = view.windows.filter((window) => window.state === 'revised').length;
  const summary = summaryOf(
    view,
    atNewest ? `${range.spoken.replace('last ', '')} up to the newest login` : range.spoken,
    where,
  );

  return (
    <figure class="series-figure" aria-describedby={`${legendId}-summary`}>
      <ProblemNote problem={problem} />
      <div class="legend" role="group" aria-label="Lines shown">
        {DEVICES.map((device) => (
          <button
            key={device}
            type="button"
            class="legend-item"
            aria-pressed={!hidden.includes(device)}
            onClick={() => toggle(device)}
          >
            <DeviceGlyph device={device} /> {DEVICE_NAMES[device]}
          </button>
        ))}
        <Readout window={shownWindow} hovered={cursor !== null} />
      </div>
      {allOld && !atNewest && (
        <p class="hint">
          The newest login is {formatAge(now - newest)} old, before this range.{' '}
          <button type="button" class="plain" onClick={() => dashboard.prefer({ atNewest: true })}>
            Show the time up to it
          </button>
        </p>
      )}
      {atNewest && (
        <p class="hint">
          This chart ends at the newest login, not now.{' '}
          <button type="button" class="plain" onClick={() => dashboard.prefer({ atNewest: false })}>
            Follow the clock
          </button>
        </p>
      )}
      {asTable ? (
        <SeriesTable view={view} caption={summary} />
      ) : (
        <Chart
          view={view}
          mode={mode}
          hidden={hidden}
          height={height}
          label={`Logins by device type${where}, ${range.spoken}, ${mode === 'share' ? 'as shares' : 'as counts'}`}
          describe={(index) => sentenceFor(view.windows[index])}
          onCursor={setCursor}
        />
      )}
      <figcaption class="figure-foot">
        <span>
          <span id={`${legendId}-summary`}>{summary}</span>
          {revised > 0 && (
            <span class="revised">
              <span class="mark-revised" aria-hidden="true">
                ◆
              </span>{' '}
              {plural(revised, 'point')} changed by late logins.
            </span>
          )}
        </span>
        <button type="button" class="plain" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'View as chart' : 'View as table'}
        </button>
      </figcaption>
    </figure>
  );
}
