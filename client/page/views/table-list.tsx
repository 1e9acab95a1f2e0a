import { formatCompact, NONE } from '../../shared/format.ts';
import { OF_ONE_TABLE, writeUrl } from '../state/url-state.ts';
import { tableOf } from '../state/page-state.ts';
import { follow } from '../../shared/views/top-bar.tsx';
import { usePage, useSelect } from './context.ts';
import type { JSX } from 'preact';
import type { TableShape } from '../api/model.ts';

const KINDS: Readonly<Record<TableShape['kind'], string>> = {
  'key-value': '',
  window: 'windows',
  session: 'sessions',
};

/** The tables that the API serves, with how many rows this API has of each. */
export function TableList(): JSX.Element | null {
  const page = usePage();
  const { tables, copies, current, preferences } = useSelect((state) => ({
    tables: state.model?.tables ?? [],
    copies: state.shown.copies,
    current: tableOf(state)?.name,
    preferences: state.preferences,
  }));
  if (tables.length === 0) return null;
  return (
    <nav class="table-list" aria-label="Tables">
      <ul>
        {tables.map(({ name, shape }) => {
          const patch = { ...OF_ONE_TABLE, table: name };
          const rows = copies?.get(name)?.rows;
          return (
            <li key={name}>
              <a
                href={`/${writeUrl({ ...preferences, ...patch })}`}
                aria-current={name === current ? 'page' : undefined}
                onClick={(event) => follow(event, () => page.prefer(patch, true))}
              >
                <span class="table-name">{name}</span>
                {KINDS[shape.kind] !== '' && <span class="quiet">{KINDS[shape.kind]}</span>}
                <span class="quiet table-rows" data-table-rows={name}>
                  {rows === undefined || rows === null ? NONE : formatCompact(rows)}
                  <span class="unseen"> rows</span>
                </span>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
