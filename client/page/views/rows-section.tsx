import { useRef } from 'preact/hooks';
import { downloadCsv } from '../../shared/csv.ts';
import { formatCount, plural } from '../../shared/format.ts';
import { shownNow } from '../../shared/state/live-state.ts';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { rowsPage, rowsSubscription } from '../api/operations.ts';
import { selectionOf } from '../api/selection.ts';
import { rowsCsv } from '../state/rows-csv.ts';
import { orderWords } from '../state/row-order.ts';
import { shownRows } from '../state/shown-rows.ts';
import { ROWS_OF_PAGE } from '../state/url-state.ts';
import { usePage, useSelect } from './context.ts';
import { Filters } from './filters.tsx';
import { PanelSection, Waiting } from './parts.tsx';
import { RowsTable } from './rows-table.tsx';
import type { JSX } from 'preact';
import type { PageTable } from '../api/model.ts';
import type { ShownRows } from '../state/shown-rows.ts';

/** What the rows are, in a sentence. */
function noteOf(table: PageTable, { order, isLive }: ShownRows, isFirst: boolean): string {
  const { key } = table;
  const by = orderWords(table, order);
  if (isLive) return `Live, ${by}.`;
  return isFirst
    ? `Held by the processors, asked for every 5 seconds, ${by}. Search by ${key.name} to follow some live.`
    : `Asked for every 5 seconds, ${by}. The first page is live.`;
}

/** Rows 51–100 of 1,234 */
function rangeWords(before: number, count: number, total: number | null): string {
  if (count === 0) return 'No rows';
  const last = before + count;
  const range = `Rows ${formatCount(before + 1)}–${formatCount(last)}`;
  // The count is a little older than live rows.
  return total === null ? range : `${range} of ${formatCount(Math.max(total, last))}`;
}

/** Where the shown rows stand among all, and the ways to the others. */
/** `count`: rows on screen; null while those of another page are. */
function Pager({ shown, count, before }: { shown: ShownRows; count: number | null; before: number }): JSX.Element {
  const page = usePage();
  const size = useSelect((state) => state.preferences.rowsOfPage);
  const { total, next } = shown;
  return (
    <div class="pager">
      <button type="button" class="button" disabled={before === 0} onClick={() => page.turnPage(null)}>
        Previous
      </button>
      <span class="quiet" data-testid="range">
        {count === null ? 'Asking for rows' : rangeWords(before * size, count, total)}
      </span>
      <button
        type="button"
        class="button"
        disabled={next === null}
        onClick={() => next !== null && page.turnPage(next)}
      >
        Next
      </button>
      <label class="field">
        <span class="field-label">Rows a page</span>
        <select
          value={String(size)}
          onChange={(event) => page.prefer({ rowsOfPage: Number(event.currentTarget.value) })}
        >
          {ROWS_OF_PAGE.map((choice) => (
            <option key={choice} value={String(choice)}>
              {choice}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** The operation that gives these rows, for a client of one's own. */
function AsGraphql({ table, shown: { isLive, question } }: { table: PageTable; shown: ShownRows }): JSX.Element {
  const text = isLive ? rowsSubscription(table) : rowsPage(table, true);
  return (
    <details class="operation">
      <summary>As GraphQL</summary>
      <pre tabIndex={0} role="region" aria-label="The operation as text">
        {`${text}\n\n${JSON.stringify(question.variables, null, 2)}`}
      </pre>
    </details>
  );
}

const MINUTE_MS = 60_000;

/** One table's rows as they change, narrowed and ordered as was chosen. */
export function RowsSection({ table }: { table: PageTable }): JSX.Element {
  const { rows, page, preferences, afters, now, problem } = useSelect((state) => ({
    rows: state.shown.rows,
    page: state.shown.page,
    preferences: state.preferences,
    afters: state.afters,
    // Times of day become dates with the hours, not with the seconds.
    now: Math.floor(shownNow(state) / MINUTE_MS) * MINUTE_MS,
    problem: state.problems.rows ?? state.problems.page,
  }));
  const shown = shownRows({ preferences, afters, shown: { rows, page } }, table);
  const { left } = selectionOf(table);
  const isNarrowed = preferences.conditions.length > 0 || preferences.prefix !== '';
  const { partial } = shown;
  // Between a choice and its first answer the last rows stay.
  const last = useRef<ShownRows['rows']>(null);
  if (shown.rows !== null || problem) last.current = shown.rows;
  const drawn = last.current;
  const isBusy = drawn !== null && shown.rows === null;
  return (
    <PanelSection
      id="rows"
      title="Rows"
      panel={shown.isLive ? 'rows' : 'page'}
      note={noteOf(table, shown, afters.length === 0)}
      controls={
        <button
          type="button"
          class="button"
          disabled={drawn === null || drawn.length === 0}
          onClick={() => drawn && downloadCsv(`${table.name}.csv`, rowsCsv(table, drawn))}
        >
          Download CSV
        </button>
      }
    >
      <ProblemNote problem={problem} />
      {partial.length > 0 && (
        <p class="hint">{plural(partial.length, 'partition')} did not answer: rows are missing here.</p>
      )}
      <Filters table={table} />
      {drawn === null ? (
        !problem && <Waiting />
      ) : (
        <>
          <RowsTable table={table} rows={drawn} order={shown.order} now={now} isNarrowed={isNarrowed} isBusy={isBusy} />
          <Pager shown={shown} count={isBusy ? null : drawn.length} before={afters.length} />
        </>
      )}
      {left.length > 0 && <p class="note">Not shown, for one operation has no room for them: {left.join(', ')}.</p>}
      <AsGraphql table={table} shown={shown} />
    </PanelSection>
  );
}
