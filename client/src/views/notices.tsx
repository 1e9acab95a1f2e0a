import { TokenPrompt, Unreachable } from '../../shared/views/notices.tsx';
import { useDashboard, useSelect } from './context.ts';
import { currentStatus } from './header.tsx';
import type { JSX } from 'preact';
import type { DashboardState } from '../state/dashboard-state.ts';

function NoLoginsYet(): JSX.Element {
  return (
    <section class="notice" aria-labelledby="empty-title">
      <h2 id="empty-title">Waiting for the first login</h2>
      <p>Everything is connected and no login has been counted yet. Publish some:</p>
      <pre>
        <code>npm run producer</code>
      </pre>
      <p class="quiet">Or write JSON logins to the input topic with any Kafka client. This page fills by itself.</p>
    </section>
  );
}

/** Nothing was ever shown and nothing can be: the panels would only wait. */
export function isBlocked(state: DashboardState): boolean {
  if (state.data.states !== null) return false;
  const { kind } = currentStatus(state);
  return kind === 'unauthorised' || kind === 'reconnecting' || kind === 'offline';
}

/** What stands above the panels when there is something to do first. */
export function Notices(): JSX.Element | null {
  const dashboard = useDashboard();
  const { status, known, empty } = useSelect((state) => {
    const { states } = state.data;
    return {
      status: currentStatus(state).kind,
      known: states !== null,
      empty: states !== null && states.totals.total === 0 && states.freshness.complete,
    };
  });
  if (status === 'unauthorised') {
    return (
      <TokenPrompt onToken={(token) => dashboard.useToken(token)}>
        Enter the value of <code>API_TOKEN</code> that the API was started with.
      </TokenPrompt>
    );
  }
  if (!known && (status === 'reconnecting' || status === 'offline')) {
    return (
      <Unreachable onRetry={() => dashboard.retryNow()}>
        ; start the API with <code>npm start</code> or <code>npm run api</code>
      </Unreachable>
    );
  }
  return empty ? <NoLoginsYet /> : null;
}
