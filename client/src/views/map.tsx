import { useEffect, useRef, useState } from 'preact/hooks';
import { formatCompact, formatCount, formatShare, shareOf } from '../../shared/format.ts';
import { Segmented } from '../../shared/views/parts.tsx';
import { formatGdp, formatGdpShort, GDP_CLASS_NAMES } from '../names.ts';
import { CLASS_SHADES, measureOf, scaleOf, SHADES, shadeOf } from '../state/shading.ts';
import { neighbour, TILES } from '../state/tiles.ts';
import { useDashboard, useSelect } from './context.ts';
import { PanelSection } from './parts.tsx';
import type { JSX } from 'preact';
import type { GdpClass, Insights, State, StateCode } from '../api/types.ts';
import type { Measure, Scale } from '../state/shading.ts';
import type { Direction } from '../state/tiles.ts';

const MEASURE_OPTIONS: readonly { readonly value: Measure; readonly label: string }[] = [
  { value: 'total', label: 'Logins' },
  { value: 'ios', label: 'iOS share' },
  { value: 'android', label: 'Android share' },
  { value: 'gdp', label: 'GDP class' },
];

function printed(value: number | null, measure: Measure): string {
  if (value === null) return '';
  if (measure === 'gdp') return formatGdpShort(value);
  return measure === 'total' ? formatCompact(value) : `${Math.round(value * 100)}%`;
}

type Classes = Insights['byGdpClass'] | undefined;

/** What a tile tells beyond its two short lines: its figures, and those of its GDP class to hold them against. */
function detail(state: State, classes: Classes): string {
  const { devices, gdp } = state;
  const share = (part: number): string => formatShare(shareOf(part, devices.total));
  const name = GDP_CLASS_NAMES[gdp.class].toLowerCase();
  const peers = classes?.find((entry) => entry.class === gdp.class)?.devices;
  const against = peers ? `; ${name}-GDP states together ${formatShare(shareOf(peers.ios, peers.total))} iOS` : '';
  return (
    `${state.name}: ${formatCount(devices.total)} logins, ${share(devices.ios)} iOS, ${share(devices.android)} ` +
    `Android. GDP ${formatGdp(gdp.millionsUsd)}, ${name}${against}.`
  );
}

const CLASSES: readonly GdpClass[] = ['LOW', 'MEDIUM', 'HIGH'];

function Legend({ scale, measure }: { scale: Scale | null; measure: Measure }): JSX.Element {
  if (measure === 'gdp') {
    return (
      <p class="map-legend">
        {CLASSES.map((entry) => (
          <span key={entry}>
            <span class={`swatch shade-${CLASS_SHADES[entry]}`} aria-hidden="true" /> {GDP_CLASS_NAMES[entry]}
          </span>
        ))}
      </p>
    );
  }
  const text = (value: number): string => (measure === 'total' ? formatCompact(value) : formatShare(value));
  return (
    <p class="map-legend">
      {scale === null ? (
        <span class="quiet">No logins yet</span>
      ) : (
        <>
          <span>
            {scale.someBelow ? '≤ ' : ''}
            {text(scale.low)}
          </span>
          <span class="swatches" aria-hidden="true">
            {Array.from({ length: SHADES }, (_, index) => (
              <span key={index} class={`swatch shade-${index + 1}`} />
            ))}
          </span>
          <span>
            {scale.someAbove ? '≥ ' : ''}
            {text(scale.high)}
          </span>
        </>
      )}
    </p>
  );
}

/**
 * The states as tiles. One of them is in the Tab order; arrows lead from tile to tile. The exact figures are told of
 * the one that has the focus or the pointer: fifty-one sentences anew with each update would cost as much as the rest
 * of the page.
 */
export function StateMap(): JSX.Element {
  const dashboard = useDashboard();
  const { states, classes, measure, selected } = useSelect((state) => ({
    states: state.shown.states,
    classes: state.shown.insights?.value.byGdpClass,
    measure: state.preferences.measure,
    selected: state.preferences.state,
  }));
  const grid = useRef<HTMLDivElement>(null);
  const [entry, setEntry] = useState<StateCode>(selected ?? 'CA');
  const [pointed, setPointed] = useState<StateCode | null>(null);
  useEffect(() => {
    if (selected !== null) setEntry(selected);
  }, [selected]);

  const values = new Map(
    TILES.map(({ code }) => {
      const state = states?.byCode.get(code);
      return [code, state ? measureOf(state, measure) : null] as const;
    }),
  );
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
    <PanelSection
      id="map"
      title="By state"
      panel="states"
      controls={
        <Segmented
          label="Shade the states by"
          options={MEASURE_OPTIONS}
          value={measure}
          onChange={(value) => dashboard.prefer({ measure: value })}
        />
      }
    >
      <div
        class="map"
        ref={grid}
        data-measure={measure}
        role="group"
        aria-label="States; arrow keys move between them, Enter opens one"
        onPointerLeave={() => setPointed(null)}
      >
        {TILES.map(({ code, row, column }) => {
          const state = states?.byCode.get(code);
          const value = values.get(code) ?? null;
          const shade = measure === 'gdp' ? (state ? CLASS_SHADES[state.gdp.class] : 0) : shadeOf(value, scale);
          return (
            <button
              key={code}
              type="button"
              class={`tile shade-${shade}`}
              style={{ gridRow: row + 1, gridColumn: column + 1 }}
              data-state={code}
              aria-pressed={code === selected}
              aria-describedby="map-detail"
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
              <span class="unseen">{state?.name}</span>
            </button>
          );
        })}
        <p id="map-detail" class="map-readout">
          {pointed !== null && named ? detail(named, classes) : 'Choose a state to see its own figures.'}
        </p>
      </div>
      <div class="map" data-measure={measure} data-legend="true">
        <Legend scale={scale} measure={measure} />
      </div>
    </PanelSection>
  );
}
