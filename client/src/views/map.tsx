import { useEffect, useRef, useState } from 'preact/hooks';
import { formatCompact, formatCount, formatGdp, formatShare, GDP_CLASS_NAMES, shareOf } from '../format.ts';
import { measureOf, scaleOf, SHADES, shadeOf } from '../state/shading.ts';
import { neighbour, TILES } from '../state/tiles.ts';
import { useDashboard, useSelect } from './context.ts';
import { Section, Segmented } from './parts.tsx';
import type { JSX } from 'preact';
import type { State, StateCode } from '../api/types.ts';
import type { Measure, Scale } from '../state/shading.ts';
import type { Direction } from '../state/tiles.ts';

const MEASURE_OPTIONS: readonly { readonly value: Measure; readonly label: string }[] = [
  { value: 'total', label: 'Logins' },
  { value: 'ios', label: 'iOS share' },
  { value: 'android', label: 'Android share' },
];

function printed(value: number | null, measure: Measure): string {
  if (value === null) return '';
  return measure === 'total' ? formatCompact(value) : `${Math.round(value * 100)}%`;
}

/** What a tile tells beyond its two short lines. */
function detail(state: State): string {
  const { devices, gdp } = state;
  return `${state.name}: ${formatCount(devices.total)} logins, ${formatShare(shareOf(devices.ios, devices.total))} iOS, ${formatShare(shareOf(devices.android, devices.total))} Android. GDP ${formatGdp(gdp.millionsUsd)}, ${GDP_CLASS_NAMES[gdp.class].toLowerCase()}.`;
}

function Legend({ scale, measure }: { scale: Scale | null; measure: Measure }): JSX.Element {
  const text = (value: number): string => (measure === 'total' ? formatCompact(value) : formatShare(value));
  return (
    <p class="map-legend">
      {scale === null ? (
        <span class="quiet">No logins yet</span>
      ) : (
        <>
          <span>{scale.someBelow ? '≤ ' : ''}{text(scale.low)}</span>
          <span class="swatches" aria-hidden="true">
            {Array.from({ length: SHADES }, (_, index) => <span key={index} class={`swatch shade-${index + 1}`} />)}
          </span>
          <span>{scale.someAbove ? '≥ ' : ''}{text(scale.high)}</span>
        </>
      )}
    </p>
  );
}

/** The states as tiles. One of them is in the Tab order; arrows lead from tile to tile. */
export function StateMap(): JSX.Element {
  const dashboard = useDashboard();
  const { states, measure, selected } = useSelect((state) => ({
    states: state.shown.states,
    measure: state.preferences.measure,
    selected: state.preferences.state,
  }));
  const grid = useRef<HTMLDivElement>(null);
  const [entry, setEntry] = useState<StateCode>(selected ?? 'CA');
  const [pointed, setPointed] = useState<StateCode | null>(null);
  useEffect(() => {
    if (selected !== null) setEntry(selected);
  }, [selected]);

  const values = new Map(TILES.map(({ code }) => {
    const devices = states?.byCode.get(code)?.devices;
    return [code, devices ? measureOf(devices, measure) : null] as const;
  }));
  const scale = scaleOf(values.values());

  const onKeyDown = (event: KeyboardEvent, code: StateCode): void => {
    if (!['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].includes(event.key)) return;
    event.preventDefault();
    const next = neighbour(code, event.key as Direction);
    setEntry(next);
    grid.current?.querySelector<HTMLButtonElement>(`[data-state="${next}"]`)?.focus();
  };

  const named = states?.byCode.get(pointed ?? selected ?? entry);
  return (
    <Section
      id="map"
      title="By state"
      note="Choose a state to see its own figures."
      controls={<Segmented label="Shade the states by" options={MEASURE_OPTIONS} value={measure} onChange={(value) => dashboard.prefer({ measure: value })} />}
    >
      <div class="map" ref={grid} data-measure={measure} role="group" aria-label="States; arrow keys move between them" onPointerLeave={() => setPointed(null)}>
        {TILES.map(({ code, row, column }) => {
          const state = states?.byCode.get(code);
          const value = values.get(code) ?? null;
          return (
            <button
              key={code}
              type="button"
              class={`tile shade-${shadeOf(value, scale)}`}
              style={{ gridRow: row + 1, gridColumn: column + 1 }}
              data-state={code}
              aria-pressed={code === selected}
              tabIndex={code === entry ? 0 : -1}
              onClick={() => dashboard.prefer({ state: code }, true)}
              onKeyDown={(event) => onKeyDown(event, code)}
              onFocus={() => {
                setEntry(code);
                setPointed(code);
              }}
              onBlur={() => setPointed(null)}
              onPointerEnter={() => setPointed(code)}
            >
              <span class="tile-code">{code}</span> <span class="tile-value">{printed(value, measure)}</span>
              {state && <span class="unseen">{detail(state)}</span>}
            </button>
          );
        })}
      </div>
      <div class="map-foot">
        <div class="map" data-measure={measure} data-legend="true"><Legend scale={scale} measure={measure} /></div>
        <p class="map-readout" aria-hidden="true">{pointed !== null && named ? detail(named) : ''}</p>
      </div>
    </Section>
  );
}
