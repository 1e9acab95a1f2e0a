import { type Logger, StreamsError } from '@tributary/streams';
import { declareTables } from './declare-tables.ts';
import type { DeclaredTable } from './declared-table.ts';
import { LiveModel } from './live-model.ts';
import type { LiveTable } from './live-table.ts';
import { RowTable } from './row-table.ts';
import type { TableDeclaration } from './table.ts';

/** Makes the copy of a table that is held in another form than as rows. */
export type HoldTable = (declared: DeclaredTable) => LiveTable;

export interface LiveTablesOptions<
  Tables extends Readonly<Record<string, TableDeclaration>>,
  Held extends Readonly<Record<string, HoldTable>>,
> {
  readonly applicationId: string;
  readonly logger: Logger;
  readonly tables: Tables;
  /** Tables that are held in another form than as rows, by their names; only code of the application reads them. */
  readonly held?: Held | undefined;
  /** The wall clock, epoch milliseconds. */
  readonly now?: (() => number) | undefined;
  /** A clock that nobody sets, in milliseconds: durations are measured with it. */
  readonly elapsedMs?: (() => number) | undefined;
}

/** The copies of declared tables, by their names. */
export type Copies<Tables, Held extends Readonly<Record<string, HoldTable>>> = {
  readonly [Name in keyof Tables]: Name extends keyof Held ? ReturnType<Held[Name]> : RowTable;
};

/**
 * Empty copies of an application's tables: a live API fills them from their topics, a test by hand.
 * @throws StreamsError CONFIG_INVALID with a line for each option of a table that cannot be used.
 */
export function createLiveModel<
  Tables extends Readonly<Record<string, TableDeclaration>>,
  Held extends Readonly<Record<string, HoldTable>> = Readonly<Record<never, HoldTable>>,
>(options: LiveTablesOptions<Tables, Held>): LiveModel<Copies<Tables, Held>> {
  const problems: string[] = [];
  const declared = declareTables(options.tables, problems);
  if (problems.length > 0) throw new StreamsError('CONFIG_INVALID', problems.join('\n'));
  return liveModelOf(declared, options) as unknown as LiveModel<Copies<Tables, Held>>;
}

/** The same of tables whose options have been checked. */
export function liveModelOf(
  declared: readonly DeclaredTable[],
  { held, ...options }: Omit<LiveTablesOptions<never, Readonly<Record<string, HoldTable>>>, 'tables'>,
): LiveModel {
  const copies = declared.map((table) => [
    table.name,
    {
      ...(table.source.kind === 'store' ? { store: table.source.store } : { topic: table.source.topic }),
      table: held?.[table.name]?.(table) ?? new RowTable(table),
    },
  ]);
  return new LiveModel({ ...options, tables: Object.fromEntries(copies) });
}
