/** Small pieces that more than one view is made of. */
import { useId } from 'preact/hooks';
import { DEVICE_NAMES, formatAge, formatCount, formatMoment, formatShare, shareOf } from '../format.ts';
import { knownUntil } from '../state/dashboard-state.ts';
import { DEVICES } from '../state/series-ring.ts';
import { useSelect } from './context.ts';
import type { ComponentChildren, JSX } from 'preact';
import type { Problem } from '../api/transport.ts';
import type { DeviceCounts } from '../api/types.ts';
import type { Panel } from '../state/dashboard-state.ts';
import type { Device } from '../state/series-ring.ts';

/** The shape that stands for a device type wherever its colour does: a circle, a triangle, a square. */
export function DeviceGlyph({ device }: { device: Device }): JSX.Element {
  return (
    <svg class={`glyph glyph-${device}`} viewBox="0 0 12 12" width="10" height="10" aria-hidden="true">
      {device === 'ios' && <circle cx="6" cy="6" r="5" />}
      {device === 'android' && <path d="M6 .8 11.6 11H.4z" />}
      {device === 'other' && <rect x="1.2" y="1.2" width="9.6" height="9.6" />}
    </svg>
  );
}

interface SegmentedProps<T extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly label: string; readonly spoken?: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

/** One choice of a few, in a row: real radio buttons, so arrows and screen readers work as everywhere. */
export function Segmented<T extends string>({ label, options, value, onChange }: SegmentedProps<T>): JSX.Element {
  const name = useId();
  return (
    <fieldset class="segmented">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            aria-label={option.spoken}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Shares of a whole as one bar. It only repeats what stands beside it in figures, so it is not read out. */
export function ShareBar({ devices }: { devices: DeviceCounts }): JSX.Element {
  return (
    <div class="share-bar" aria-hidden="true">
      {DEVICES.map((device) => (
        <span key={device} class={`fill-${device}`} style={{ flexGrow: devices[device] }} />
      ))}
    </div>
  );
}

/** iOS, Android and other with count and share. */
export function DeviceFigures({ devices }: { devices: DeviceCounts }): JSX.Element {
  return (
    <dl class="device-figures">
      {DEVICES.map((device) => (
        <div key={device} class={`device-figure device-${device}`}>
          <dt>
            <DeviceGlyph device={device} /> {DEVICE_NAMES[device]}
          </dt>
          <dd>
            <span class="figure" data-figure={device}>
              {formatCount(devices[device])}
            </span>
            <span class="quiet"> {formatShare(shareOf(devices[device], devices.total))}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What went wrong in one panel; what was there before stays below it. */
export function ProblemNote({ problem }: { problem: Problem | undefined }): JSX.Element | null {
  if (!problem) return null;
  return (
    <p class="problem" role="alert">
      <strong>{problem.code}</strong> {problem.message} <span class="quiet">The page asks again by itself.</span>
    </p>
  );
}

/** A panel says how old it is from this age on: reports come every second. */
const STALE_FROM_MS = 5_000;

/** How old a panel is, by its own clock; nothing while it is as new as can be. */
export function StaleNote({ panel }: { panel: Panel }): JSX.Element | null {
  const { until, now } = useSelect((state) => {
    const known = knownUntil(state, panel);
    const stale = known > 0 && state.now - known >= STALE_FROM_MS;
    return { until: stale ? known : null, now: stale ? state.now : 0 };
  });
  if (until === null) return null;
  return (
    <p class="stale" data-stale-panel={panel}>
      <span class="dot" aria-hidden="true" /> As of {formatMoment(new Date(until).toISOString(), now)},{' '}
      <span>{formatAge(now - until)} old</span>
    </p>
  );
}

interface SectionProps {
  readonly id: string;
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly controls?: ComponentChildren;
  readonly children: ComponentChildren;
  /** Whose age is told under the title. */
  readonly panel?: Panel;
}

/** A part of the page under its own heading. */
export function Section({ id, title, note, controls, children, panel }: SectionProps): JSX.Element {
  return (
    <section id={id} class="section" aria-labelledby={`${id}-title`}>
      <div class="section-head">
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          {note !== undefined && <p class="note">{note}</p>}
          {panel !== undefined && <StaleNote panel={panel} />}
        </div>
        {controls !== undefined && <div class="controls">{controls}</div>}
      </div>
      {children}
    </section>
  );
}
