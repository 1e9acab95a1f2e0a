import { useEffect, useState } from 'preact/hooks';
import { copyText } from '../copy-text.ts';
import { formatAgo, formatMoment, plural } from '../format.ts';
import { statusOf } from '../state/connection.ts';
import { recordsPerSecondOf, restoringOf } from '../state/dashboard-state.ts';
import { useDashboard, useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { Status } from '../state/connection.ts';
import type { DashboardState } from '../state/dashboard-state.ts';
import type { Theme, View } from '../url-state.ts';

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

/** The words for a state. `spoken` has no figure that ticks: it is what a screen reader is told when it changes. */
function wordsFor(status: Status, now: number): { shown: string; spoken: string } {
  switch (status.kind) {
    case 'opening':
      return { shown: 'Connecting', spoken: 'Connecting' };
    case 'live':
      return { shown: 'Live', spoken: 'Live' };
    case 'paused':
      return { shown: `Paused, ${plural(status.held, 'update')} held`, spoken: 'Paused' };
    case 'catching-up': {
      if (status.restoring) {
        return {
          shown: `Catching up: ${status.restoring.done} of ${status.restoring.of} tasks restored`,
          spoken: 'Catching up',
        };
      }
      return {
        shown: status.lag ? `Catching up: ${plural(status.lag, 'record')} behind` : 'Catching up',
        spoken: 'Catching up',
      };
    }
    case 'no-processor':
      return { shown: 'No processor running', spoken: 'No processor running' };
    case 'reconnecting': {
      const when = status.inSeconds === null ? 'Reconnecting' : `Reconnecting in ${status.inSeconds} s`;
      return { shown: `${when} (attempt ${status.attempt})`, spoken: 'Connection lost, reconnecting' };
    }
    case 'offline': {
      const data = status.asOf === null ? 'Offline' : `Offline, showing data as of ${formatMoment(status.asOf, now)}`;
      return { shown: data, spoken: data };
    }
    case 'unauthorised':
      return { shown: 'Access token needed', spoken: 'Access token needed' };
  }
}

function StatusLine(): JSX.Element {
  const dashboard = useDashboard();
  const { status, now, asOf } = useSelect((state) => ({
    status: currentStatus(state),
    now: state.now,
    asOf: state.shown.states?.freshness.asOf ?? null,
  }));
  const words = wordsFor(status, now);
  const broken = status.kind === 'reconnecting' || status.kind === 'offline';
  return (
    <div class="status">
      <span class="status-word" data-status={status.kind} data-testid="status">
        <span class="dot" aria-hidden="true" />
        {words.shown}
      </span>
      <span class="unseen" role="status">
        {words.spoken}
      </span>
      {status.kind === 'offline' && status.inSeconds !== null && (
        <span class="quiet">next try in {status.inSeconds} s</span>
      )}
      {broken && (
        <button type="button" class="plain" onClick={() => dashboard.retryNow()}>
          Try now
        </button>
      )}
      {!broken && asOf !== null && (
        <span class="quiet freshness" data-testid="freshness" title={`Newest login: ${asOf}`}>
          newest login {formatAgo(now - Date.parse(asOf))}
        </span>
      )}
    </div>
  );
}

const VIEWS: readonly { readonly view: View; readonly label: string }[] = [
  { view: 'overview', label: 'Overview' },
  { view: 'operations', label: 'Operations' },
];

function follow(event: MouseEvent, go: () => void): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go();
}

/** Larger and without controls; over the whole screen where the browser lets it. */
function setWall(dashboard: ReturnType<typeof useDashboard>, wall: boolean): void {
  dashboard.prefer({ wall });
  const asked = wall
    ? document.documentElement.requestFullscreen?.()
    : document.fullscreenElement && document.exitFullscreen();
  // Refused (an embedded page, a phone): the page is large all the same.
  if (asked instanceof Promise) asked.catch(() => undefined);
}

/** How long the button says how it went. */
const COPIED_FOR_MS = 2_500;

/** The address holds all that was chosen: to share the view is to share it. */
function CopyLink(): JSX.Element {
  const [outcome, setOutcome] = useState<'copied' | 'refused' | null>(null);
  useEffect(() => {
    if (outcome === null) return undefined;
    const timer = setTimeout(() => setOutcome(null), COPIED_FOR_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => setOutcome((await copyText(location.href)) ? 'copied' : 'refused');
  return (
    <>
      <button
        type="button"
        class="button copy-button"
        title="Copies the address, which reproduces this view"
        onClick={() => void copy()}
      >
        {outcome === 'copied' ? 'Copied' : outcome === 'refused' ? 'Not allowed' : 'Copy link'}
      </button>
      <span class="unseen" role="status">
        {outcome === 'copied'
          ? 'Link copied'
          : outcome === 'refused'
            ? 'The browser did not allow to copy; the address bar has the link'
            : ''}
      </span>
    </>
  );
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
    <header class="top">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <div class="top-row">
        <a
          class="brand"
          href="/"
          onClick={(event) => follow(event, () => dashboard.prefer({ view: 'overview', state: null }, true))}
        >
          <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
            <path class="stroke-ios" d="M4 3c0 8 8 6 8 18" />
            <path class="stroke-android" d="M20 3c0 8-8 6-8 18" />
          </svg>
          Tributary
        </a>
        <nav aria-label="Views">
          {VIEWS.map((entry) => (
            <a
              key={entry.view}
              href={entry.view === 'overview' ? '/' : `/?view=${entry.view}`}
              aria-current={entry.view === view ? 'page' : undefined}
              onClick={(event) => follow(event, () => dashboard.prefer({ view: entry.view, state: null }, true))}
            >
              {entry.label}
            </a>
          ))}
        </nav>
        <StatusLine />
        <div class="tools">
          <CopyLink />
          <button
            type="button"
            class="button wall-button"
            aria-pressed={wall}
            title="For a screen on a wall: larger, without controls"
            onClick={() => setWall(dashboard, !wall)}
          >
            Wall
          </button>
          <button type="button" class="button" aria-pressed={paused} onClick={() => dashboard.togglePause()}>
            {paused ? 'Resume' : 'Pause'}
          </button>
          <label class="theme">
            <span class="unseen">Theme</span>
            <select value={theme} onChange={(event) => dashboard.prefer({ theme: event.currentTarget.value as Theme })}>
              <option value="system">System</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </label>
        </div>
      </div>
    </header>
  );
}
