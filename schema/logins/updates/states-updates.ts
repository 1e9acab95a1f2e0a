import { TableUpdates } from '@tributary/graphql';
import { STATE_CODES, type StateCode } from '../../../processor/logins/states.ts';
import type { StatesUpdate } from '../generated/resolver-types.ts';
import { stateResult, totalsResult } from '../results/states-result.ts';
import type { CountRow } from '../rows/count-row.ts';
import type { LoginModel } from '../rows/login-model.ts';

/** One subscriber's view of the states, each update with the totals of all. */
export function statesUpdates(
  model: LoginModel,
  after: string | null | undefined,
): TableUpdates<StateCode, CountRow, StatesUpdate> {
  return new TableUpdates<StateCode, CountRow, StatesUpdate>({
    model,
    table: model.tables.states,
    readPositions: () => model.readPositions('states'),
    subject: 'states',
    after,
    keys: STATE_CODES,
    make: (kind, cursor, codes) => ({
      kind,
      cursor,
      states: codes.map((code) => stateResult(model, code)),
      ...totalsResult(model),
    }),
  });
}
