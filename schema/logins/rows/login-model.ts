import { createLiveModel, type DeclaredTable, type LiveTablesOptions } from '@tributary/graphql';
import { CountWindows } from './count-windows.ts';
import { LOGIN_TABLES } from './login-tables.ts';
import { QualityRows } from './quality-rows.ts';
import { StateCounts } from './state-counts.ts';

/** In which form the tables are held here. */
const HELD = {
  states: (declared: DeclaredTable) => new StateCounts(declared),
  minutes: (declared: DeclaredTable) => new CountWindows(declared),
  hours: (declared: DeclaredTable) => new CountWindows(declared),
  quality: (declared: DeclaredTable) => new QualityRows(declared),
};

type LoginModelOptions = Omit<LiveTablesOptions<typeof LOGIN_TABLES, typeof HELD>, 'tables' | 'held'>;

/** An empty copy of all results of the login application. */
export function createLoginModel(options: LoginModelOptions) {
  return createLiveModel({ ...options, tables: LOGIN_TABLES, held: HELD });
}

export type LoginModel = ReturnType<typeof createLoginModel>;
export type LoginTables = LoginModel['tables'];
