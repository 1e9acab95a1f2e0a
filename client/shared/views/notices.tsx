/** What stands in place of everything while there is something to do first. */
import type { ComponentChildren, JSX } from 'preact';

/** Asks for the token that the API was started with. It stays in this tab. */
export function TokenPrompt({
  children,
  title = 'This API needs an access token',
  refused = false,
  onToken,
}: {
  /** Which token. */
  children: ComponentChildren;
  title?: string;
  /** One was given, and is not the right one. */
  refused?: boolean;
  onToken: (token: string) => void;
}): JSX.Element {
  return (
    <section class="notice" aria-labelledby="token-title">
      <h2 id="token-title">{title}</h2>
      <p>{children} It is kept for this tab only.</p>
      {refused && <p role="alert">The API has refused the token that it was given.</p>}
      <form
        class="token-form"
        onSubmit={(event) => {
          event.preventDefault();
          // As it stands in the field: one that is pasted and sent in one go has not been drawn yet.
          const token = String(new FormData(event.currentTarget).get('token')).trim();
          if (token !== '') onToken(token);
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

export function Unreachable({
  children,
  onRetry,
}: {
  /** How to start it. */
  children?: ComponentChildren;
  onRetry: () => void;
}): JSX.Element {
  return (
    <section class="notice" aria-labelledby="unreachable-title">
      <h2 id="unreachable-title">The API does not answer</h2>
      <p>There is nothing to show yet. The page tries again by itself{children}.</p>
      <p>
        <button type="button" class="button" onClick={onRetry}>
          Try now
        </button>
      </p>
    </section>
  );
}
