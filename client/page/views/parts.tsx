/** Small pieces that more than one view of this page is made of. */
import { isStale, Section, StaleNote } from '../../shared/views/parts.tsx';
import { panelKnownUntil } from '../state/page-state.ts';
import { useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { SectionProps } from '../../shared/views/parts.tsx';
import type { Panel } from '../state/page-state.ts';

/** How old a panel is, by its own clock; nothing while it is as new as can be. */
function PanelAge({ panel }: { panel: Panel }): JSX.Element | null {
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

export function Waiting(): JSX.Element {
  return <p class="quiet">Waiting for the first answer.</p>;
}
