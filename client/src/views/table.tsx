import { useRef, useState } from 'preact/hooks';
import { formatCount, formatShare, NONE } from '../../shared/format.ts';
import { downloadCsv } from '../../shared/csv.ts';
import { DEVICE_NAMES, formatGdp, GDP_CLASS_NAMES } from '../names.ts';
import { statesCsv } from '../state/csv.ts';
import { iosShare, nextSort, rowsOf } from '../state/table-rows.ts';
import { useDashboard, useSelect } from './context.ts';
import { DeviceGlyph, PanelSection } from './parts.tsx';
import { useRowsInSight } from './rows-in-sight.ts';
import type { ComponentChildren, JSX } from 'preact';
import type { GdpClass, State, StateCode } from '../api/types.ts';
import type { SortField } from '../state/table-rows.ts';

const COLUMNS: readonly { readonly field: SortField; readonly label: ComponentChildren; readonly number: boolean }[] = [
  { field: 'name', label: 'State', number: false },
  { field: 'gdp', label: 'GDP', number: true },
  {
    field: 'ios',
    label: (
      <>
        <DeviceGlyph device="ios" /> {DEVICE_NAMES.ios}
      </>
    ),
    number: true,
  },
  {
    field: 'android',
    label: (
      <>
        <DeviceGlyph device="android" /> {DEVICE_NAMES.android}
      </>
    ),
    number: true,
  },
  {
    field: 'other',
    label: (
      <>
        <DeviceGlyph device="other" /> {DEVICE_NAMES.other}
      </>
    ),
    number: true,
  },
  { field: 'total', label: 'Total', number: true },
  { field: 'share', label: 'iOS share', number: true },
];

function Row({
  state,
  selected,
  reachable,
  onChoose,
}: {
  state: State;
  selected: boolean;
  reachable: boolean;
  onChoose: () => void;
}): JSX.Element {
  const { devices, gdp } = state;
  return (
    <tr data-row={state.code} data-selected={selected}>
      <th scope="row">
        <button type="button" class="row-name" tabIndex={reachable ? 0 : -1} onClick={onChoose}>
          {state.name} <span class="quiet">{state.code}</span>
        </button>
      </th>
      <td class="number">
        {formatGdp(gdp.millionsUsd)} <span class="gdp-class quiet">{GDP_CLASS_NAMES[gdp.class]}</span>
      </td>
      <td class="number">{formatCount(devices.ios)}</td>
      <td class="number">{formatCount(devices.android)}</td>
      <td class="number">{formatCount(devices.other)}</td>
      <td class="number strong">{formatCount(devices.total)}</td>
      <td class="number">{devices.total === 0 ? NONE : formatShare(iosShare(state))}</td>
    </tr>
  );
}

/** Where a key leads from a row, or null for keys that lead nowhere. */
function rowAfter(key: string, at: number, last: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + 10,
    PageUp: at - 10,
    Home: 0,
    End: last,
  };
  const next = steps[key];
  return next === undefined ? null : Math.min(last, Math.max(0, next));
}

/** All states with exact figures: the accessible twin of the map, and what the CSV file holds. */
export function StateTable(): JSX.Element {
  const dashboard = useDashboard();
  const frame = useRef<HTMLDivElement>(null);
  const statesOf = useRowsInSight(frame);
  const { states, sort, text, gdpClass, selected } = useSelect((state) => ({
    states: statesOf(state),
    sort: state.preferences.sort,
    text: state.preferences.filterText,
    gdpClass: state.preferences.filterGdp,
    selected: state.preferences.state,
  }));
  const rows = states ? rowsOf(states.byCode.values(), { text, gdpClass }, sort) : [];
  const all = states?.byCode.size ?? 0;
  const body = useRef<HTMLTableSectionElement>(null);
  // One row is in the Tab order, the first unless another was reached: fifty-one stops would be a wall.
  const [reached, setReached] = useState<StateCode | null>(null);
  const entry = rows.some((state) => state.code === reached) ? reached : rows[0]?.code;

  const onKeyDown = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement)) return;
    const code = event.target.closest<HTMLElement>('[data-row]')?.dataset['row'];
    const next = rowAfter(
      event.key,
      rows.findIndex((state) => state.code === code),
      rows.length - 1,
    );
    const target = next === null ? undefined : rows[next]?.code;
    if (code === undefined || target === undefined) return;
    event.preventDefault();
    setReached(target);
    body.current?.querySelector<HTMLElement>(`[data-row="${target}"] button`)?.focus();
  };
  return (
    <PanelSection
      id="table"
      title="All states"
      panel="states"
      note={
        states
          ? `${rows.length === all ? `${all} states` : `${rows.length} of ${all} states`}. ` +
            `${formatCount(states.unattributed.total)} logins name no state and are only in the totals.`
          : 'Waiting for the first answer.'
      }
      controls={
        <>
          <label class="field">
            <span class="unseen">Filter by name or code</span>
            <input
              type="search"
              placeholder="Filter states"
              value={text}
              onInput={(event) => dashboard.prefer({ filterText: event.currentTarget.value })}
            />
          </label>
          <label class="field">
            <span class="unseen">GDP class</span>
            <select
              value={gdpClass ?? ''}
              onChange={(event) =>
                dashboard.prefer({ filterGdp: (event.currentTarget.value || null) as GdpClass | null })
              }
            >
              <option value="">All GDP classes</option>
              <option value="HIGH">High GDP</option>
              <option value="MEDIUM">Medium GDP</option>
              <option value="LOW">Low GDP</option>
            </select>
          </label>
          <button
            type="button"
            class="button"
            disabled={rows.length === 0}
            onClick={() => downloadCsv('tributary-states.csv', statesCsv(rows))}
          >
            Download CSV
          </button>
        </>
      }
    >
      <div class="table-scroll" ref={frame}>
        <table class="data-table states-table">
          <caption class="unseen">Logins by state and device type</caption>
          <thead>
            <tr>
              {COLUMNS.map(({ field, label, number }) => (
                <th
                  key={field}
                  scope="col"
                  class={number ? 'number' : ''}
                  aria-sort={sort.field === field ? (sort.descending ? 'descending' : 'ascending') : undefined}
                >
                  <button type="button" class="sort" onClick={() => dashboard.prefer({ sort: nextSort(sort, field) })}>
                    {label}
                    <span class="arrow" aria-hidden="true">
                      {sort.field === field ? (sort.descending ? '↓' : '↑') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body} onKeyDown={onKeyDown}>
            {rows.map((state) => (
              <Row
                key={state.code}
                state={state}
                selected={state.code === selected}
                reachable={state.code === entry}
                onChoose={() => {
                  setReached(state.code);
                  dashboard.prefer({ state: state.code }, true);
                }}
              />
            ))}
            {states && rows.length === 0 && (
              <tr>
                <td colSpan={COLUMNS.length} class="quiet">
                  No state fits this filter.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </PanelSection>
  );
}
