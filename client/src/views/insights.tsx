import { useState } from 'preact/hooks';
import { formatCount, formatShare, plural, shareOf } from '../../shared/format.ts';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { DEVICE_NAMES } from '../names.ts';
import { leadsOf, widestOf } from '../state/findings.ts';
import { useDashboard, useSelect } from './context.ts';
import { DeviceGlyph, PanelSection } from './parts.tsx';
import type { JSX } from 'preact';
import type { StateCode } from '../api/types.ts';
import type { Lead } from '../state/findings.ts';
import type { StatesModel } from '../state/states-model.ts';

/** A state's name that opens its panel. */
function StateLink({ code, text, spoken }: { code: StateCode; text: string; spoken?: string }): JSX.Element {
  const dashboard = useDashboard();
  return (
    <button type="button" class="plain" data-opens={code} onClick={() => dashboard.prefer({ state: code }, true)}>
      {text}
      {spoken !== undefined && <span class="unseen"> {spoken}</span>}
    </button>
  );
}

/** All states of one lead, widest first, folded away: twenty-five codes in a row are no sentence. */
function Leads({ leads, by }: { leads: readonly Lead[]; by: Lead['by'] }): JSX.Element | null {
  if (leads.length === 0) return null;
  return (
    <p class="leads" data-leads={by}>
      <span class="quiet">
        <DeviceGlyph device={by} /> More {DEVICE_NAMES[by]}, widest lead first:
      </span>
      {leads.map(({ state }) => (
        <StateLink key={state.code} code={state.code} text={state.code} spoken={state.name} />
      ))}
    </p>
  );
}

function Widest({ lead }: { lead: Lead }): JSX.Element {
  const { state, by } = lead;
  const other = by === 'ios' ? 'android' : 'ios';
  const title = `${DEVICE_NAMES[by]} leads most in`;
  const share = (device: 'ios' | 'android'): string => formatShare(shareOf(state.devices[device], state.devices.total));
  return (
    <li data-finding={`widest-${by}`}>
      <DeviceGlyph device={by} /> {title} <StateLink code={state.code} text={state.name} />: {share(by)} to{' '}
      {share(other)},{' '}
      <span class="quiet">
        {formatCount(state.devices[by])} logins to {formatCount(state.devices[other])}.
      </span>
    </li>
  );
}

interface FindingsProps {
  readonly states: StatesModel;
  readonly top: StateCode;
  readonly moreIos: readonly { readonly code: StateCode }[];
  readonly moreAndroid: readonly { readonly code: StateCode }[];
}

function Findings({ states, top, moreIos, moreAndroid }: FindingsProps): JSX.Element {
  const [unfolded, setUnfolded] = useState(false);
  const first = states.byCode.get(top);
  const ios = leadsOf(states, moreIos);
  const android = leadsOf(states, moreAndroid);
  const widest = [widestOf(states, ios), widestOf(states, android)];
  return (
    <>
      <ul class="findings">
        {first && (
          <li data-finding="top">
            <StateLink code={top} text={first.name} /> has the most logins: {formatCount(first.devices.total)},{' '}
            <span class="quiet">{formatShare(shareOf(first.devices.total, states.totals.total))} of all.</span>
          </li>
        )}
        <li data-finding="leads">
          {ios.length === android.length
            ? `iOS and Android lead in ${plural(ios.length, 'state')} each.`
            : ios.length > android.length
              ? `iOS leads in ${plural(ios.length, 'state')}, Android in ${android.length}.`
              : `Android leads in ${plural(android.length, 'state')}, iOS in ${ios.length}.`}
        </li>
        {widest.map((lead) => lead && <Widest key={lead.by} lead={lead} />)}
      </ul>
      <details class="which" onToggle={(event) => setUnfolded(event.currentTarget.open)}>
        <summary>Which states</summary>
        {unfolded && <Leads leads={ios} by="ios" />}
        {unfolded && <Leads leads={android} by="android" />}
      </details>
    </>
  );
}

/** What the counts say, in sentences with the figures behind them. */
export function Insights(): JSX.Element {
  const { insights, states, problem } = useSelect((state) => ({
    insights: state.shown.insights?.value,
    states: state.shown.states,
    problem: state.problems.insights,
  }));
  return (
    <PanelSection id="insights" title="What stands out" panel="insights">
      <ProblemNote problem={problem} />
      {insights && states ? (
        insights.topState === null ? (
          <p class="quiet">Nothing yet: findings come with the first logins.</p>
        ) : (
          <Findings
            states={states}
            top={insights.topState.code}
            moreIos={insights.moreIos}
            moreAndroid={insights.moreAndroid}
          />
        )
      ) : (
        !problem && <p class="quiet">Waiting for the first answer.</p>
      )}
    </PanelSection>
  );
}
