import { fieldsOf, hasWindows, valueOf } from '../api/model.ts';
import { formatSpan } from '../state/format-window.ts';
import { nextOrder, startOf } from '../state/row-order.ts';
import { isNumeric } from '../state/values.ts';
import { Cell } from './cell.tsx';
import { usePage } from './context.ts';
import type { JSX } from 'preact';
import type { Row } from '../api/answers.ts';
import type { PageField, PageTable } from '../api/model.ts';
import type { RowOrder } from '../state/row-order.ts';

interface HeadProps {
  readonly table: PageTable;
  readonly field: PageField;
  readonly order: RowOrder;
}

function Head({ table, field, order }: HeadProps): JSX.Element {
  const page = usePage();
  const { name, type, description, list } = field;
  const current = order.field === name;
  return (
    <th
      scope="col"
      class={isNumeric(type) && !list ? 'number' : undefined}
      title={description ?? undefined}
      aria-sort={current ? (order.descending ? 'descending' : 'ascending') : undefined}
    >
      {table.orderFields.includes(name) ? (
        <button type="button" class="sort" onClick={() => page.prefer({ order: nextOrder(order, name, type) })}>
          {name}
          <span class="arrow" aria-hidden="true">
            {current ? (order.descending ? '↓' : '↑') : ''}
          </span>
        </button>
      ) : (
        name
      )}
    </th>
  );
}

function endOf(row: Row): number {
  const { window } = row as { window?: { end: string } };
  return window === undefined ? 0 : Date.parse(window.end);
}

interface RowsTableProps {
  readonly table: PageTable;
  readonly rows: readonly Row[];
  readonly order: RowOrder;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Whether a filter is why there may be none. */
  readonly isNarrowed: boolean;
  /** Others are on their way. */
  readonly isBusy: boolean;
}

/** Rows as they are, a column a field. */
export function RowsTable({ table, rows, order, now, isNarrowed, isBusy }: RowsTableProps): JSX.Element {
  const [key, ...fields] = fieldsOf(table);
  const windowed = hasWindows(table);
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={`Rows of ${table.name}`}>
      <table class="data-table rows-table" aria-busy={isBusy}>
        <caption class="unseen">{table.description ?? `Rows of ${table.name}`}</caption>
        <thead>
          <tr>
            {key && <Head table={table} field={key} order={order} />}
            {windowed && <th scope="col">{table.shape.kind}</th>}
            {fields.map((field) => (
              <Head key={field.name} table={table} field={field} order={order} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} data-row={row.id}>
              <th scope="row">{key && <Cell value={valueOf(table, row, key.name)} field={key} now={now} />}</th>
              {windowed && <td class="when">{formatSpan(startOf(row), endOf(row), now)}</td>}
              {fields.map((field) => (
                <td key={field.name} class={isNumeric(field.type) && !field.list ? 'number' : undefined}>
                  <Cell value={row[field.name]} field={field} now={now} />
                </td>
              ))}
            </tr>
          ))}
          {rows.length === 0 && (
            <tr>
              <td colSpan={fields.length + (windowed ? 2 : 1)} class="quiet">
                {isNarrowed
                  ? 'No row fits what was asked for.'
                  : 'This table has no rows yet. They come by themselves.'}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
