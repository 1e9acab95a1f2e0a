import { updatesOfKeys } from '@tributary/graphql';
import { STATE_CODES } from '../../../processor/logins/states.ts';
import type { StatesUpdate } from '../generated/resolver-types.ts';
import { stateResult, totalsResult } from '../results/states-result.ts';
import { ROW_KEYS } from '../rows/count-row.ts';
import type { LoginModel } from '../rows/login-model.ts';

const FOLLOWED: ReadonlySet<string> = new Set(ROW_KEYS);

/** One subscriber's view of the states, each update with the totals of all. */
export function statesUpdates(model: LoginModel, after: string | null | undefined) {
  return updatesOfKeys<StatesUpdate>({
    model,
    table: model.tables.states.rowTable,
    readPositions: () => model.readPositions('states'),
    keys: FOLLOWED,
    subject: 'states',
    after,
    make: ({ kind, cursor, rows, removed }) => {
      const changed = new Set<unknown>([...rows.map(({ key }) => `State:${String(key)}`), ...removed]);
      // A snapshot has all states, logins or not.
      const codes = STATE_CODES.filter((code) => kind === 'SNAPSHOT' || changed.has(`State:${code}`));
      return { kind, cursor, states: codes.map((code) => stateResult(model, code)), ...totalsResult(model) };
    },
  });
}
