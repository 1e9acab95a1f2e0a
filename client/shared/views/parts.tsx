/** Small pieces that the views of every page are made of. */
import { useId } from 'preact/hooks';
import { formatAge, formatMoment } from '../format.ts';
import type { ComponentChildren, JSX } from 'preact';
import type { Problem } from '../api/transport.ts';

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

/** Whether what was known to be whole at `until` is old at `now`; epoch milliseconds, 0 before the first answer. */
export function isStale(until: number, now: number): boolean {
  return until > 0 && now - until >= STALE_FROM_MS;
}

/** How old a panel is. */
export function StaleNote({ panel, until, now }: { panel: string; until: number; now: number }): JSX.Element {
  return (
    <p class="stale" data-stale-panel={panel}>
      <span class="dot" aria-hidden="true" /> As of {formatMoment(new Date(until).toISOString(), now)},{' '}
      <span>{formatAge(now - until)} old</span>
    </p>
  );
}

export interface SectionProps {
  readonly id: string;
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly controls?: ComponentChildren;
  readonly children: ComponentChildren;
  /** The age of what it shows, told under the title. */
  readonly stale?: ComponentChildren;
}

/** A part of the page under its own heading. */
export function Section({ id, title, note, controls, children, stale }: SectionProps): JSX.Element {
  return (
    <section id={id} class="section" aria-labelledby={`${id}-title`}>
      <div class="section-head">
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          {note !== undefined && <p class="note">{note}</p>}
          {stale}
        </div>
        {controls !== undefined && <div class="controls">{controls}</div>}
      </div>
      {children}
    </section>
  );
}
