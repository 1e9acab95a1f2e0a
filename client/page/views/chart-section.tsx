import { useId, useRef, useState } from 'preact/hooks';
import { formatAge, formatCount, NONE, plural } from '../../shared/format.ts';
import { shownNow } from '../../shared/state/live-state.ts';
import { ProblemNote, Segmented } from '../../shared/views/parts.tsx';
import { MOST_WINDOWS } from '../api/operations.ts';
import { formatSpan } from '../state/format-window.ts';
import { chartQuestion, MOST_CHART_ROWS } from '../state/questions.ts';
import { DEFAULT_WINDOWS } from '../state/url-state.ts';
import { formatNumber } from '../state/values.ts';
import { figuresOf, MOST_LINES, windowLines } from '../state/window-lines.ts';
import { usePage, useSelect } from './context.ts';
import { DraftInput } from './draft-input.tsx';
import { PanelSection, Waiting } from './parts.tsx';
import { LineGlyph, WindowChart } from './window-chart.tsx';
import type { JSX } from 'preact';
import type { PageTable, TableShape } from '../api/model.ts';
import type { ShownWindow, WindowLines } from '../state/window-lines.ts';

const LINES = [
  { value: 'sum', label: 'Sum', spoken: 'All keys added up' },
  { value: 'keys', label: 'Top keys', spoken: 'A line each for the largest keys' },
] as const;

type WindowShape = Extract<TableShape, { readonly kind: 'window' }>;

/** How many windows a chart may show: those that the table keeps. */
function windowChoices({ advanceMs, retentionMs }: WindowShape, chosen: number): number[] {
  const kept = Math.min(MOST_WINDOWS, Math.max(1, Math.floor(retentionMs / advanceMs)));
  const usual = [12, DEFAULT_WINDOWS, 48, 96, 168, 336, 720].filter((count) => count <= kept);
  return [...new Set([...usual, ...(usual.length < 2 ? [kept] : []), chosen])].sort((a, b) => a - b);
}

function whenOf({ start, end, isOpen }: ShownWindow, now: number): string {
  return `${formatSpan(start, end, now)}${isOpen ? ', so far' : ''}`;
}

function valueText(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : formatNumber(value);
}

/** 28 Nov, 12:00 – 13:00: DE 612, FR 598 */
function sentenceFor(shown: WindowLines, index: number, now: number): string {
  const window = shown.windows[index];
  if (!window) return '';
  const values = shown.lines.map(
    ({ name, values: own }) => `${name} ${own[index] === null ? 'no row' : valueText(own[index])}`,
  );
  return `${whenOf(window, now)}: ${values.join(', ')}`;
}

const PAGE_WINDOWS = 60;
const STEP_MS = 5_000;

/** The chart's windows as rows, newest first, sixty at a time. */
function WindowTable({ shown, caption, now }: { shown: WindowLines; caption: string; now: number }): JSX.Element {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(shown.windows.length / PAGE_WINDOWS));
  const at = Math.min(page, pages - 1);
  const places = shown.windows.map((_, index) => index).toReversed();
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="The chart as a table">
      <table class="data-table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Window</th>
            {shown.lines.map(({ name }) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {places.slice(at * PAGE_WINDOWS, (at + 1) * PAGE_WINDOWS).map((index) => {
            const window = shown.windows[index];
            return (
              window && (
                <tr key={window.start}>
                  <th scope="row">{whenOf(window, now)}</th>
                  {shown.lines.map(({ name, values }) => (
                    <td key={name} class="number">
                      {valueText(values[index])}
                    </td>
                  ))}
                </tr>
              )
            );
          })}
        </tbody>
      </table>
      {pages > 1 && (
        <p class="pager">
          <button type="button" class="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
            Newer
          </button>
          <span class="quiet">
            page {at + 1} of {pages}
          </span>
          <button type="button" class="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            Older
          </button>
        </p>
      )}
    </div>
  );
}

interface FigureProps {
  readonly shown: WindowLines;
  readonly figure: string;
  readonly now: number;
}

function Figure({ shown, figure, now }: FigureProps): JSX.Element {
  const [cursor, setCursor] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const summaryId = useId();
  const { windows, lines, otherKeys } = shown;
  const newest = windows.at(-1);
  const at = cursor ?? windows.length - 1;
  const pointed = windows[at];
  const summary =
    newest === undefined
      ? 'No rows yet.'
      : `${figure} in ${plural(windows.length, 'window')} up to ${whenOf(newest, now)}` +
        (otherKeys > 0 ? `; ${plural(otherKeys, 'other key')} not drawn.` : '.');
  return (
    <figure class="series-figure" aria-describedby={summaryId}>
      <div class="legend">
        {lines.map(({ name }, index) => (
          <span key={name} class="legend-item">
            <LineGlyph line={index} /> {name}
          </span>
        ))}
        {pointed && (
          <p class="readout" data-hovered={cursor !== null}>
            <span class="readout-when">{whenOf(pointed, now)}</span>
            {lines.map(({ name, values }, index) => (
              <span key={name}>
                <LineGlyph line={index} /> {valueText(values[at])}
              </span>
            ))}
          </p>
        )}
      </div>
      {asTable ? (
        <WindowTable shown={shown} caption={summary} now={now} />
      ) : (
        <WindowChart
          key={lines.length}
          shown={shown}
          label={`${figure} by window`}
          describe={(index) => sentenceFor(shown, index, now)}
          onCursor={setCursor}
        />
      )}
      <figcaption class="figure-foot">
        <span id={summaryId}>{summary}</span>
        <button type="button" class="plain" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'View as chart' : 'View as table'}
        </button>
      </figcaption>
    </figure>
  );
}

/** Keys by hand, apart by commas. */
function KeyChoice(): JSX.Element {
  const page = usePage();
  const keys = useSelect((state) => state.preferences.keys);
  return (
    <label class="field">
      <span class="field-label">Only these keys</span>
      <DraftInput
        type="text"
        value={keys.join(', ')}
        placeholder={`up to ${MOST_LINES}, apart by commas`}
        onCommit={(value) => {
          const chosen = value
            .split(',')
            .map((key) => key.trim())
            .filter((key) => key !== '');
          page.prefer({
            keys: [...new Set(chosen)].slice(0, MOST_LINES),
            ...(chosen.length > 0 ? { lines: 'keys' } : {}),
          });
        }}
      />
    </label>
  );
}

/** A figure of a table's rows over the windows that they are of. */
export function ChartSection({ table, shape }: { table: PageTable; shape: WindowShape }): JSX.Element {
  const page = usePage();
  const { chart, asked, preferences, now, problem, rows } = useSelect((state) => ({
    chart: state.shown.chart,
    asked: chartQuestion(table, state)?.key,
    preferences: state.preferences,
    // Whether a window is over need not be known to the second.
    now: Math.floor(shownNow(state) / STEP_MS) * STEP_MS,
    problem: state.problems.chart,
    rows: state.data.copies?.get(table.name)?.rows,
  }));
  const figures = figuresOf(table);
  const figure = figures.find(({ name }) => name === preferences.figure) ?? figures[0];
  const { windows, lines, keys } = preferences;
  // Between a choice and its first answer the last picture stays.
  const drawn = useRef<WindowLines | null>(null);
  if (asked !== undefined && chart?.key === asked) {
    const summed = lines === 'sum';
    drawn.current = windowLines({ table, rows: chart.rows.values(), figure, summed, keys, count: windows, now });
  }
  const isTooMuch = asked === undefined && keys.length === 0 && (rows ?? 0) > MOST_CHART_ROWS;
  return (
    <PanelSection
      id="chart"
      title="Over time"
      panel="chart"
      note={`Windows of ${formatAge(shape.sizeMs)}, by their start.`}
      controls={
        <>
          <label class="field">
            <span class="field-label">Figure</span>
            <select value={figure.name} onChange={(event) => page.prefer({ figure: event.currentTarget.value })}>
              {figures.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span class="field-label">Windows</span>
            <select
              value={String(windows)}
              onChange={(event) => page.prefer({ windows: Number(event.currentTarget.value) })}
            >
              {windowChoices(shape, windows).map((count) => (
                <option key={count} value={String(count)}>
                  {`${formatCount(count)} (${formatAge(count * shape.advanceMs)})`}
                </option>
              ))}
            </select>
          </label>
          <KeyChoice />
          <Segmented label="Lines" options={LINES} value={lines} onChange={(value) => page.prefer({ lines: value })} />
        </>
      }
    >
      <ProblemNote problem={problem} />
      {isTooMuch && (
        <p class="hint">
          This table has {formatCount(rows ?? 0)} rows, too many to draw at once. Name the keys to draw, up to{' '}
          {MOST_LINES}.
        </p>
      )}
      {drawn.current && !isTooMuch ? (
        <Figure shown={drawn.current} figure={figure.name} now={now} />
      ) : (
        !problem && !isTooMuch && <Waiting />
      )}
    </PanelSection>
  );
}
