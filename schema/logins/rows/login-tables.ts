import { z } from 'zod';

import {
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  DATA_QUALITY,
  HOUR_WINDOWS,
  MINUTE_WINDOWS,
  type WindowDefinition,
} from '../../../processor/logins/names.ts';
import { table } from '@tributary/graphql';
import { countsValue } from './count-row.ts';
import { qualityValue } from './quality-rows.ts';

/** More rows than any retention keeps: none of these tables is ever given up. */
const MAX_ROWS = 10_000_000;

function windowOf({ sizeMs, retentionMs }: WindowDefinition) {
  return { sizeMs, retentionMs };
}

/** What all tables of counts have: only this API's own resolvers read them. */
const COUNTS = { key: { code: z.string() }, value: countsValue, maxRows: MAX_ROWS, served: false } as const;

/** The stores of the login topology. The names are part of the cursors that clients hold. */
export const LOGIN_TABLES = {
  /** One row per state, and one for unattributed logins. */
  states: table({ ...COUNTS, type: 'State', store: COUNTS_BY_STATE }),
  minutes: table({ ...COUNTS, store: COUNTS_BY_STATE_MINUTE, window: windowOf(MINUTE_WINDOWS) }),
  hours: table({ ...COUNTS, store: COUNTS_BY_STATE_HOUR, window: windowOf(HOUR_WINDOWS) }),
  quality: table({ store: DATA_QUALITY, key: { key: z.string() }, value: qualityValue, served: false }),
};
