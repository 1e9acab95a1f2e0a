import { useEffect, useState } from 'preact/hooks';
import { copyText } from '../copy-text.ts';
import { formatAgo } from '../format.ts';
import { wordsFor } from '../state/status-words.ts';
import type { ComponentChildren, JSX } from 'preact';
import type { Status } from '../state/connection.ts';
import type { Theme } from '../theme.ts';

interface StatusLineProps {
  readonly status: Status;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Time of the newest record in what is shown, RFC 3339; null before the first. */
  readonly asOf: string | null;
  /** What the page calls a record: "login". */
  readonly record: string;
  readonly onRetry: () => void;
}

/** How the link to the API and the data stand, in words; the one place that a screen reader is told of it. */
export function StatusLine({ status, now, asOf, record, onRetry }: StatusLineProps): JSX.Element {
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
        <button type="button" class="plain" onClick={onRetry}>
          Try now
        </button>
      )}
      {!broken && asOf !== null && (
        <span class="quiet freshness" data-testid="freshness" title={`Newest ${record}: ${asOf}`}>
          newest {record} {formatAgo(now - Date.parse(asOf))}
        </span>
      )}
    </div>
  );
}

/** Follows a link inside the page; what opens a tab or a window is left to the browser. */
export function follow(event: MouseEvent, go: () => void): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go();
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

interface TopBarProps<TView extends string> {
  /** Beside the mark; a link to the first view. */
  readonly name: string;
  /** The first one is at `/`. */
  readonly views: readonly { readonly view: TView; readonly label: string }[];
  readonly current: TView;
  readonly onView: (view: TView) => void;
  readonly status: ComponentChildren;
  /** What stands between the link and the pause. */
  readonly tools?: ComponentChildren;
  readonly paused: boolean;
  readonly onPause: () => void;
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
}

/** What stands above every view: where one is, how fresh it is, and what can be done with the page as a whole. */
export function TopBar<TView extends string>(props: TopBarProps<TView>): JSX.Element {
  const { name, views, current, onView, status, tools, paused, onPause, theme, onTheme } = props;
  const [first] = views;
  return (
    <header class="top">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <div class="top-row">
        <a class="brand" href="/" onClick={(event) => first && follow(event, () => onView(first.view))}>
          <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
            <path d="M4 3c0 8 8 6 8 18" />
            <path d="M20 3c0 8-8 6-8 18" />
          </svg>
          {name}
        </a>
        <nav aria-label="Views">
          {views.map(({ view, label }) => (
            <a
              key={view}
              href={view === first?.view ? '/' : `/?view=${view}`}
              aria-current={view === current ? 'page' : undefined}
              onClick={(event) => follow(event, () => onView(view))}
            >
              {label}
            </a>
          ))}
        </nav>
        {status}
        <div class="tools">
          <CopyLink />
          {tools}
          <button type="button" class="button" aria-pressed={paused} onClick={onPause}>
            {paused ? 'Resume' : 'Pause'}
          </button>
          <label class="theme">
            <span class="unseen">Theme</span>
            <select value={theme} onChange={(event) => onTheme(event.currentTarget.value as Theme)}>
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
