import type { JSX } from 'preact';

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['Tab', 'from part to part'],
  ['Arrows', 'on the chart: from window to window; on the map and in the table: from state to state'],
  ['Home, End, Page up, Page down', 'on the chart and in the table: in larger steps'],
  ['Enter', 'opens a state'],
  ['Esc', 'closes it, and puts the chart\'s cursor away'],
];

/** Where else the figures are, and how to get about without a mouse. No letter is a shortcut: those hinder speech control. */
export function Footer(): JSX.Element {
  return (
    <footer class="foot">
      <p>
        The same figures: <a href="/graphql">GraphQL</a>, <a href="/data">/data</a>, <a href="/insights">/insights</a>.
      </p>
      <details>
        <summary>Keyboard</summary>
        <dl class="keys">
          {KEYS.map(([keys, what]) => (
            <div key={keys}><dt>{keys}</dt><dd>{what}</dd></div>
          ))}
        </dl>
      </details>
    </footer>
  );
}
