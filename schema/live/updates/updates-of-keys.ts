import type { RowTable } from '../tables/row-table.ts';
import type { ReadPositions } from './cursor-resume.ts';
import type { RowModel } from './row-model.ts';
import { RowSelection } from './row-selection.ts';
import { type RowsUpdate, RowUpdates } from './row-updates.ts';

export interface UpdatesOfKeysOptions<Update> {
  readonly model: RowModel;
  /** A table without windows. */
  readonly table: RowTable;
  /** The next offset to read of each partition of the table's topic, as of now. */
  readonly readPositions: () => ReadPositions;
  /** The bytes of the keys that are followed, as latin1. */
  readonly keys: ReadonlySet<string>;
  /** What makes these updates differ from those of other subscriptions: equal ones share them. */
  readonly subject: string;
  /** The cursor that the subscriber gave. */
  readonly after: string | null | undefined;
  /** Gives an update its form. */
  readonly make: (update: RowsUpdate) => Update;
}

/** One subscriber's view of some keys of a table, for a subscription that an application forms itself. */
export function updatesOfKeys<Update>({ table, keys, ...options }: UpdatesOfKeysOptions<Update>): RowUpdates<Update> {
  const selection = new RowSelection({
    table,
    keys,
    range: null,
    test: () => true,
    order: { field: null, direction: 'ASC' },
    first: null,
    last: null,
  });
  return new RowUpdates({ ...options, selection });
}
