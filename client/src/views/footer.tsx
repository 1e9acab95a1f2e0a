import type { JSX } from 'preact';

/**
 * Where else the figures are, and how to get about without a mouse. No letter is a shortcut: those hinder speech
 * control.
 */
export function Footer(): JSX.Element {
  return (
    <footer class="foot">
      <p>
        The same figures: <a href="/graphql">GraphQL</a>, <a href="/data">/data</a>, <a href="/insights">/insights</a>.
      </p>
      <p>
        By keyboard: Tab from part to part; arrows on the chart, the map and the table; Enter opens a state, Esc closes
        it.
      </p>
    </footer>
  );
}
