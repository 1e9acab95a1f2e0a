import { pageStatus } from '../../shared/state/page-status.ts';
import { StatusLine, TopBar } from '../../shared/views/top-bar.tsx';
import { useDashboard, useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { Status } from '../../shared/state/connection.ts';
import type { DashboardState } from '../state/dashboard-state.ts';
import type { View } from '../url-state.ts';

export function currentStatus(state: DashboardState): Status {
  return pageStatus(state, state.data.states?.freshness ?? null, state.data.processor?.value ?? null);
}

function CurrentStatus(): JSX.Element {
  const dashboard = useDashboard();
  const { status, now, asOf } = useSelect((state) => ({
    status: currentStatus(state),
    now: state.now,
    asOf: state.shown.states?.freshness.asOf ?? null,
  }));
  return <StatusLine status={status} now={now} asOf={asOf} record="login" onRetry={() => dashboard.retryNow()} />;
}

const VIEWS: readonly { readonly view: View; readonly label: string }[] = [
  { view: 'overview', label: 'Overview' },
  { view: 'operations', label: 'Operations' },
];

/** Larger and without controls; over the whole screen where the browser lets it. */
function setWall(dashboard: ReturnType<typeof useDashboard>, wall: boolean): void {
  dashboard.prefer({ wall });
  const asked = wall
    ? document.documentElement.requestFullscreen?.()
    : document.fullscreenElement && document.exitFullscreen();
  // Refused (an embedded page, a phone): the page is large all the same.
  if (asked instanceof Promise) asked.catch(() => undefined);
}

export function Header(): JSX.Element {
  const dashboard = useDashboard();
  const { view, theme, paused, wall } = useSelect((state) => ({
    view: state.preferences.view,
    theme: state.preferences.theme,
    paused: state.pausedAt !== null,
    wall: state.preferences.wall,
  }));
  return (
    <TopBar
      name="Tributary"
      views={VIEWS}
      current={view}
      onView={(to) => dashboard.prefer({ view: to, state: null }, true)}
      status={<CurrentStatus />}
      tools={
        <button
          type="button"
          class="button wall-button"
          aria-pressed={wall}
          title="For a screen on a wall: larger, without controls"
          onClick={() => setWall(dashboard, !wall)}
        >
          Wall
        </button>
      }
      paused={paused}
      onPause={() => dashboard.togglePause()}
      theme={theme}
      onTheme={(to) => dashboard.prefer({ theme: to })}
    />
  );
}
