import { Segmented } from '../../shared/views/parts.tsx';
import { RANGE_NAMES, RANGES, stepName } from '../state/ranges.ts';
import { useDashboard, useSelect } from './context.ts';
import { Footer } from './footer.tsx';
import { GdpClasses } from './gdp-classes.tsx';
import { Header } from './header.tsx';
import { Insights } from './insights.tsx';
import { StateMap } from './map.tsx';
import { isBlocked, Notices } from './notices.tsx';
import { Operations } from './operations.tsx';
import { PanelSection } from './parts.tsx';
import { QualityLine } from './quality.tsx';
import { SeriesFigure } from './series-figure.tsx';
import { StatePanel } from './state-panel.tsx';
import { StateTable } from './table.tsx';
import { Totals } from './totals.tsx';
import type { JSX } from 'preact';
import type { RangeName } from '../state/ranges.ts';

const RANGE_OPTIONS = RANGE_NAMES.map((value: RangeName) => ({
  value,
  label: RANGES[value].label,
  spoken: RANGES[value].spoken,
}));
const MODE_OPTIONS = [
  { value: 'counts', label: 'Counts' },
  { value: 'share', label: 'Share' },
] as const;

function OverTime(): JSX.Element {
  const dashboard = useDashboard();
  const { range, mode } = useSelect((state) => ({ range: state.preferences.range, mode: state.preferences.mode }));
  return (
    <PanelSection
      id="time"
      title="Over time"
      panel="series"
      note={`Logins per ${stepName(RANGES[range])}, by when they happened.`}
      controls={
        <>
          <Segmented
            label="Counts or shares"
            options={MODE_OPTIONS}
            value={mode}
            onChange={(value) => dashboard.prefer({ mode: value })}
          />
          <Segmented
            label="Time range"
            options={RANGE_OPTIONS}
            value={range}
            onChange={(value) => dashboard.prefer({ range: value })}
          />
        </>
      }
    >
      <SeriesFigure panel="series" code={null} height={16.5} where="" />
    </PanelSection>
  );
}

function Overview(): JSX.Element {
  return (
    <>
      <Totals />
      <OverTime />
      <StateMap />
      <Insights />
      <GdpClasses />
      <StateTable />
      <QualityLine />
    </>
  );
}

export function App(): JSX.Element {
  const { view, state, stale, blocked } = useSelect((current) => ({
    view: current.preferences.view,
    state: current.preferences.state,
    stale: current.link.phase !== 'live' && current.data.states !== null,
    blocked: isBlocked(current),
  }));
  return (
    <>
      <div data-behind-panel>
        <Header />
      </div>
      <main id="main" tabIndex={-1} class={blocked ? undefined : view} data-behind-panel data-stale={stale}>
        {blocked && <h1 class="unseen">Device logins</h1>}
        <Notices />
        {!blocked && (view === 'overview' ? <Overview /> : <Operations />)}
      </main>
      <div data-behind-panel>
        <Footer />
      </div>
      {!blocked && view === 'overview' && state !== null && <StatePanel code={state} />}
    </>
  );
}
