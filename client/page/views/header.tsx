import { pageStatus } from '../../shared/state/page-status.ts';
import { StatusLine, TopBar } from '../../shared/views/top-bar.tsx';
import { usePage, useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { PageState } from '../state/page-state.ts';
import type { View } from '../state/url-state.ts';

/** Of the rows that are shown; of all copies where none are. */
function freshnessOf({ data }: PageState): { asOf: string | null; complete: boolean } | null {
  const own = data.rows?.freshness ?? data.page?.value.freshness;
  if (own) return own;
  return data.copies && { asOf: null, complete: [...data.copies.values()].every(({ complete }) => complete) };
}

function CurrentStatus(): JSX.Element {
  const page = usePage();
  const { status, now, asOf } = useSelect((state) => ({
    status: pageStatus(state, freshnessOf(state), state.data.processor?.value ?? null),
    now: state.now,
    asOf: (state.shown.rows ?? state.shown.page?.value)?.freshness.asOf ?? null,
  }));
  return <StatusLine status={status} now={now} asOf={asOf} record="record" onRetry={() => page.retryNow()} />;
}

const VIEWS: readonly { readonly view: View; readonly label: string }[] = [
  { view: 'tables', label: 'Tables' },
  { view: 'operations', label: 'Operations' },
];

export function Header(): JSX.Element {
  const page = usePage();
  const { name, view, theme, paused } = useSelect((state) => ({
    name: state.model?.applicationId ?? 'Tributary',
    view: state.preferences.view,
    theme: state.preferences.theme,
    paused: state.pausedAt !== null,
  }));
  return (
    <TopBar
      name={name}
      views={VIEWS}
      current={view}
      onView={(to) => page.prefer({ view: to }, true)}
      status={<CurrentStatus />}
      paused={paused}
      onPause={() => page.togglePause()}
      theme={theme}
      onTheme={(to) => page.prefer({ theme: to })}
    />
  );
}
