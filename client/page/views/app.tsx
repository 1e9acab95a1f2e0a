import { formatAge, plural } from '../../shared/format.ts';
import { TokenPrompt, Unreachable } from '../../shared/views/notices.tsx';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { isBlocked, tableOf } from '../state/page-state.ts';
import { ChartSection } from './chart-section.tsx';
import { usePage, useSelect } from './context.ts';
import { Header } from './header.tsx';
import { Operations } from './operations.tsx';
import { Waiting } from './parts.tsx';
import { RowsSection } from './rows-section.tsx';
import { TableList } from './table-list.tsx';
import type { JSX } from 'preact';
import type { PageTable } from '../api/model.ts';

/** How rows are told apart, in words. */
function shapeWords({ shape, key }: PageTable): string {
  switch (shape.kind) {
    case 'key-value':
      return `A row for each ${key.name}`;
    case 'window': {
      const overlap = shape.advanceMs === shape.sizeMs ? '' : ` every ${formatAge(shape.advanceMs)}`;
      return (
        `A row for each ${key.name} and window of ${formatAge(shape.sizeMs)}${overlap}, ` +
        `kept for ${formatAge(shape.retentionMs)}`
      );
    }
    case 'session':
      return `A row for each session of a ${key.name}`;
  }
}

function TableTitle({ table }: { table: PageTable }): JSX.Element {
  const rows = useSelect((state) => state.shown.copies?.get(table.name)?.rows);
  return (
    <div class="table-title">
      <h1 class="view-title">{table.name}</h1>
      {table.description !== null && <p>{table.description}</p>}
      <p class="note">
        {shapeWords(table)}
        {rows === undefined || rows === null ? '' : `: ${plural(rows, 'row')}`}.
      </p>
    </div>
  );
}

function Tables(): JSX.Element {
  const page = usePage();
  const { table, chosen, none } = useSelect((state) => ({
    table: tableOf(state),
    chosen: state.preferences.table,
    none: state.model?.tables.length === 0,
  }));
  if (none) {
    return (
      <section class="notice" aria-labelledby="none-title">
        <h1 id="none-title">This API serves no table</h1>
        <p>
          Tables are named in <code>createLiveApi({'{ tables }'})</code>.
        </p>
      </section>
    );
  }
  if (table === null) {
    return (
      <section class="notice" aria-labelledby="unknown-title">
        <h1 id="unknown-title">There is no table “{chosen}”</h1>
        <p>
          <button type="button" class="button" onClick={() => page.prefer({ table: null }, true)}>
            Show the first table
          </button>
        </p>
      </section>
    );
  }
  return (
    <>
      <TableTitle table={table} />
      {table.shape.kind === 'window' && <ChartSection key={table.name} table={table} shape={table.shape} />}
      <RowsSection key={`rows ${table.name}`} table={table} />
    </>
  );
}

function Notices(): JSX.Element | null {
  const page = usePage();
  const { phase, problem } = useSelect((state) => ({ phase: state.link.phase, problem: state.problems.model }));
  if (phase === 'unauthorised') {
    return (
      <TokenPrompt refused={page.hasToken} onToken={(token) => page.useToken(token)}>
        Enter the token that this API was started with.
      </TokenPrompt>
    );
  }
  if (phase === 'waiting') return <Unreachable onRetry={() => page.retryNow()} />;
  return problem ? <ProblemNote problem={problem} /> : <Waiting />;
}

/** A token that nobody asked for: an API may show more to whom it knows. */
function OwnToken(): JSX.Element {
  const page = usePage();
  const asks = useSelect((state) => state.asksToken && state.link.phase !== 'unauthorised');
  return (
    <>
      {asks && (
        <TokenPrompt title="Access token" onToken={(token) => page.useToken(token)}>
          It is sent as a bearer token with all that this page asks.
        </TokenPrompt>
      )}
      <p>
        <button type="button" class="plain" aria-expanded={asks} onClick={() => page.askToken(!asks)}>
          {asks ? 'Cancel' : 'Use an access token'}
        </button>
      </p>
    </>
  );
}

export function App(): JSX.Element {
  const { view, known, blocked, stale } = useSelect((state) => ({
    view: state.preferences.view,
    known: state.model !== null,
    blocked: isBlocked(state),
    stale: state.link.phase !== 'live' && state.model !== null,
  }));
  const isShown = known && !blocked;
  return (
    <>
      <Header />
      <main id="main" tabIndex={-1} class={isShown ? view : undefined} data-stale={stale}>
        {!isShown && (
          <>
            <h1 class="unseen">Tables</h1>
            <Notices />
          </>
        )}
        {isShown && view === 'operations' && <Operations />}
        {isShown && view === 'tables' && (
          <>
            <TableList />
            <div class="table-view">
              <Tables />
            </div>
          </>
        )}
      </main>
      <footer class="foot">
        <p>
          The same tables: <a href="/graphql">GraphQL</a>. By keyboard: Tab from part to part; arrows read the chart.
        </p>
        <OwnToken />
      </footer>
    </>
  );
}
