import { recordsPerSecondOf, restoringOf } from '../../shared/api/processor.ts';
import { statusOf } from '../../shared/state/connection.ts';
import { StatusLine, TopBar } from '../../shared/views/top-bar.tsx';
import { useDashboard, useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { Status } from '../../shared/state/connection.ts';
import type { DashboardState } from '../state/dashboard-state.ts';
import type { View } from '../url-state.ts';

export function currentStatus(state: DashboardState): Status {
  const { states, processor } = state.data;
  return statusOf({
    link: state.link,
    browserOnline: state.browserOnline,
    now: state.now,
    paused: state.pausedAt !== null,
    held: state.held,
    complete: states?.freshness.complete ?? null,
    // The processors' reports come every second, the states only when one changes.
    lag: processor?.value.lag ?? null,
    recordsPerSecond: recordsPerSecondOf(processor?.value ?? null),
    restoring: restoringOf(processor?.value ?? null),
    asOf: states?.freshness.asOf ?? null,
    processors: processor === null ? null : processor.value.instances.filter((instance) => instance.alive).length,
  });
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
