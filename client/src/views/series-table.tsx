import { useState } from 'preact/hooks';
import { formatCount, formatShare, formatWindow, NONE, shareOf } from '../../shared/format.ts';
import { DEVICE_NAMES } from '../names.ts';
import { DEVICES } from '../state/series-ring.ts';
import { totalOf } from '../state/series-window.ts';
import type { JSX } from 'preact';
import type { SeriesView, WindowView } from '../state/series-window.ts';

const PAGE_ROWS = 60;

const STATE_NAMES: Readonly<Record<WindowView['state'], string>> = {
  whole: '',
  'in-progress': 'so far',
  revised: 'revised',
  unknown: 'not known',
};

/** The chart's windows as rows, newest first, sixty at a time. */
export function SeriesTable({ view, caption }: { view: SeriesView; caption: string }): JSX.Element {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(view.windows.length / PAGE_ROWS));
  const at = Math.min(page, pages - 1);
  const rows = view.windows.toReversed().slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS);
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Logins by window">
      <table class="data-table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Window</th>
            {DEVICES.map((device) => (
              <th key={device} scope="col" class="number">
                {DEVICE_NAMES[device]}
              </th>
            ))}
            <th scope="col" class="number">
              Total
            </th>
            <th scope="col" class="number">
              iOS share
            </th>
            <th scope="col">Note</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ start, end, counts, state }) => (
            <tr key={start}>
              <th scope="row">{formatWindow(start, end)}</th>
              {DEVICES.map((device) => (
                <td key={device} class="number">
                  {counts ? formatCount(counts[device]) : NONE}
                </td>
              ))}
              <td class="number">{counts ? formatCount(totalOf(counts)) : NONE}</td>
              <td class="number">{counts ? formatShare(shareOf(counts.ios, totalOf(counts))) : NONE}</td>
              <td class="quiet">{STATE_NAMES[state]}</td>
            </tr>
          ))}
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
