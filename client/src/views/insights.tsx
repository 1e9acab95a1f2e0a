import { DEVICE_NAMES, formatCount, formatShare, GDP_CLASS_NAMES, plural, shareOf } from '../format.ts';
import { DEVICES } from '../state/series-ring.ts';
import { useSelect } from './context.ts';
import { DeviceGlyph, ProblemNote, Section, ShareBar } from './parts.tsx';
import type { JSX } from 'preact';
import type { Insights as InsightsAnswer } from '../api/types.ts';

/** GDP classes side by side: a table whose rows carry a bar. */
function ClassComparison({ classes }: { classes: InsightsAnswer['byGdpClass'] }): JSX.Element {
  return (
    <div class="table-scroll">
      <table class="data-table compare">
        <caption>
          Device types by the GDP of the state <span class="caption-note">High from $700 billion, low below $230 billion, in 2024.</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">State GDP</th>
            <th scope="col" class="bar-head"><span class="unseen">Shares as a bar</span></th>
            {DEVICES.map((device) => (
              <th key={device} scope="col" class="number"><DeviceGlyph device={device} /> {DEVICE_NAMES[device]}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map((entry) => (
            <tr key={entry.class} data-gdp={entry.class}>
              <th scope="row">
                {GDP_CLASS_NAMES[entry.class]} <span class="quiet">{plural(entry.states, 'state')}</span>
              </th>
              <td class="bar-cell"><ShareBar devices={entry.devices} /></td>
              {DEVICES.map((device) => (
                <td key={device} class="number" title={`${formatCount(entry.devices[device])} logins`}>
                  {formatShare(shareOf(entry.devices[device], entry.devices.total))}
                  <span class="cell-count quiet">{formatCount(entry.devices[device])}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Insights(): JSX.Element {
  const { insights, problem } = useSelect((state) => ({ insights: state.shown.insights?.value, problem: state.problems.insights }));
  return (
    <Section id="insights" title="What stands out">
      <ProblemNote problem={problem} />
      {insights ? (
        <>
          {insights.sentences.length === 0 ? (
            <p class="quiet">Nothing yet: findings come with the first logins.</p>
          ) : (
            <ul class="sentences">
              {insights.sentences.map((sentence, index) => <li key={index}>{sentence}</li>)}
            </ul>
          )}
          <ClassComparison classes={insights.byGdpClass} />
        </>
      ) : (
        !problem && <p class="quiet">Waiting for the first answer.</p>
      )}
    </Section>
  );
}
