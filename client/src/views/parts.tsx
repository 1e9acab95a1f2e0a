/** Small pieces that more than one view of the dashboard is made of. */
import { formatCount, formatShare, shareOf } from '../../shared/format.ts';
import { isStale, Section, StaleNote } from '../../shared/views/parts.tsx';
import { DEVICE_NAMES } from '../names.ts';
import { panelKnownUntil } from '../state/dashboard-state.ts';
import { DEVICES } from '../state/series-ring.ts';
import { useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { SectionProps } from '../../shared/views/parts.tsx';
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

/** How old a panel is, by its own clock; nothing while it is as new as can be. */
export function PanelAge({ panel }: { panel: Panel }): JSX.Element | null {
  const { until, now } = useSelect((state) => {
    const known = panelKnownUntil(state, panel);
    const stale = isStale(known, state.now);
    return { until: stale ? known : null, now: stale ? state.now : 0 };
  });
  return until === null ? null : <StaleNote panel={panel} until={until} now={now} />;
}

/** A part of the page that tells the age of its panel. */
export function PanelSection({ panel, ...rest }: Omit<SectionProps, 'stale'> & { panel: Panel }): JSX.Element {
  return <Section {...rest} stale={<PanelAge panel={panel} />} />;
}
