import { formatCount, formatShare, plural, shareOf } from '../../shared/format.ts';
import { DEVICE_NAMES, GDP_CLASS_NAMES } from '../names.ts';
import { shareScale } from '../state/findings.ts';
import { DEVICES } from '../state/series-ring.ts';
import { useSelect } from './context.ts';
import { DeviceGlyph, PanelSection } from './parts.tsx';
import type { JSX } from 'preact';
import type { DeviceCounts, Insights } from '../api/types.ts';

const COMPARED = ['ios', 'android'] as const;

/**
 * The two shares of one class as marks on a line that all classes have in common. Only repeats the figures beside it.
 */
function Marks({
  devices,
  scale: [low, high],
}: {
  devices: DeviceCounts;
  scale: readonly [low: number, high: number];
}): JSX.Element {
  const placed = COMPARED.flatMap((device) => {
    const share = shareOf(devices[device], devices.total);
    return share === null ? [] : [{ device, left: ((share - low) / (high - low)) * 100 }];
  });
  const [a, b] = placed;
  return (
    <div class="marks" aria-hidden="true">
      {a && b && (
        <span
          class="marks-gap"
          style={{ left: `${Math.min(a.left, b.left)}%`, width: `${Math.abs(a.left - b.left)}%` }}
        />
      )}
      {placed.map(({ device, left }) => (
        <span key={device} class="mark" style={{ left: `${left}%` }}>
          <DeviceGlyph device={device} />
        </span>
      ))}
    </div>
  );
}

const LEADERS = [
  ['IOS', 'iOS leads'],
  ['ANDROID', 'Android leads'],
  [null, 'neither leads'],
] as const;

/** The finding in words, from the API's own leaders. */
function headline(classes: Insights['byGdpClass']): string {
  const counted = classes.filter(({ devices }) => devices.total > 0);
  const parts = LEADERS.flatMap(([leader, words]) => {
    const led = counted
      .filter((entry) => entry.leader === leader)
      .map((entry) => GDP_CLASS_NAMES[entry.class].toLowerCase());
    if (led.length === 0) return [];
    return led.length === counted.length
      ? `${words}, whatever the size of the economy`
      : `${words} in ${led.join('- and ')}-GDP states`;
  });
  return counted.length === 0 ? 'No logins yet.' : `${parts.join('; ').replace(/^n/, 'N')}.`;
}

/**
 * Device types by the size of a state's economy: a small chart whose rows are a table's, so that everybody can read it.
 */
export function GdpClasses(): JSX.Element {
  const classes = useSelect((state) => state.shown.insights?.value.byGdpClass);
  const scale = shareScale(classes ?? []);
  return (
    <PanelSection
      id="classes"
      title="By the size of the economy"
      note={classes ? headline(classes) : undefined}
      panel="insights"
    >
      {classes ? (
        <>
          <table class="data-table compare">
            <caption class="unseen">Device types by the GDP of the state</caption>
            <thead>
              <tr>
                <th scope="col">State GDP</th>
                <th scope="col" class="marks-head">
                  <span class="unseen">Share of logins, as a chart</span>
                  <span aria-hidden="true">
                    <span>{Math.round(scale[0] * 100)}%</span>
                    <span>{Math.round(scale[1] * 100)}%</span>
                  </span>
                </th>
                {DEVICES.map((device) => (
                  <th key={device} scope="col" class="number">
                    <DeviceGlyph device={device} /> {DEVICE_NAMES[device]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {classes.map((entry) => (
                <tr key={entry.class} data-gdp={entry.class}>
                  <th scope="row">
                    {GDP_CLASS_NAMES[entry.class]} <span class="quiet">{plural(entry.states, 'state')}</span>
                  </th>
                  <td class="marks-cell">
                    <Marks devices={entry.devices} scale={scale} />
                  </td>
                  {DEVICES.map((device) => (
                    <td key={device} class="number">
                      {formatShare(shareOf(entry.devices[device], entry.devices.total))}
                      <span class="cell-count quiet">{formatCount(entry.devices[device])}</span>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          <p class="note">Total GDP in 2024: high from $700 billion, low below $230 billion.</p>
        </>
      ) : (
        <p class="quiet">Waiting for the first answer.</p>
      )}
    </PanelSection>
  );
}
