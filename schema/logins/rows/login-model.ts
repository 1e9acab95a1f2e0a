import {
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  DATA_QUALITY,
  HOUR_WINDOWS,
  MINUTE_WINDOWS,
} from '../../../processor/logins/names.ts';
import { LiveModel, type LiveModelOptions } from '../../live/tables/live-model.ts';
import { QualityRows } from './quality-rows.ts';
import { StateRows } from './state-rows.ts';
import { WindowRows } from './window-rows.ts';

/** The stores of the login topology, as copied here. */
export type LoginTables = {
  readonly states: StateRows;
  readonly minutes: WindowRows;
  readonly hours: WindowRows;
  readonly quality: QualityRows;
};

export type LoginModel = LiveModel<LoginTables>;

/** An empty copy of all results of the login application. */
export function createLoginModel(options: Omit<LiveModelOptions<LoginTables>, 'tables'>): LoginModel {
  return new LiveModel<LoginTables>({
    ...options,
    tables: {
      states: { store: COUNTS_BY_STATE, table: new StateRows() },
      minutes: { store: COUNTS_BY_STATE_MINUTE, table: new WindowRows(MINUTE_WINDOWS) },
      hours: { store: COUNTS_BY_STATE_HOUR, table: new WindowRows(HOUR_WINDOWS) },
      quality: { store: DATA_QUALITY, table: new QualityRows() },
    },
  });
}
