import { useDashboard, useSelect } from './context.ts';
import { currentStatus } from './header.tsx';
import type { JSX } from 'preact';
import type { DashboardState } from '../state/dashboard-state.ts';

/** Asks for the token that the API was started with. It stays in this tab. */
function TokenPrompt(): JSX.Element {
  const dashboard = useDashboard();
  return (
    <section class="notice" aria-labelledby="token-title">
      <h2 id="token-title">This API needs an access token</h2>
      <p>
        Enter the value of <code>API_TOKEN</code> that the API was started with. It is kept for this tab only.
      </p>
      <form
        class="token-form"
        onSubmit={(event) => {
          event.preventDefault();
          // As it stands in the field: one that is pasted and sent in one go has not been drawn yet.
          const token = String(new FormData(event.currentTarget).get('token')).trim();
          if (token !== '') dashboard.useToken(token);
        }}
      >
        <label for="token">Access token</label>
        <input id="token" name="token" type="password" autocomplete="off" />
        <button type="submit" class="button primary">
          Connect
        </button>
      </form>
    </section>
  );
}

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

function Unreachable(): JSX.Element {
  const dashboard = useDashboard();
  return (
    <section class="notice" aria-labelledby="unreachable-title">
      <h2 id="unreachable-title">The API does not answer</h2>
      <p>
        There is nothing to show yet. The page tries again by itself; start the API with <code>npm start</code> or{' '}
        <code>npm run api</code>.
      </p>
      <p>
        <button type="button" class="button" onClick={() => dashboard.retryNow()}>
          Try now
        </button>
      </p>
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
  const { status, known, empty } = useSelect((state) => {
    const { states } = state.data;
    return {
      status: currentStatus(state).kind,
      known: states !== null,
      empty: states !== null && states.totals.total === 0 && states.freshness.complete,
    };
  });
  if (status === 'unauthorised') return <TokenPrompt />;
  if (!known && (status === 'reconnecting' || status === 'offline')) return <Unreachable />;
  return empty ? <NoLoginsYet /> : null;
}
